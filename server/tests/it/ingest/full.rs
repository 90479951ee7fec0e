//! A Redis that has no memory for another reading.

use std::{process::Command, time::Duration};

use serde_json::{Value, json};

use super::bench::IngestRig;
use crate::{ground::TestBackplaneKind, rig::TestDevice};

/// Limits the memory of the Redis server. `0` removes the limit.
fn limit(url: &str, bytes: &str) {
    let mut cli = Command::new("redis-cli");
    cli.args(["-u", url, "CONFIG", "SET", "maxmemory", bytes]);
    assert!(cli.output().unwrap().status.success());
}

async fn answer(device: &mut TestDevice, id: &str) -> Value {
    device
        .send(json!({"type": "telemetry", "id": id, "body": 1}))
        .await;
    device.frame().await
}

#[tokio::test]
async fn a_full_redis_refuses_until_there_is_room() {
    // The server of this test alone, because the limit holds for the whole server.
    let mut bench = IngestRig::new(TestBackplaneKind::Redis.lasting_ground()).await;
    bench.consumer("g", "c1", Duration::ZERO).await;
    let url = bench.ground.url().to_string();
    let mut device = TestDevice::open(&bench.node, "home-1").await;
    // Until the node has found the queue it says that it is away.
    while answer(&mut device, "0-0").await["type"] != "accepted" {}

    limit(&url, "1");
    for id in ["0-1", "0-2"] {
        assert_eq!(
            answer(&mut device, id).await,
            json!({"type": "rejected", "id": id, "reason": "full", "retry_ms": 500})
        );
    }
    limit(&url, "0");
    assert_eq!(answer(&mut device, "0-1").await["type"], "accepted");
    bench.wait_handled(&["c1"], 2).await;
}
