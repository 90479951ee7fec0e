//! The contract of every telemetry queue.

use std::time::Duration;

use serde_json::json;

use super::rig::{IngestRig, MAX_IN_FLIGHT};
use crate::{
    ground::{TestBackplaneKind, on_every_lasting_queue, on_every_queue},
    rig::TestDevice,
};

on_every_queue!(
    every_group_handles_each_record_once,
    records_of_a_dead_consumer_are_handled_by_another,
    slow_consumer_keeps_its_unacked_records,
    record_without_a_group_is_rejected,
    consumer_that_ends_in_order_causes_no_redelivery,
);

// The test brokers of Kafka's protocol keep no accepted record when they are killed; see `kafka`.
on_every_lasting_queue!(killed_queue_loses_no_accepted_record);

/// Most unacked records of a consumer.
const MAX_UNACKED: usize = 64;
const NO_TIME: Duration = Duration::ZERO;
/// Long enough that a consumer has unacked records at any time.
const SOME_TIME: Duration = Duration::from_millis(3);

async fn every_group_handles_each_record_once(kind: TestBackplaneKind) {
    const COUNT: usize = 500;
    let mut rig = IngestRig::new(kind.ground()).await;
    let group = ["c1", "c2", "c3"];
    for id in group {
        rig.consumer("g", id, SOME_TIME).await;
    }
    rig.consumer("other", "d1", NO_TIME).await;
    let (sent, _) = rig.send(COUNT);
    sent.await.unwrap();
    for members in [&group[..], &["d1"]] {
        rig.wait_handled(members, COUNT).await;
        let (times, redelivered) = rig.delivery_counts(members);
        // Exactly once, because nothing dies in this test.
        assert!(times.values().all(|times| *times == 1), "{times:?}");
        assert_eq!(redelivered, 0);
    }
    for id in group {
        assert!(!rig.handled(id).is_empty(), "{id} handled no record");
    }
}

async fn records_of_a_dead_consumer_are_handled_by_another(kind: TestBackplaneKind) {
    const COUNT: usize = 600;
    let mut rig = IngestRig::new(kind.ground()).await;
    let group = ["c1", "c2"];
    for id in group {
        rig.consumer("g", id, SOME_TIME).await;
    }
    let (sent, _) = rig.send(COUNT);
    rig.wait_handled(&["c1"], 20).await;
    rig.kill_consumer("c1");
    sent.await.unwrap();
    rig.wait_handled(&group, COUNT).await;
    let (times, redelivered) = rig.delivery_counts(&group);
    let again: usize = times.values().map(|times| times - 1).sum();
    assert!(again <= MAX_UNACKED, "{again} handled again");
    // tansu keeps no metadata of a commit, and so no mark.
    if kind == TestBackplaneKind::Tansu {
        return;
    }
    let most = match kind {
        // Unlike the service, its emulator sends a member more than it may have unacked.
        TestBackplaneKind::PubSub => COUNT,
        _ => MAX_UNACKED,
    };
    assert!(
        (1..=most).contains(&redelivered),
        "{redelivered} redelivered"
    );
    // A record that is handled again must have been marked as redelivered.
    assert!(again <= redelivered, "{again} of {redelivered}");
}

/// Records that wait in a consumer behind others stay its own, however long they take
/// together.
async fn slow_consumer_keeps_its_unacked_records(kind: TestBackplaneKind) {
    // All records together take longer than a member may be silent, and no single record does.
    let slow = match kind {
        // Its members may be silent for 10 s, twice as long as others.
        TestBackplaneKind::PubSub => Duration::from_millis(190),
        _ => Duration::from_millis(120),
    };
    let mut rig = IngestRig::new(kind.ground()).await;
    // A group exists from its first member on; without it no record would be accepted.
    rig.consumer("g", "first", NO_TIME).await;
    rig.end_consumer("first").await;
    let (sent, _) = rig.send(MAX_UNACKED);
    // The embedded broker accepts a record only once it is handled.
    if kind != TestBackplaneKind::Local {
        sent.await.unwrap();
    }
    rig.consumer("g", "slow", slow).await;
    rig.wait_handled(&["slow"], 1).await;
    rig.consumer("g", "other", NO_TIME).await;
    rig.wait_handled(&["slow", "other"], MAX_UNACKED).await;
    let redelivered = assert_handled_once(kind, &rig, &["slow", "other"]);
    // Google's emulator sends records to the member that has left, and marks them for the next.
    if !matches!(kind, TestBackplaneKind::Kafka | TestBackplaneKind::PubSub) {
        assert_eq!(redelivered, 0);
    }
}

