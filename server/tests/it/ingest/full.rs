//! A Redis server without memory for another record.

use std::{process::Command, time::Duration};

use serde_json::{Value, json};

use super::rig::IngestRig;
use crate::{ground::TestBackplaneKind, rig::TestDevice};

/// Limits the memory of the Redis server. `0` removes the limit.
fn limit(url: &str, bytes: &str) {
    let mut cli = Command::new("redis-cli");
    cli.args(["-u", url, "CONFIG", "SET", "maxmemory", bytes]);
    assert!(cli.output().unwrap().status.success());
}

async fn result_of(device: &mut TestDevice, id: &str) -> Value {
    device
        .send(json!({"type": "telemetry", "id": id, "body": 1}))
        .await;
    device.frame().await
}

#[tokio::test]
async fn full_redis_rejects_records_until_it_has_memory() {
    // A server of its own, because the limit holds for the whole server.
    let mut rig = IngestRig::new(TestBackplaneKind::Redis.lasting_ground()).await;
    rig.consumer("g", "c1", Duration::ZERO).await;
    let url = rig.ground.url().to_string();
    let mut device = TestDevice::open(&rig.node, "home-1").await;
    // Records are rejected as unavailable until the node is connected to the queue.
    while result_of(&mut device, "0-0").await["type"] != "accepted" {}

    // Less than the server uses already.
    limit(&url, "1");
    for id in ["0-1", "0-2"] {
        assert_eq!(
            result_of(&mut device, id).await,
            json!({"type": "rejected", "id": id, "reason": "full", "retry_ms": 500})
        );
    }
    limit(&url, "0");
    assert_eq!(result_of(&mut device, "0-1").await["type"], "accepted");
    rig.wait_handled(&["c1"], 2).await;
}
