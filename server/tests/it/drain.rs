//! The end of a node.

use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

use crate::rig::{Cluster, Device, Node, until};

#[tokio::test]
async fn a_drain_says_goaway_and_then_closes_and_then_the_node_ends() {
    let node = Node::alone();
    let mut devices = Vec::new();
    for number in 0..10 {
        devices.push(Device::open(&node, &format!("d{number}")).await);
    }
    assert_eq!(node.get("/readyz").await.status, 200);
    assert_eq!(node.post("/admin/drain", json!({})).await.status, 202);
    until("it is not ready", async || {
        node.get("/readyz").await.status == 503
    })
    .await;
    for device in &mut devices {
        let goaway = device.frame().await;
        assert_eq!(goaway["type"], "goaway");
        assert!(goaway["retry_ms"].is_u64() && goaway["window_ms"].is_u64());
        assert_eq!(device.close_code().await, Some(1012));
        // The answer to the close is sent by reading on.
        assert!(device.next().await.is_none());
    }
    node.ended().await;
}

#[tokio::test]
async fn a_draining_node_takes_no_new_device_and_finishes_commands() {
    let mut config = crate::rig::config("n1");
    config.limits.drain_notice = std::time::Duration::from_millis(500);
    let node = Node::start(config);
    let mut device = Device::open(&node, "d1").await;
    let (answer, ()) = tokio::join!(node.command("d1"), async {
        let command = device.frame().await;
        node.shutdown.cancel();
        until("it is not ready", async || {
            node.get("/readyz").await.status == 503
        })
        .await;
        match Device::try_open(&node, "d2")
            .await
            .map(|_| ())
            .map_err(|error| *error)
        {
            Err(Error::Http(response)) => {
                assert_eq!(response.status(), 503);
                assert!(response.headers().contains_key("retry-after"));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(device.frame().await["type"], "goaway");
        device
            .send(json!({"type": "reply", "id": command["id"], "body": "done"}))
            .await;
        assert_eq!(device.close_code().await, Some(1012));
        assert!(device.next().await.is_none());
    });
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["body"], "done");
    node.ended().await;
}

#[tokio::test]
async fn a_drained_node_leaves_the_cluster() {
    let mut cluster = Cluster::start(2).await;
    let leaver = cluster.nodes.remove(1);
    leaver.shutdown.cancel();
    leaver.ended().await;
    cluster.sees(1).await;
}
