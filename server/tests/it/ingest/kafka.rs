//! Behaviour of the queue that only Kafka has: lag, rebalances, and a broker that comes back.

use std::time::Duration;

use super::{returned_broker::assert_used_again, rig::IngestRig};
use crate::ground::TestBackplaneKind;

/// Long enough that consumers have records in hand at any time.
const SOME_TIME: Duration = Duration::from_millis(3);

/// The test broker loses the last records when it is killed, so this shows only that the node and
/// the consumers find it again.
#[tokio::test]
async fn killed_broker_is_used_again_when_it_is_back() {
    assert_used_again(TestBackplaneKind::Kafka).await;
}

/// Members come and go in order while records are in hand: none is handled twice. On tansu, because
/// noida-db refuses the commits with which members enter a rebalance.
#[tokio::test]
async fn rebalances_under_load_hand_no_record_out_twice() {
    const COUNT: usize = 2_000;
    let mut rig = IngestRig::new(TestBackplaneKind::Tansu.ground()).await;
    rig.consumer("g", "c1", SOME_TIME).await;
    let (sent, mut accepted) = rig.send(COUNT);
    accepted.wait_for(|count| *count >= 200).await.unwrap();
    rig.consumer("g", "c2", SOME_TIME).await;
    accepted.wait_for(|count| *count >= 600).await.unwrap();
    rig.consumer("g", "c3", SOME_TIME).await;
    accepted.wait_for(|count| *count >= 1_000).await.unwrap();
    rig.end_consumer("c2").await;
    sent.await.unwrap();
    let group = ["c1", "c2", "c3"];
    rig.wait_handled(&group, COUNT).await;
    let (times, redelivered) = rig.delivery_counts(&group);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    assert_eq!(redelivered, 0);
    assert!(!rig.handled("c3").is_empty());
}
