//! The contract of membership: leases, generations, incarnations and name spaces.

use std::time::Duration;

use bytes::Bytes;
use highwater_server::backplane::Member;

use super::peer::{Pausable, TestPeer, round_trip, three, topic};
use crate::{
    ground::{Ground, SHORT, TestBackplaneKind, on_every_backplane},
    rig::until,
};

on_every_backplane!(
    node_that_leaves_in_order_is_removed_at_once,
    dead_node_is_removed_after_its_lease,
    hung_node_is_removed_with_its_inbox,
    node_paused_beyond_its_lease_returns_with_a_new_generation,
    node_paused_within_its_lease_stays_a_member,
    later_incarnation_replaces_the_node_and_an_earlier_one_is_rejected,
    messages_to_an_earlier_incarnation_do_not_reach_a_later_one,
    clusters_on_one_server_are_separate,
);

/// A lease that no test waits for.
const FOREVER: Duration = Duration::from_secs(600);

/// Waits until the server has one inbox for each of these nodes, and no tombstones.
async fn wait_for_inboxes(ground: &Ground, nodes: &[&str]) {
    until("only the members have inboxes", async || {
        let Some(inboxes) = ground.inboxes() else {
            return true;
        };
        let has_one = |node: &&str| {
            let prefix = format!("{node}-");
            let own = inboxes.iter().filter(|inbox| inbox.starts_with(&prefix));
            own.count() == 1
        };
        inboxes.len() == nodes.len() && nodes.iter().all(has_one)
    })
    .await;
    until("no tombstones are left", async || {
        let count = |table: serde_json::Value| table["tombstones"].as_array().map(Vec::len);
        let table = ground.membership_table();
        table.is_none_or(|table| count(table) == Some(0))
    })
    .await;
}

async fn node_that_leaves_in_order_is_removed_at_once(kind: TestBackplaneKind) {
    let ground = kind.ground().with_lease(FOREVER);
    let [a, mut b, c] = three(&ground).await;
    // Messages from before it leaves are delivered.
    c.send(&b.id, "last message").await;
    c.leave.cancel();
    a.wait_for_members(2).await;
    b.wait_for_members(2).await;
    assert_eq!(b.next_message().await, "last message");
    c.joined.task.await.unwrap();
    wait_for_inboxes(&ground, &["a", "b"]).await;
}

async fn dead_node_is_removed_after_its_lease(kind: TestBackplaneKind) {
    let ground = kind.ground().with_lease(SHORT);
    let [a, b, c] = three(&ground).await;
    c.kill();
    a.wait_for_members(2).await;
    b.wait_for_members(2).await;
    wait_for_inboxes(&ground, &["a", "b"]).await;
}

async fn hung_node_is_removed_with_its_inbox(kind: TestBackplaneKind) {
    let ground = kind.ground().with_lease(SHORT);
    let [a, b] = ["a", "b"].map(|id| TestPeer::join(&ground, id));
    let mut hung = Pausable::join(&ground, "hung");
    hung.peer.wait_for_members(3).await;
    hung.pause();
    a.wait_for_members(2).await;
    b.wait_for_members(2).await;
    // Its connections are still open: a survivor must have removed the inbox.
    wait_for_inboxes(&ground, &["a", "b"]).await;
    if kind != TestBackplaneKind::Local {
        let evicted = |peer: &TestPeer| peer.backplane().traffic().evicted.get();
        until("one survivor has evicted it", async || {
            evicted(&a) + evicted(&b) == 1
        })
        .await;
    }
}

async fn node_paused_beyond_its_lease_returns_with_a_new_generation(kind: TestBackplaneKind) {
    let ground = kind.ground().with_lease(SHORT);
    let a = TestPeer::join(&ground, "a");
    let mut paused = Pausable::join(&ground, "p");
    paused.peer.wait_for_members(2).await;
    a.wait_for_members(2).await;
    let before = paused.peer.own_member();
    let is_newer = |member: Option<&Member>| {
        member.is_some_and(|member| member.generation > before.generation)
    };
    paused.pause();
    a.send(&paused.peer.id, "to the old generation").await;
    a.wait_for_members(1).await;
    paused.resume();
    a.wait_for_members(2).await;
    paused
        .peer
        .wait_for_view("its new generation", |view| {
            view.connected && is_newer(view.member(&before.id))
        })
        .await;
    a.wait_for_view("the new generation", |view| {
        is_newer(view.member(&before.id))
    })
    .await;
    a.send(&paused.peer.id, "to the new generation").await;
    assert_eq!(paused.peer.next_message().await, "to the new generation");
    assert_eq!(paused.peer.backplane().traffic().reconnects.get(), 1);
}

