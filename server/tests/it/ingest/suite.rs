//! The contract of every telemetry queue.

use std::time::Duration;

use serde_json::json;

use super::bench::{IngestRig, MAX_IN_FLIGHT};
use crate::{
    ground::{TestBackplaneKind, on_every_backplane},
    rig::TestDevice,
};

on_every_backplane!(
    every_group_handles_each_reading_once,
    what_a_dead_consumer_had_is_handled_by_another,
    a_slow_consumer_keeps_what_it_has_in_hand,
    a_queue_that_dies_loses_nothing_that_was_accepted,
    nothing_is_accepted_for_nobody,
    a_consumer_that_is_asked_to_end_leaves_nothing_behind,
);

/// Readings that a consumer takes in hand at most.
const IN_HAND: usize = 64;
const NO_TIME: Duration = Duration::ZERO;
/// Long enough that a consumer has some in hand whenever it is looked at.
const SOME_TIME: Duration = Duration::from_millis(3);

async fn every_group_handles_each_reading_once(kind: TestBackplaneKind) {
    const COUNT: usize = 500;
    let mut bench = IngestRig::new(kind.ground()).await;
    let group = ["c1", "c2", "c3"];
    for id in group {
        bench.consumer("g", id, SOME_TIME).await;
    }
    bench.consumer("other", "d1", NO_TIME).await;
    let (sent, _) = bench.send(COUNT);
    sent.await.unwrap();
    for members in [&group[..], &["d1"]] {
        bench.wait_handled(members, COUNT).await;
        let (times, redelivered) = bench.delivery_counts(members);
        assert!(times.values().all(|times| *times == 1), "{times:?}");
        assert_eq!(redelivered, 0);
    }
    for id in group {
        assert!(!bench.handled(id).is_empty(), "{id} had no share");
    }
}

async fn what_a_dead_consumer_had_is_handled_by_another(kind: TestBackplaneKind) {
    const COUNT: usize = 600;
    let mut bench = IngestRig::new(kind.ground()).await;
    let group = ["c1", "c2"];
    for id in group {
        bench.consumer("g", id, SOME_TIME).await;
    }
    let (sent, _) = bench.send(COUNT);
    bench.wait_handled(&["c1"], 20).await;
    bench.kill_consumer("c1");
    sent.await.unwrap();
    bench.wait_handled(&group, COUNT).await;
    let (times, redelivered) = bench.delivery_counts(&group);
    let again: usize = times.values().map(|times| times - 1).sum();
    assert!(again <= IN_HAND, "{again} handled again");
    assert!(
        (1..=IN_HAND).contains(&redelivered),
        "{redelivered} redelivered"
    );
    // A record that is handled again must have been marked as redelivered.
    assert!(again <= redelivered, "{again} of {redelivered}");
}

/// Records that wait in a consumer behind others stay its own, however long they take
/// together.
async fn a_slow_consumer_keeps_what_it_has_in_hand(kind: TestBackplaneKind) {
    // All of it takes longer than a member may be silent, and no reading does.
    const SLOW: Duration = Duration::from_millis(120);
    let mut bench = IngestRig::new(kind.ground()).await;
    bench.consumer("g", "first", NO_TIME).await;
    bench.end_consumer("first").await;
    let (sent, _) = bench.send(IN_HAND);
    // The embedded broker accepts what is handled.
    if kind != TestBackplaneKind::Local {
        sent.await.unwrap();
    }
    bench.consumer("g", "slow", SLOW).await;
    bench.wait_handled(&["slow"], 1).await;
    bench.consumer("g", "other", NO_TIME).await;
    bench.wait_handled(&["slow", "other"], IN_HAND).await;
    let (times, redelivered) = bench.delivery_counts(&["slow", "other"]);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    assert_eq!(redelivered, 0);
}

async fn a_queue_that_dies_loses_nothing_that_was_accepted(kind: TestBackplaneKind) {
    const COUNT: usize = 600;
    let mut bench = IngestRig::new(kind.lasting_ground()).await;
    let group = ["c1", "c2"];
    for id in group {
        bench.consumer("g", id, SOME_TIME).await;
    }
    let (sent, mut accepted) = bench.send(COUNT);
    accepted.wait_for(|count| *count >= 150).await.unwrap();
    bench.ground.kill().await;
    bench.ground.start_again().await;
    sent.await.unwrap();
    bench.wait_handled(&group, COUNT).await;
    let (times, _) = bench.delivery_counts(&group);
    let again: usize = times.values().map(|times| times - 1).sum();
    // In the consumers' hands, or between node and queue.
    let under_way = 2 * IN_HAND + MAX_IN_FLIGHT;
    assert!(again <= under_way, "{again} handled again");
}

async fn nothing_is_accepted_for_nobody(kind: TestBackplaneKind) {
    let mut bench = IngestRig::new(kind.ground()).await;
    let mut device = TestDevice::open(&bench.node, "home-1").await;
    let reading = json!({"type": "telemetry", "id": "0-0", "body": 1});
    let refused = loop {
        device.send(reading.clone()).await;
        let answer = device.frame().await;
        assert_eq!(answer["type"], "rejected", "{answer}");
        // Until the node has found the queue it says so.
        if answer["reason"] != "unavailable" {
            break answer;
        }
    };
    assert_eq!(
        refused,
        json!({"type": "rejected", "id": "0-0", "reason": "no_group", "retry_ms": 1000})
    );
    bench.consumer("g", "c1", NO_TIME).await;
    loop {
        device.send(reading.clone()).await;
        if device.frame().await["type"] == "accepted" {
            break;
        }
    }
    bench.wait_handled(&["c1"], 1).await;
}

async fn a_consumer_that_is_asked_to_end_leaves_nothing_behind(kind: TestBackplaneKind) {
    const COUNT: usize = 400;
    let mut bench = IngestRig::new(kind.ground()).await;
    let group = ["c1", "c2"];
    for id in group {
        bench.consumer("g", id, SOME_TIME).await;
    }
    let (sent, _) = bench.send(COUNT);
    bench.wait_handled(&["c1"], 20).await;
    bench.end_consumer("c1").await;
    sent.await.unwrap();
    bench.wait_handled(&group, COUNT).await;
    let (times, _) = bench.delivery_counts(&group);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
}
