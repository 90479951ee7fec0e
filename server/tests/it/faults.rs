//! Faults that a node injects into itself on request.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::SinkExt;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::rig::{TestDevice, TestNode, config, until};

fn faulty() -> TestNode {
    let mut config = config("n1");
    config.allow_faults = true;
    TestNode::start(config)
}

#[tokio::test]
async fn faults_are_off_unless_allowed() {
    let node = TestNode::standalone();
    let answer = node
        .post("/admin/faults", json!({"fault": "stall", "duration_ms": 1}))
        .await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn unknown_fault_is_rejected() {
    let node = faulty();
    for body in [
        json!({}),
        json!({"fault": "dance", "duration_ms": 1}),
        json!({"fault": "stall"}),
        json!({"fault": "ignore-pings", "duration_ms": u64::MAX}),
        json!({"fault": "drop-messages", "count": u64::MAX}),
    ] {
        assert_eq!(node.post("/admin/faults", body).await.status, 400);
    }
}

#[tokio::test]
async fn ignored_pings_are_counted_and_not_answered_and_commands_still_run() {
    let node = faulty();
    let mut device = TestDevice::open(&node, "d1").await;
    let fault = json!({"fault": "ignore-pings", "duration_ms": 600_000});
    assert_eq!(node.post("/admin/faults", fault).await.status, 202);
    device
        .socket
        .send(Message::Ping(Bytes::from_static(b"lost")))
        .await
        .unwrap();
    until("the ping is there", async || {
        node.metric("highwater_heartbeats_total").await == 1.0
    })
    .await;
    let (answer, next) = tokio::join!(node.command("d1"), async {
        // Order is kept: had there been a pong, it would come before the command.
        let Some(Message::Text(text)) = device.next().await else {
            panic!("no command")
        };
        let command: serde_json::Value = serde_json::from_str(&text).unwrap();
        device
            .send(json!({"type": "reply", "id": command["id"], "body": 1}))
            .await;
        command
    });
    assert_eq!(next["type"], "command");
    assert_eq!(answer.status, 200);
    let fault = json!({"fault": "ignore-pings", "duration_ms": 0});
    assert_eq!(node.post("/admin/faults", fault).await.status, 202);
    device.ping(b"answered again").await;
}

/// Runs on several workers: all of them must stall, for no less than the requested duration.
#[test]
fn stall_stops_the_whole_node() {
    let length = Duration::from_millis(300);
    let server = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(3)
        .enable_all()
        .build()
        .unwrap();
    let client = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let node = server.block_on(async { faulty() });
    client.block_on(async {
        let mut device = TestDevice::open(&node, "d1").await;
        let fault = json!({"fault": "stall", "duration_ms": length.as_millis() as u64});
        assert_eq!(node.post("/admin/faults", fault).await.status, 202);
        // Pings one after the other: one of them must meet the whole stall, less
        // what went by before it was sent.
        let mut longest = Duration::ZERO;
        let begun = Instant::now();
        while begun.elapsed() < 4 * length {
            let started = Instant::now();
            device.ping(b"x").await;
            longest = longest.max(started.elapsed());
        }
        assert!(longest >= length / 2, "the longest pong took {longest:?}");
    });
    server.shutdown_background();
}