/// Asserts that these consumers together handled each record once. Returns the number of records
/// marked as redelivered.
fn assert_handled_once(kind: TestBackplaneKind, rig: &IngestRig, ids: &[&str]) -> usize {
    let (times, redelivered) = rig.delivery_counts(ids);
    let again: usize = times.values().map(|times| times - 1).sum();
    // Unlike Kafka, noida-db refuses commits from the moment in which a rebalance begins.
    if kind == TestBackplaneKind::Kafka {
        assert!(again <= redelivered, "{again} of {redelivered} marked");
        assert!(again <= ids.len() * MAX_UNACKED, "{again} handled again");
    } else {
        assert_eq!(again, 0, "{times:?}");
    }
    redelivered
}

async fn killed_queue_loses_no_accepted_record(kind: TestBackplaneKind) {
    const COUNT: usize = 600;
    let mut rig = IngestRig::new(kind.lasting_ground()).await;
    let group = ["c1", "c2"];
    for id in group {
        rig.consumer("g", id, SOME_TIME).await;
    }
    let (sent, mut accepted) = rig.send(COUNT);
    accepted.wait_for(|count| *count >= 150).await.unwrap();
    rig.ground.kill().await;
    rig.ground.start_again().await;
    sent.await.unwrap();
    rig.wait_handled(&group, COUNT).await;
    let (times, _) = rig.delivery_counts(&group);
    let again: usize = times.values().map(|times| times - 1).sum();
    // Unacked at a consumer, or between node and queue.
    let in_flight = 2 * MAX_UNACKED + MAX_IN_FLIGHT;
    assert!(again <= in_flight, "{again} handled again");
}

async fn record_without_a_group_is_rejected(kind: TestBackplaneKind) {
    let mut rig = IngestRig::new(kind.ground()).await;
    let mut device = TestDevice::open(&rig.node, "home-1").await;
    let record = json!({"type": "telemetry", "id": "0-0", "body": 1});
    let rejected = loop {
        device.send(record.clone()).await;
        let answer = device.frame().await;
        assert_eq!(answer["type"], "rejected", "{answer}");
        // The reason until the node is connected to the queue.
        if answer["reason"] != "unavailable" {
            break answer;
        }
    };
    assert_eq!(
        rejected,
        json!({"type": "rejected", "id": "0-0", "reason": "no_group", "retry_ms": 1000})
    );
    rig.consumer("g", "c1", NO_TIME).await;
    loop {
        device.send(record.clone()).await;
        if device.frame().await["type"] == "accepted" {
            break;
        }
    }
    rig.wait_handled(&["c1"], 1).await;
}

async fn consumer_that_ends_in_order_causes_no_redelivery(kind: TestBackplaneKind) {
    const COUNT: usize = 400;
    let mut rig = IngestRig::new(kind.ground()).await;
    let group = ["c1", "c2"];
    for id in group {
        rig.consumer("g", id, SOME_TIME).await;
    }
    let (sent, _) = rig.send(COUNT);
    rig.wait_handled(&["c1"], 20).await;
    rig.end_consumer("c1").await;
    sent.await.unwrap();
    rig.wait_handled(&group, COUNT).await;
    assert_handled_once(kind, &rig, &group);
}
