//! Who is there: leases, seats, lives and name spaces.

use std::time::Duration;

use bytes::Bytes;

use super::peer::{Pausable, TestPeer, three, topic};
use crate::{
    ground::{Ground, SHORT, TestBackplaneKind, on_every_backplane},
    rig::until,
};

on_every_backplane!(
    who_leaves_in_order_is_gone_at_once,
    who_dies_is_gone_after_its_lease,
    who_hangs_is_gone_and_its_inbox_too,
    who_was_paused_for_long_comes_back_anew,
    a_short_pause_changes_nothing,
    a_later_life_takes_the_place_and_an_earlier_one_is_refused,
    nobody_reads_what_was_meant_for_an_earlier_life,
    clusters_on_one_server_do_not_hear_each_other,
);

/// Far longer than any test waits.
const FOREVER: Duration = Duration::from_secs(600);

/// Waits until the server has inboxes of these nodes only, and nothing is left to
/// clear up.
async fn inboxes_are(ground: &Ground, nodes: &[&str]) {
    until("the inboxes are those of the living", async || {
        let Some(inboxes) = ground.inboxes() else {
            return true;
        };
        let of = |node: &&str| {
            let start = format!("{node}-");
            let of = inboxes.iter().filter(|inbox| inbox.starts_with(&start));
            of.count()
        };
        inboxes.len() == nodes.len() && nodes.iter().all(|node| of(node) == 1)
    })
    .await;
    until("nothing is left to clear up", async || {
        let left = |roster: serde_json::Value| roster["tombstones"].as_array().map(Vec::len);
        ground.roster().is_none_or(|roster| left(roster) == Some(0))
    })
    .await;
}

async fn who_leaves_in_order_is_gone_at_once(kind: TestBackplaneKind) {
    let ground = kind.ground().with_lease(FOREVER);
    let [a, mut b, c] = three(&ground).await;
    // What was sent before is delivered.
    c.send(&b.id, "last words").await;
    c.leave.cancel();
    a.sees(2).await;
    b.sees(2).await;
    assert_eq!(b.next_message().await, "last words");
    c.joined.task.await.unwrap();
    inboxes_are(&ground, &["a", "b"]).await;
}

async fn who_dies_is_gone_after_its_lease(kind: TestBackplaneKind) {
    let ground = kind.ground().with_lease(SHORT);
    let [a, b, c] = three(&ground).await;
    c.kill();
    a.sees(2).await;
    b.sees(2).await;
    inboxes_are(&ground, &["a", "b"]).await;
}

async fn who_hangs_is_gone_and_its_inbox_too(kind: TestBackplaneKind) {
    let ground = kind.ground().with_lease(SHORT);
    let [a, b] = ["a", "b"].map(|id| TestPeer::join(&ground, id));
    let mut hung = Pausable::join(&ground, "hung");
    hung.peer.sees(3).await;
    hung.pause();
    a.sees(2).await;
    b.sees(2).await;
    // Its connections still stand.
    inboxes_are(&ground, &["a", "b"]).await;
    if kind != TestBackplaneKind::Local {
        let evicted = |peer: &TestPeer| peer.backplane().traffic().evicted();
        until("one of them did it", async || {
            evicted(&a) + evicted(&b) == 1
        })
        .await;
    }
}

async fn who_was_paused_for_long_comes_back_anew(kind: TestBackplaneKind) {
    let ground = kind.ground().with_lease(SHORT);
    let a = TestPeer::join(&ground, "a");
    let mut paused = Pausable::join(&ground, "p");
    paused.peer.sees(2).await;
    a.sees(2).await;
    let before = paused.peer.seat();
    paused.pause();
    a.send(&paused.peer.id, "to the old seat").await;
    a.sees(1).await;
    paused.resume();
    a.sees(2).await;
    paused
        .peer
        .waits_for("a new seat", |view| {
            let seat = view.members.iter().find(|member| member.id == before.id);
            view.connected && seat.is_some_and(|seat| seat.generation > before.generation)
        })
        .await;
    a.waits_for("the new seat", |view| {
        let seat = view.member(&before.id);
        seat.is_some_and(|seat| seat.generation > before.generation)
    })
    .await;
    a.send(&paused.peer.id, "to the new seat").await;
    assert_eq!(paused.peer.next_message().await, "to the new seat");
    assert_eq!(paused.peer.backplane().traffic().reconnects(), 1);
}

