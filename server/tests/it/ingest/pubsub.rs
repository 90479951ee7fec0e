//! Behaviour of the queue that only Google Pub/Sub has: an emulator that comes back, and a
//! subscription of others.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use super::rig::IngestRig;
use crate::{
    ground::TestBackplaneKind,
    rig::{TEST_TIMEOUT, TestDevice, until},
};

const NO_TIME: Duration = Duration::ZERO;

/// The emulator keeps nothing when it is killed, so this shows only that the node and the consumer
/// find it again and create what it has lost.
#[tokio::test]
async fn killed_emulator_is_used_again_when_it_is_back() {
    if !TestBackplaneKind::PubSub.can_start() {
        return;
    }
    let mut rig = IngestRig::new(TestBackplaneKind::PubSub.own_ground()).await;
    rig.consumer("g", "c1", NO_TIME).await;
    let (sent, mut accepted) = rig.send(600);
    accepted.wait_for(|count| *count >= 150).await.unwrap();
    rig.ground.kill().await;
    rig.ground.start_again().await;
    timeout(TEST_TIMEOUT, sent).await.unwrap().unwrap();
    let mut device = TestDevice::open(&rig.node, "home-1").await;
    device
        .send(json!({"type": "telemetry", "id": "1-1", "body": 1}))
        .await;
    assert_eq!(device.frame().await["type"], "accepted");
    until("it is handled", async || {
        tokio::time::sleep(Duration::from_millis(20)).await;
        rig.handled("c1").iter().any(|handled| handled.id == "1-1")
    })
    .await;
}
