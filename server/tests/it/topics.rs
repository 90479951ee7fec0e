//! Topics over one and several nodes.

use serde_json::json;

use crate::{
    ground::{TestBackplaneKind, on_every_backplane},
    rig::{TestCluster, TestDevice, TestNode, config, until},
};

#[tokio::test]
async fn subscribers_receive_messages_until_they_unsubscribe() {
    let node = TestNode::standalone();
    let mut device = TestDevice::open(&node, "d1").await;
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
        json!({"topic": "news", "nodes": 1, "subscribers_here": 1})
    );
    let expected = json!({"type": "message", "topic": "news", "body": {"n": 1}});
    assert_eq!(device.frame().await, expected);
    device
        .send(json!({"type": "unsubscribe", "topic": "news"}))
        .await;
    device.ping(b"unsubscribed").await;
    let answer = node.post("/topics/news/messages", json!({"body": 2})).await;
    assert_eq!(answer.json()["subscribers_here"], 0);
}

on_every_backplane!(a_topic_reaches_devices_of_every_node_in_order);

async fn a_topic_reaches_devices_of_every_node_in_order(kind: TestBackplaneKind) {
    let cluster = TestCluster::start_on(kind.ground(), 3).await;
    let mut devices = Vec::new();
    for (number, node) in cluster.nodes.iter().enumerate() {
        let mut device = TestDevice::open(node, &format!("d{number}")).await;
        device
            .send(json!({"type": "subscribe", "topic": "news"}))
            .await;
        device.ping(b"subscribed").await;
        devices.push(device);
    }
    // A node's subscription takes time to reach the others, so publish until every device
    // receives.
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
async fn invalid_topics_and_bodies_are_rejected() {
    let node = TestNode::standalone();
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

async fn member(node: &TestNode, id: &str, topic: &str) -> TestDevice {
    let mut device = TestDevice::open(node, id).await;
    device
        .send(json!({"type": "subscribe", "topic": topic}))
        .await;
    device.ping(b"subscribed").await;
    device
}

/// Waits until a message published at one node arrives at the others.
async fn wait_received(publisher: &mut TestDevice, topic: &str, by: &mut [TestDevice]) {
    for (number, device) in by.iter_mut().enumerate() {
        let probe = json!({"type": "publish", "topic": topic, "body": "probe"});
        let mut heard = false;
        while !heard {
            publisher.send(probe.clone()).await;
            heard = tokio::select! {
                frame = device.frame() => frame["type"] == "message",
                // The publisher's own round trip, so that the loop does not spin.
                () = publisher.ping(b"sent") => false,
            };
        }
        let end = json!({"type": "publish", "topic": topic, "body": format!("end of {number}")});
        publisher.send(end).await;
    }
    let last = format!("end of {}", by.len() - 1);
    for device in by {
        while device.frame().await["body"] != last.as_str() {}
    }
}

#[tokio::test]
async fn message_reaches_every_subscriber_except_the_sender() {
    let cluster = TestCluster::start_with(TestBackplaneKind::Local.ground(), 3, |config| {
        config.limits.publishes_per_s = u32::MAX;
    })
    .await;
    let mut sender = member(&cluster.nodes[0], "sender", "room").await;
    let mut others = Vec::new();
    for (number, node) in cluster.nodes.iter().enumerate() {
        others.push(member(node, &format!("d{number}"), "room").await);
    }
    wait_received(&mut sender, "room", &mut others).await;

    for n in 0..300 {
        let publish = json!({"type": "publish", "topic": "room", "id": n.to_string(), "body": n});
        sender.send(publish).await;
    }
    for n in 0..300 {
        // Its answers, and never a message: it gets no echo.
        let expected = json!({"type": "published", "id": n.to_string()});
        assert_eq!(sender.frame().await, expected);
    }
    for device in &mut others {
        for n in 0..300 {
            let expected = json!({"type": "message", "topic": "room", "body": n});
            assert_eq!(device.frame().await, expected);
        }
    }
    let node = &cluster.nodes[0];
    let text = node.get("/metrics").await.text();
    let published =
        |line: &&str| line.starts_with("highwater_messages_published_total{from=\"device\"}");
    let line = text.lines().find(published).unwrap();
    let published: f64 = line.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(published >= 300.0, "{line}");
}

#[tokio::test]
async fn messages_of_one_caller_arrive_in_order() {
    let cluster = TestCluster::start(2).await;
    let mut devices = Vec::new();
    for (number, node) in cluster.nodes.iter().enumerate() {
        devices.push(member(node, &format!("d{number}"), "news").await);
    }
    let mut sender = TestDevice::open(&cluster.nodes[0], "sender").await;
    wait_received(&mut sender, "news", &mut devices).await;
    for n in 0..100 {
        let answer = cluster.nodes[0]
            .post("/topics/news/messages", json!({"body": n}))
            .await;
        assert_eq!(answer.status, 202);
    }
    for device in &mut devices {
        for n in 0..100 {
            assert_eq!(device.frame().await["body"], n);
        }
    }
}

/// Subscribes more devices than one fan-out chunk holds, on a runtime with several workers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_subscriber_of_a_large_topic_gets_all_messages_in_order() {
    const MESSAGES: u64 = 20;
    let node = TestNode::standalone();
    let mut devices = Vec::new();
    for number in 0..300 {
        devices.push(member(&node, &format!("d{number}"), "news").await);
    }
    for n in 0..MESSAGES {
        node.post("/topics/news/messages", json!({"body": n})).await;
    }
    for device in &mut devices {
        for n in 0..MESSAGES {
            assert_eq!(device.frame().await["body"], n);
        }
    }
    let delivered = node.metric("highwater_messages_delivered_total").await;
    assert_eq!(delivered, (MESSAGES * 300) as f64);
}

#[tokio::test]
async fn device_that_publishes_too_fast_is_rejected() {
    let mut config = config("n1");
    config.limits.publishes_per_s = 3;
    let node = TestNode::start(config);
    let mut device = TestDevice::open(&node, "d").await;
    let mut refused = 0;
    // In nine messages there are four of one second, wherever it ends.
    for n in 0..9 {
        let publish = json!({"type": "publish", "topic": "t", "id": n.to_string(), "body": n});
        device.send(publish).await;
    }
    for n in 0..9 {
        let answer = device.frame().await;
        assert_eq!(answer["id"], n.to_string());
        if answer["type"] == "error" {
            refused += 1;
            assert_eq!(
                (&answer["status"], &answer["retry_ms"]),
                (&json!(429), &json!(1000))
            );
        } else {
            assert_eq!(answer["type"], "published");
        }
    }
    assert!(refused > 0);
    // Without an id there is no error frame, and the socket stays open.
    device
        .send(json!({"type": "publish", "topic": "t", "body": 1}))
        .await;
    device.ping(b"alive").await;
}

#[tokio::test]
async fn message_that_the_backplane_rejects_reaches_no_subscriber() {
    let mut cluster = TestCluster::start(2).await;
    let node = &cluster.nodes[0];
    let mut device = member(node, "d", "news").await;
    cluster.ground.kill().await;
    until("the node knows", async || {
        node.get("/readyz").await.status == 503
    })
    .await;
    let answer = node.post("/topics/news/messages", json!({"body": 1})).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("retry-after")),
        (503, "1")
    );
    device
        .send(json!({"type": "publish", "topic": "news", "id": "7", "body": 1}))
        .await;
    let answer = device.frame().await;
    assert_eq!(
        (&answer["type"], &answer["status"]),
        (&json!("error"), &json!(503))
    );
}

#[tokio::test]
async fn node_drops_duplicates_and_reorders_deliveries_on_request() {
    let mut config = config("n1");
    config.allow_faults = true;
    let node = TestNode::start(config);
    let mut device = member(&node, "d", "t").await;
    for (fault, expected) in [
        ("drop-messages", [3, 4, 5].as_slice()),
        ("duplicate-messages", &[1, 1, 2, 2, 3, 4, 5]),
        ("reorder-messages", &[2, 1, 4, 3, 5]),
    ] {
        let body = json!({"fault": fault, "count": 2});
        assert_eq!(node.post("/admin/faults", body).await.status, 202);
        for n in 1..=5 {
            node.post("/topics/t/messages", json!({"body": n})).await;
        }
        for n in expected {
            assert_eq!(device.frame().await["body"], *n, "{fault}");
        }
    }
}