async fn a_short_pause_changes_nothing(kind: TestBackplaneKind) {
    let ground = kind.ground();
    let mut paused = Pausable::join(&ground, "p");
    let mut a = TestPeer::join(&ground, "a");
    paused.peer.sees(2).await;
    a.sees(2).await;
    let before = paused.peer.view();
    paused.pause();
    a.send(&paused.peer.id, "meanwhile").await;
    // Answered while the other stands still.
    a.backplane().subscribe(&topic());
    let third = TestPeer::join(&ground, "t");
    third.sees(3).await;
    third.send(&a.id, "time passes").await;
    assert_eq!(a.next_message().await, "time passes");
    paused.resume();
    assert_eq!(paused.peer.next_message().await, "meanwhile");
    assert_eq!(
        paused.peer.seat().generation,
        before.member(&paused.peer.id).unwrap().generation
    );
    assert_eq!(paused.peer.backplane().traffic().reconnects(), 0);
}

async fn a_later_life_takes_the_place_and_an_earlier_one_is_refused(kind: TestBackplaneKind) {
    let ground = kind.ground().with_lease(FOREVER);
    let other = TestPeer::join(&ground, "other");
    let first = TestPeer::join_as(&ground.config(), "n", 2);
    first.sees(2).await;
    let second = TestPeer::join_as(&ground.config(), "n", 3);
    second.sees(2).await;
    first.waits_for("its own end", |view| !view.connected).await;
    // The first goes on trying, and so does one that is older still; the seat stays
    // the second's.
    let _third = TestPeer::join_as(&ground.config(), "n", 1);
    let fourth = TestPeer::join(&ground, "fourth");
    fourth.sees(3).await;
    other.sees(3).await;
    let boot = |peer: &TestPeer| peer.view().member(&first.id).unwrap().incarnation;
    assert_eq!((boot(&fourth), boot(&other)), (3, 3));
    assert_eq!(
        second.backplane().traffic().reconnects(),
        0,
        "nobody fights"
    );
    inboxes_are(&ground, &["n", "other", "fourth"]).await;
}

async fn nobody_reads_what_was_meant_for_an_earlier_life(kind: TestBackplaneKind) {
    let ground = kind.ground();
    let [a, b, _c] = three(&ground).await;
    let (id, earlier) = (b.id.clone(), b.seat().generation);
    b.kill();
    let mut later = TestPeer::join_as(&ground.config(), id.as_str(), 2);
    let mut number = 0_u32;
    let seen = loop {
        // Each of them is for the seat that the view showed then.
        let seat = a.view().member(&id).map(|seat| seat.generation);
        if seat.is_some_and(|joined| joined > earlier) {
            break number;
        }
        let payload = Bytes::from(number.to_string());
        if a.backplane().send(&id, payload).is_ok() {
            number += 1;
        }
        tokio::task::yield_now().await;
    };
    a.send(&id, &seen.to_string()).await;
    assert_eq!(later.next_message().await, seen.to_string());
}

async fn clusters_on_one_server_do_not_hear_each_other(kind: TestBackplaneKind) {
    let ground = kind.ground();
    let Some(neighbour) = ground.neighbour() else {
        return;
    };
    let [a, mut b, _c] = three(&ground).await;
    let [x, mut y] = ["a", "b"].map(|id| TestPeer::join_as(&neighbour, id, 1));
    x.sees(2).await;
    y.sees(2).await;
    a.sees(3).await;
    for peer in [&b, &y] {
        peer.backplane().subscribe(&topic());
    }
    super::peer::round_trip(&x, &mut y).await;
    super::peer::round_trip(&a, &mut b).await;
    a.backplane()
        .publish(&topic(), Bytes::from_static(b"for ours"))
        .unwrap();
    b.next().await;
    a.send(&b.id, "ours").await;
    x.send(&y.id, "theirs").await;
    assert_eq!(y.next_message().await, "theirs");
    assert_eq!(b.next_message().await, "ours");
}
