//! Tests of membership under faults that real brokers rarely show, on a paused clock.
//!
//! The broker in `broker` keeps inboxes until a member removes them, as queues do.

mod broker;

use std::{sync::Arc, time::Duration};

use highwater_types::BrokerUrl;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use self::broker::{FakeTransport, broker};
use super::membership_table::MembershipTable;
use crate::backplane::{Backplane, Identity, Inbound, View, reconnect::JoiningNode};

const LEASE: Duration = Duration::from_secs(5);

struct TestMember {
    backplane: Arc<dyn Backplane>,
    _inbox: mpsc::Receiver<Inbound>,
    leave: CancellationToken,
    left: JoinHandle<()>,
}

impl TestMember {
    fn join(cluster: &str, id: &str, incarnation: u64) -> Self {
        Self::join_with(cluster, id, incarnation, Some("0123456789abcdef"))
    }

    fn join_with(cluster: &str, id: &str, incarnation: u64, secret: Option<&str>) -> Self {
        // The fake broker is found by the name of the cluster alone.
        let url = BrokerUrl::parse("redis://in.memory").unwrap();
        let cluster = cluster.parse().unwrap();
        let leave = CancellationToken::new();
        let (deliver, inbox) = mpsc::channel(16);
        let node = JoiningNode {
            identity: Identity::of_node(id, incarnation),
            secret: secret.map(|secret| secret.parse().unwrap()),
            deliver,
            leave: leave.clone(),
        };
        let (backplane, left) = super::connection::join::<FakeTransport>(url, cluster, LEASE, node);
        Self {
            backplane,
            _inbox: inbox,
            leave,
            left,
        }
    }

    fn view(&self) -> View {
        (**self.backplane.view().borrow()).clone()
    }

    async fn wait_for_members(&self, members: &[&str]) {
        let mut view = self.backplane.view();
        let seen = view.wait_for(|view| {
            let ids = view.members.iter().map(|member| member.id.as_str());
            view.connected && ids.eq(members.iter().copied())
        });
        seen.await.unwrap();
    }

    fn generation_of(&self, id: &str) -> u64 {
        let id = id.parse().unwrap();
        self.view().member(&id).unwrap().generation
    }
}

/// Joins members and waits until they see each other.
async fn join_all<const N: usize>(cluster: &str, ids: [&str; N]) -> [TestMember; N] {
    let members = ids.map(|id| TestMember::join(cluster, id, 1));
    for member in &members {
        member.wait_for_members(&ids).await;
    }
    members
}

/// Advances the paused clock. It only advances while every task waits, so everything that
/// is due before has happened then.
async fn advance(time: Duration) {
    tokio::time::sleep(time).await;
}

fn stored_table(cluster: &str) -> MembershipTable {
    let (_, bytes) = broker(cluster).lock().stored_table.clone().unwrap();
    MembershipTable::parse(&bytes).unwrap()
}

#[tokio::test(start_paused = true)]
async fn fifty_nodes_that_join_at_once_agree() {
    let ids: Vec<String> = (10..60).map(|number| format!("n{number}")).collect();
    let nodes: Vec<TestMember> = ids
        .iter()
        .map(|id| TestMember::join("fifty", id, 1))
        .collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    for node in &nodes {
        node.wait_for_members(&ids).await;
    }
    advance(2 * LEASE).await;
    let first = nodes[0].view();
    assert!(nodes.iter().all(|node| node.view() == first));
    assert_eq!(stored_table("fifty").tombstones, []);
}

#[tokio::test(start_paused = true)]
async fn lost_table_is_stored_again() {
    let [a, b] = join_all("forgets", ["a", "b"]).await;
    let before = b.view();
    broker("forgets").lock().stored_table = None;
    advance(2 * LEASE).await;
    assert_eq!(a.view().members, before.members, "a member was lost");
    assert_eq!(stored_table("forgets").view().members, before.members);
    // Also if a node that never saw the old table is the first to store a new one.
    broker("forgets").lock().stored_table = None;
    let newcomer = TestMember::join("forgets", "c", 1);
    for node in [&a, &b, &newcomer] {
        node.wait_for_members(&["a", "b", "c"]).await;
    }
    assert!(newcomer.view().version > before.version);
    advance(2 * LEASE).await;
    assert_eq!(a.view(), b.view());
    assert_eq!(a.view(), newcomer.view());
}

