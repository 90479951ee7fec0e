//! A broker that is killed and comes back without what it had.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use super::rig::IngestRig;
use crate::{
    ground::TestBackplaneKind,
    rig::{TEST_TIMEOUT, TestDevice, until},
};

/// Asserts that the node and a consumer find the broker again: every record is accepted in the
/// end, and a later one is handled.
pub(super) async fn assert_used_again(kind: TestBackplaneKind) {
    let mut rig = IngestRig::new(kind.own_ground()).await;
    rig.consumer("g", "c1", Duration::ZERO).await;
    let (sent, mut accepted) = rig.send(600);
    accepted.wait_for(|count| *count >= 150).await.unwrap();
    rig.ground.kill().await;
    rig.ground.start_again().await;
    // By the client library's own repetition, or sent again.
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
