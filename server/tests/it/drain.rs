//! The end of a node.

use std::{cell::Cell, time::Duration};

use futures_util::{StreamExt, stream};
use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

use crate::{
    ground::{TestBackplaneKind, on_every_backplane},
    rig::{TestCluster, TestDevice, TestNode, until},
};

/// Enough that each node is the home of some.
const DEVICES: usize = 30;

#[tokio::test]
async fn draining_node_sends_goaway_then_closes_then_ends() {
    let node = TestNode::standalone();
    let mut devices = Vec::new();
    for number in 0..10 {
        devices.push(TestDevice::open(&node, &format!("d{number}")).await);
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
    node.wait_ended().await;
}

#[tokio::test]
async fn draining_node_rejects_new_devices_and_finishes_commands() {
    let node = TestNode::start(crate::rig::config("n1"));
    let mut device = TestDevice::open(&node, "d1").await;
    let (answer, ()) = tokio::join!(node.command("d1"), async {
        let command = device.frame().await;
        node.shutdown.cancel();
        until("it drains", async || state(&node).await == "draining").await;
        match TestDevice::try_open(&node, "d2")
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
    node.wait_ended().await;
}

on_every_backplane!(
    drained_node_leaves_the_cluster,
    owner_that_leaves_loses_no_command,
);

async fn drained_node_leaves_the_cluster(kind: TestBackplaneKind) {
    // Longer than the test: the node must leave by itself, not by the end of its lease.
    let ground = kind.ground().with_lease(Duration::from_secs(600));
    let mut cluster = TestCluster::start_on(ground, 2).await;
    let leaver = cluster.nodes.remove(1);
    leaver.shutdown.cancel();
    leaver.wait_ended().await;
    cluster.wait_for_members(1).await;
}

async fn owner_that_leaves_loses_no_command(kind: TestBackplaneKind) {
    let mut cluster = TestCluster::start_on(kind.ground(), 3).await;
    // A third of them is at home on the one that leaves.
    for number in 0..DEVICES {
        let device = TestDevice::open(&cluster.nodes[1], &format!("d{number}")).await;
        device.reply_to_all();
    }
    let leaver = cluster.nodes.remove(2);
    let caller = &cluster.nodes[0];
    let answered = Cell::new(0);
    let ask = async |number| {
        let answer = caller.command(&format!("d{number}")).await;
        answered.set(answered.get() + 1);
        answer
    };
    let asking = stream::iter((0..DEVICES).cycle())
        .map(ask)
        .buffer_unordered(16)
        .take_until(async {
            leaver.shutdown.cancel();
            leaver.wait_ended().await;
            cluster.wait_for_members(2).await;
            // A busy machine may have asked for a few only by then.
            until("each was asked for", async || answered.get() > DEVICES).await;
        });
    let answers: Vec<_> = asking.collect().await;
    for answer in answers {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

/// Returns the state that the node reports.
async fn state(node: &TestNode) -> String {
    let nodes = node.get("/nodes").await.json();
    nodes["nodes"][0]["state"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn readiness_fails_before_new_devices_are_rejected() {
    let mut config = crate::rig::config("n1");
    config.limits.drain_delay = std::time::Duration::from_secs(1);
    let node = TestNode::start(config);
    node.shutdown.cancel();
    until("it is not ready", async || {
        node.get("/readyz").await.status == 503
    })
    .await;
    let (mut taken, mut refused) = (Vec::new(), 0);
    for number in 0.. {
        let before = state(&node).await;
        let opened = TestDevice::try_open(&node, &format!("d{number}")).await;
        let after = state(&node).await;
        match opened {
            Ok(device) => taken.push(device),
            Err(_) => refused += 1,
        }
        if (&before[..], &after[..]) == ("leaving", "leaving") {
            assert_eq!(refused, 0, "a balancer still sends devices here");
        }
        if before == "draining" {
            break;
        }
    }
    assert!(refused > 0, "nobody comes in while it drains");
    for device in &mut taken {
        assert_eq!(device.frame().await["type"], "goaway");
        assert_eq!(device.close_code().await, Some(1012));
    }
    node.wait_ended().await;
}