#[tokio::test(start_paused = true)]
async fn table_of_a_stranger_is_ignored_and_replaced() {
    let [a, b] = join_all("signed", ["a", "b"]).await;
    let before = b.view();
    let (revision, signed) = broker("signed").lock().stored_table.clone().unwrap();
    let mut foreign = MembershipTable::new();
    foreign.bump_version(before.version + 1_000);
    // Without a signature, with that of another table, and no table at all.
    let text = String::from_utf8(signed.to_vec()).unwrap();
    let changed = text.replace("\"id\":\"b\"", "\"id\":\"c\"");
    assert_ne!(changed, text);
    let invalid = [foreign.to_bytes(), changed.into(), "not a table".into()];
    for (at, table) in invalid.into_iter().enumerate() {
        broker("signed").lock().stored_table = Some((revision + 1_000 + at as u64, table));
        advance(2 * LEASE).await;
        assert_eq!(a.view().members, before.members, "a member was lost");
        assert_eq!(stored_table("signed").view().members, before.members);
    }
    let rejected = |member: &TestMember| member.backplane.traffic().tables_rejected.get();
    assert!(rejected(&a) + rejected(&b) >= 3);
}

#[tokio::test(start_paused = true)]
async fn table_of_the_far_future_is_replaced_without_a_secret_as_well() {
    let member = TestMember::join_with("poisoned", "a", 1, None);
    member.wait_for_members(&["a"]).await;
    let before = member.view();
    let mut poisoned = MembershipTable::new();
    poisoned.bump_version((1 << 38) - 3);
    broker("poisoned").lock().stored_table = Some((1_000, poisoned.to_bytes()));
    advance(2 * LEASE).await;
    assert_eq!(member.view().members, before.members);
    assert!(member.view().version < before.version + 1_000_000);
    assert_eq!(member.backplane.traffic().tables_rejected.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn member_without_the_secret_does_not_join() {
    let member = TestMember::join("closed", "a", 1);
    member.wait_for_members(&["a"]).await;
    let stranger = TestMember::join_with("closed", "b", 1, None);
    let other_secret = TestMember::join_with("closed", "c", 1, Some("0123456789abcdeF"));
    advance(2 * LEASE).await;
    assert!(!stranger.view().connected && !other_secret.view().connected);
    assert!(other_secret.backplane.traffic().tables_rejected.get() > 0);
    let traffic = member.backplane.traffic();
    assert_eq!(
        (traffic.tables_rejected.get(), traffic.reconnects.get()),
        (0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn version_grows_when_the_broker_restores_an_old_table() {
    let a = TestMember::join("back", "a", 1);
    a.wait_for_members(&["a"]).await;
    let old = broker("back").lock().stored_table.clone();
    let b = TestMember::join("back", "b", 1);
    a.wait_for_members(&["a", "b"]).await;
    let before = a.view().version;
    broker("back").lock().stored_table = old;
    advance(2 * LEASE).await;
    for node in [&a, &b] {
        node.wait_for_members(&["a", "b"]).await;
        assert!(node.view().version > before);
    }
    assert!(
        b.generation_of("b") > before,
        "b did not join again, although its entry was missing"
    );
}

#[tokio::test(start_paused = true)]
async fn inbox_of_a_dead_node_is_removed_by_a_survivor() {
    let [a, b] = join_all("cut", ["a", "b"]).await;
    assert_eq!(broker("cut").lock().nodes(), ["a", "b"]);
    drop(b);
    // As if the process had died: it does not leave in order.
    a.wait_for_members(&["a"]).await;
    advance(LEASE).await;
    assert_eq!(broker("cut").lock().nodes(), ["a"]);
    assert_eq!(a.backplane.traffic().evicted.get(), 1);
    assert_eq!(a.backplane.traffic().inboxes_deleted.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn failed_removal_of_an_inbox_is_repeated() {
    let [a, b] = join_all("again", ["a", "b"]).await;
    broker("again").lock().removes_inboxes = false;
    drop(b);
    advance(3 * LEASE).await;
    assert_eq!(broker("again").lock().nodes(), ["a", "b"]);
    assert_eq!(a.backplane.traffic().reconnects.get(), 0);
    broker("again").lock().removes_inboxes = true;
    advance(3 * LEASE).await;
    assert_eq!(broker("again").lock().nodes(), ["a"]);
    assert_eq!(stored_table("again").tombstones, []);
}

#[tokio::test(start_paused = true)]
async fn full_broker_costs_no_member_its_entry() {
    let [a, b, c] = join_all("full", ["a", "b", "c"]).await;
    broker("full").lock().full = true;
    drop(c);
    advance(5 * LEASE).await;
    for node in [&a, &b] {
        node.wait_for_members(&["a", "b", "c"]).await;
        assert_eq!(node.backplane.traffic().reconnects.get(), 0);
    }
    broker("full").lock().full = false;
    advance(3 * LEASE).await;
    for node in [&a, &b] {
        node.wait_for_members(&["a", "b"]).await;
        assert_eq!(node.backplane.traffic().reconnects.get(), 0);
    }
    assert_eq!(broker("full").lock().nodes(), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn inbox_of_a_dead_reaper_is_removed_by_another_member() {
    let [a, b, c] = join_all("reaper", ["a", "b", "c"]).await;
    broker("reaper").lock().removes_inboxes = false;
    drop(c);
    a.wait_for_members(&["a", "b"]).await;
    b.wait_for_members(&["a", "b"]).await;
    let (evictor, (survivor, id)) = match a.backplane.traffic().evicted.get() {
        1 => (a, (b, "b")),
        _ => (b, (a, "a")),
    };
    drop(evictor);
    broker("reaper").lock().removes_inboxes = true;
    survivor.wait_for_members(&[id]).await;
    advance(3 * LEASE).await;
    assert_eq!(broker("reaper").lock().nodes(), [id]);
    assert_eq!(stored_table("reaper").tombstones, []);
}

#[tokio::test(start_paused = true)]
async fn reconnected_node_gets_a_new_generation_and_leaves_no_inbox() {
    let [a, b] = join_all("gap", ["a", "b"]).await;
    let before = a.generation_of("b");
    broker("gap").lock().disconnect("b");
    let mut view = a.backplane.view();
    let id = "b".parse().unwrap();
    view.wait_for(|view| view.member(&id).is_some_and(|b| b.generation > before))
        .await
        .unwrap();
    assert_eq!(b.backplane.traffic().reconnects.get(), 1);
    advance(LEASE).await;
    assert_eq!(broker("gap").lock().nodes(), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn two_processes_with_one_incarnation_do_not_replace_each_other_in_turn() {
    let other = TestMember::join("twins", "other", 1);
    let _twins = ["n", "n"].map(|id| TestMember::join("twins", id, 7));
    other.wait_for_members(&["n", "other"]).await;
    advance(LEASE).await;
    let before = other.view();
    advance(10 * LEASE).await;
    assert_eq!(other.view(), before);
}

#[tokio::test(start_paused = true)]
async fn node_that_leaves_in_order_removes_its_entry_and_inbox() {
    let [a, b] = join_all("leaves", ["a", "b"]).await;
    let began = tokio::time::Instant::now();
    b.leave.cancel();
    b.left.await.unwrap();
    a.wait_for_members(&["a"]).await;
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "the others waited for its lease"
    );
    assert_eq!(broker("leaves").lock().nodes(), ["a"]);
    assert_eq!(stored_table("leaves").tombstones, []);
}
