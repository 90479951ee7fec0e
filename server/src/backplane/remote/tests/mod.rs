//! Tests of membership under faults that real brokers rarely show, on a paused clock.
//!
//! The broker in `broker` keeps inboxes until a member removes them, as queues do.

mod broker;

use std::{sync::Arc, time::Duration};

use highwater_types::BrokerUrl;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use self::broker::{FakeBroker, FakeTransport, broker, lock};
use super::{ClusterAddress, membership_table::MembershipTable};
use crate::backplane::{Backplane, Identity, Inbound, MemberRole, View};

const LEASE: Duration = Duration::from_secs(5);

struct TestMember {
    backplane: Arc<dyn Backplane>,
    _inbox: mpsc::Receiver<Inbound>,
    leave: CancellationToken,
    left: JoinHandle<()>,
}

impl TestMember {
    fn join(cluster: &str, id: &str, incarnation: u64) -> Self {
        let address = ClusterAddress {
            // The fake broker is found by the name of the cluster alone.
            server: BrokerUrl::parse("redis://in.memory").unwrap(),
            cluster: cluster.parse().unwrap(),
        };
        let identity = Identity {
            id: id.parse().unwrap(),
            incarnation,
            address: None,
            role: MemberRole::Node,
        };
        let leave = CancellationToken::new();
        let (deliver, inbox) = mpsc::channel(16);
        let (backplane, left) =
            super::join::<FakeTransport>(address, identity, LEASE, deliver, leave.clone());
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

/// Advances the paused clock. It only advances while every task waits, so everything that
/// is due before has happened then.
async fn advance(time: Duration) {
    tokio::time::sleep(time).await;
}

fn stored_table(broker: &parking_lot::Mutex<FakeBroker>) -> MembershipTable {
    let (_, bytes) = lock(broker).stored_table.clone().unwrap();
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
    assert_eq!(stored_table(&broker("fifty")).tombstones, []);
}

#[tokio::test(start_paused = true)]
async fn lost_table_is_stored_again() {
    let [a, b] = ["a", "b"].map(|id| TestMember::join("forgets", id, 1));
    a.wait_for_members(&["a", "b"]).await;
    b.wait_for_members(&["a", "b"]).await;
    let before = b.view();
    lock(&broker("forgets")).stored_table = None;
    advance(2 * LEASE).await;
    assert_eq!(a.view().members, before.members, "a member was lost");
    assert_eq!(
        stored_table(&broker("forgets")).view().members,
        before.members
    );
    // Also if a node that never saw the old table is the first to store a new one.
    lock(&broker("forgets")).stored_table = None;
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
async fn version_grows_when_the_broker_restores_an_old_table() {
    let a = TestMember::join("back", "a", 1);
    a.wait_for_members(&["a"]).await;
    let old = lock(&broker("back")).stored_table.clone();
    let b = TestMember::join("back", "b", 1);
    a.wait_for_members(&["a", "b"]).await;
    let before = a.view().version;
    lock(&broker("back")).stored_table = old;
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
    let [a, b] = ["a", "b"].map(|id| TestMember::join("cut", id, 1));
    a.wait_for_members(&["a", "b"]).await;
    let before = lock(&broker("cut")).inboxes();
    drop(b);
    // As if the process had died: it does not leave in order.
    a.wait_for_members(&["a"]).await;
    advance(LEASE).await;
    assert_eq!(lock(&broker("cut")).nodes(), ["a"]);
    assert_eq!(before.len(), 2);
    assert_eq!(a.backplane.traffic().evicted(), 1);
    assert_eq!(a.backplane.traffic().inboxes_deleted(), 1);
}

#[tokio::test(start_paused = true)]
async fn failed_removal_of_an_inbox_is_repeated() {
    let [a, b] = ["a", "b"].map(|id| TestMember::join("again", id, 1));
    a.wait_for_members(&["a", "b"]).await;
    lock(&broker("again")).removes_inboxes = false;
    drop(b);
    advance(3 * LEASE).await;
    assert_eq!(lock(&broker("again")).nodes(), ["a", "b"]);
    assert_eq!(a.backplane.traffic().reconnects(), 0);
    lock(&broker("again")).removes_inboxes = true;
    advance(3 * LEASE).await;
    assert_eq!(lock(&broker("again")).nodes(), ["a"]);
    assert_eq!(stored_table(&broker("again")).tombstones, []);
}

#[tokio::test(start_paused = true)]
async fn full_broker_costs_no_member_its_entry() {
    let [a, b, c] = ["a", "b", "c"].map(|id| TestMember::join("full", id, 1));
    for node in [&a, &b, &c] {
        node.wait_for_members(&["a", "b", "c"]).await;
    }
    lock(&broker("full")).full = true;
    drop(c);
    advance(5 * LEASE).await;
    for node in [&a, &b] {
        node.wait_for_members(&["a", "b", "c"]).await;
        assert_eq!(node.backplane.traffic().reconnects(), 0);
    }
    lock(&broker("full")).full = false;
    advance(3 * LEASE).await;
    for node in [&a, &b] {
        node.wait_for_members(&["a", "b"]).await;
        assert_eq!(node.backplane.traffic().reconnects(), 0);
    }
    assert_eq!(lock(&broker("full")).nodes(), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn inbox_of_a_dead_reaper_is_removed_by_another_member() {
    let [a, b, c] = ["a", "b", "c"].map(|id| TestMember::join("reaper", id, 1));
    for node in [&a, &b, &c] {
        node.wait_for_members(&["a", "b", "c"]).await;
    }
    lock(&broker("reaper")).removes_inboxes = false;
    drop(c);
    a.wait_for_members(&["a", "b"]).await;
    b.wait_for_members(&["a", "b"]).await;
    let (evictor, (survivor, id)) = match a.backplane.traffic().evicted() {
        1 => (a, (b, "b")),
        _ => (b, (a, "a")),
    };
    drop(evictor);
    lock(&broker("reaper")).removes_inboxes = true;
    survivor.wait_for_members(&[id]).await;
    advance(3 * LEASE).await;
    assert_eq!(lock(&broker("reaper")).nodes(), [id]);
    assert_eq!(stored_table(&broker("reaper")).tombstones, []);
}

#[tokio::test(start_paused = true)]
async fn reconnected_node_gets_a_new_generation_and_leaves_no_inbox() {
    let [a, b] = ["a", "b"].map(|id| TestMember::join("gap", id, 1));
    a.wait_for_members(&["a", "b"]).await;
    b.wait_for_members(&["a", "b"]).await;
    let before = a.generation_of("b");
    lock(&broker("gap")).disconnect("b");
    let mut view = a.backplane.view();
    let id = "b".parse().unwrap();
    view.wait_for(|view| view.member(&id).is_some_and(|b| b.generation > before))
        .await
        .unwrap();
    assert_eq!(b.backplane.traffic().reconnects(), 1);
    advance(LEASE).await;
    assert_eq!(lock(&broker("gap")).nodes(), ["a", "b"]);
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
    let [a, b] = ["a", "b"].map(|id| TestMember::join("leaves", id, 1));
    a.wait_for_members(&["a", "b"]).await;
    b.wait_for_members(&["a", "b"]).await;
    let began = tokio::time::Instant::now();
    b.leave.cancel();
    b.left.await.unwrap();
    a.wait_for_members(&["a"]).await;
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "the others waited for its lease"
    );
    assert_eq!(lock(&broker("leaves")).nodes(), ["a"]);
    assert_eq!(stored_table(&broker("leaves")).tombstones, []);
}
