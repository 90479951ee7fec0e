//! Topics over one and several nodes.

use serde_json::json;

use crate::rig::{Cluster, Device, Node, until};

#[tokio::test]
async fn subscribers_get_what_is_published_until_they_unsubscribe() {
    let node = Node::alone();
    let mut device = Device::open(&node, "d1").await;
    device
        .send(json!({"type": "subscribe", "topic": "news"}))
        .await;
    device.ping(b"subscribed").await;
    let answer = node
        .post("/topics/news/messages", json!({"body": {"n": 1}}))
        .await;
    assert_eq!(answer.status, 202);
    assert_eq!(
        answer.json(),
        json!({"topic": "news", "nodes": 1, "delivered_here": 1})
    );
    let expected = json!({"type": "message", "topic": "news", "body": {"n": 1}});
    assert_eq!(device.frame().await, expected);
    device
        .send(json!({"type": "unsubscribe", "topic": "news"}))
        .await;
    device.ping(b"unsubscribed").await;
    let answer = node.post("/topics/news/messages", json!({"body": 2})).await;
    assert_eq!(answer.json()["delivered_here"], 0);
}

#[tokio::test]
async fn a_topic_reaches_devices_of_every_node_in_order() {
    let cluster = Cluster::start(3).await;
    let mut devices = Vec::new();
    for (number, node) in cluster.nodes.iter().enumerate() {
        let mut device = Device::open(node, &format!("d{number}")).await;
        device
            .send(json!({"type": "subscribe", "topic": "news"}))
            .await;
        device.ping(b"subscribed").await;
        devices.push(device);
    }
    // A node's own subscription travels: publish until everybody hears.
    let publisher = &cluster.nodes[0];
    let mut n = 0;
    for device in &mut devices {
        let first = async {
            until("a message goes through", async || {
                n += 1;
                let body = json!({"body": n});
                let answer = publisher.post("/topics/news/messages", body).await;
                assert_eq!(answer.json()["nodes"], 3);
                false
            })
            .await
        };
        tokio::select! {
            () = first => unreachable!(),
            frame = device.frame() => assert_eq!(frame["type"], "message"),
        }
    }
    publisher
        .post("/topics/news/messages", json!({"body": "last"}))
        .await;
    for device in &mut devices {
        let mut before = 0;
        loop {
            let body = device.frame().await["body"].clone();
            let Some(number) = body.as_u64() else { break };
            assert!(number > before, "out of order");
            before = number;
        }
    }
}

#[tokio::test]
async fn bad_topics_and_bodies_are_refused() {
    let node = Node::alone();
    assert_eq!(
        node.post("/topics/a%20b/messages", json!({"body": 1}))
            .await
            .status,
        400
    );
    assert_eq!(
        node.post("/topics/a/messages", json!({"text": 1}))
            .await
            .status,
        400
    );
}