async fn node_paused_within_its_lease_stays_a_member(kind: TestBackplaneKind) {
    let ground = kind.ground();
    let mut paused = Pausable::join(&ground, "p");
    let mut a = TestPeer::join(&ground, "a");
    paused.peer.wait_for_members(2).await;
    a.wait_for_members(2).await;
    let before = paused.peer.view();
    paused.pause();
    a.send(&paused.peer.id, "during the pause").await;
    // The others go on while one is paused.
    a.backplane().subscribe(&topic());
    let third = TestPeer::join(&ground, "t");
    third.wait_for_members(3).await;
    third.send(&a.id, "time passes").await;
    assert_eq!(a.next_message().await, "time passes");
    paused.resume();
    assert_eq!(paused.peer.next_message().await, "during the pause");
    assert_eq!(
        paused.peer.own_member().generation,
        before.member(&paused.peer.id).unwrap().generation
    );
    assert_eq!(paused.peer.backplane().traffic().reconnects.get(), 0);
}

async fn later_incarnation_replaces_the_node_and_an_earlier_one_is_rejected(
    kind: TestBackplaneKind,
) {
    let ground = kind.ground().with_lease(FOREVER);
    let other = TestPeer::join(&ground, "other");
    let first = TestPeer::join_as(&ground.config(), "n", 2);
    first.wait_for_members(2).await;
    let second = TestPeer::join_as(&ground.config(), "n", 3);
    second.wait_for_members(2).await;
    first
        .wait_for_view("its removal", |view| !view.connected)
        .await;
    // The first one keeps trying to join, and so does an earlier one. The second one stays.
    let _third = TestPeer::join_as(&ground.config(), "n", 1);
    let fourth = TestPeer::join(&ground, "fourth");
    fourth.wait_for_members(3).await;
    other.wait_for_members(3).await;
    let incarnation = |peer: &TestPeer| peer.view().member(&first.id).unwrap().incarnation;
    assert_eq!((incarnation(&fourth), incarnation(&other)), (3, 3));
    assert_eq!(
        second.backplane().traffic().reconnects.get(),
        0,
        "the incarnations replace each other in turn"
    );
    wait_for_inboxes(&ground, &["n", "other", "fourth"]).await;
}

async fn messages_to_an_earlier_incarnation_do_not_reach_a_later_one(kind: TestBackplaneKind) {
    let ground = kind.ground();
    let [a, b, _c] = three(&ground).await;
    let (id, earlier) = (b.id.clone(), b.own_member().generation);
    b.kill();
    let mut later = TestPeer::join_as(&ground.config(), id.as_str(), 2);
    let mut number = 0_u32;
    let first_to_later = loop {
        // A message is for the generation that the view shows when it is sent.
        let generation = a.view().member(&id).map(|member| member.generation);
        if generation.is_some_and(|generation| generation > earlier) {
            break number;
        }
        let payload = Bytes::from(number.to_string());
        if a.backplane().send(&id, payload).is_ok() {
            number += 1;
        }
        tokio::task::yield_now().await;
    };
    a.send(&id, &first_to_later.to_string()).await;
    assert_eq!(later.next_message().await, first_to_later.to_string());
}

async fn clusters_on_one_server_are_separate(kind: TestBackplaneKind) {
    let ground = kind.ground();
    let Some(neighbour) = ground.neighbour() else {
        return;
    };
    let [a, mut b, _c] = three(&ground).await;
    let [x, mut y] = ["a", "b"].map(|id| TestPeer::join_as(&neighbour, id, 1));
    x.wait_for_members(2).await;
    y.wait_for_members(2).await;
    a.wait_for_members(3).await;
    for peer in [&b, &y] {
        peer.backplane().subscribe(&topic());
    }
    round_trip(&x, &mut y).await;
    round_trip(&a, &mut b).await;
    a.publish("published");
    b.next().await;
    a.send(&b.id, "ours").await;
    x.send(&y.id, "theirs").await;
    assert_eq!(y.next_message().await, "theirs");
    assert_eq!(b.next_message().await, "ours");
}
