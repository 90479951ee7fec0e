//! Sockets through a gateway.

use highwater_server::GatewayPolicy;
use serde_json::json;

use super::{
    fake::{Fake, before_one_that_hangs},
    rig::{TestGateway, config},
};
use crate::{
    ground::{TestBackplaneKind, on_every_backplane},
    rig::{TestCluster, TestDevice, until},
};

on_every_backplane!(nodes_are_found_and_share_the_sockets);

async fn nodes_are_found_and_share_the_sockets(kind: TestBackplaneKind) {
    let cluster = TestCluster::start_on(kind.ground(), 3).await;
    let mut config = config("g1", &cluster.ground);
    config.policy = GatewayPolicy::LeastConn;
    let gateway = TestGateway::in_front(config, 3).await;
    let mut devices = Vec::new();
    for number in 0..30 {
        let device = TestDevice::open_at(gateway.address, &format!("d{number}")).await;
        devices.push(device.unwrap());
    }
    for (node, listed) in cluster.nodes.iter().zip(gateway.nodes().await) {
        let sockets = node.metric("highwater_sockets").await;
        // One more or less: a report may have crossed with a socket.
        assert!((8.0..=12.0).contains(&sockets), "{sockets}");
        assert_eq!(listed["active"], sockets as u64, "{listed}");
        assert_eq!(listed["pending"], 0, "{listed}");
        assert_eq!(listed["assigned"], sockets as u64, "{listed}");
        // A gateway is not a node, so it does not count here.
        assert_eq!(node.members().await.len(), 3);
    }
    for device in &mut devices {
        assert!(device.headers["x-highwater-node"].len() > 1);
        assert_eq!(device.headers["x-highwater-gateway"], "g1");
        device.ping(b"through").await;
    }
    devices.truncate(6);
    until("closed sockets are counted off", async || {
        let open = gateway.nodes().await;
        open.iter()
            .map(|node| node["active"].as_u64().unwrap())
            .sum::<u64>()
            == 6
    })
    .await;
}

#[tokio::test]
async fn what_is_said_arrives_however_long_it_is() {
    let cluster = TestCluster::start(2).await;
    let gateway = TestGateway::in_front(config("g1", &cluster.ground), 2).await;
    let device = TestDevice::open_at(gateway.address, "d1").await.unwrap();
    device.reply_to_all();
    for length in [1, 100, 20_000, 60_000] {
        let text = "x".repeat(length);
        let body = json!({"name": "say", "body": text});
        let answer = gateway.post("/devices/d1/commands", &[], body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["body"], json!(text));
    }
}

#[tokio::test]
async fn the_end_of_either_side_is_the_other_s() {
    let cluster = TestCluster::start(1).await;
    let gateway = TestGateway::in_front(config("g1", &cluster.ground), 1).await;
    let node = &cluster.nodes[0];
    let device = TestDevice::open_at(gateway.address, "gone").await.unwrap();
    drop(device);
    until("the node has heard", async || {
        node.metric("highwater_sockets").await == 0.0
    })
    .await;
    // The node's own close, with its code.
    let mut first = TestDevice::open_at(gateway.address, "d1").await.unwrap();
    let mut second = TestDevice::open_at(gateway.address, "d1").await.unwrap();
    assert_eq!(first.close_code().await, Some(4000));
    assert!(first.next().await.is_none());
    second.ping(b"here").await;
    until("the first counts no more", async || {
        gateway.node("n1").await["active"] == 1
    })
    .await;
}

#[tokio::test]
async fn a_refusal_is_passed_on_as_it_is() {
    let cluster = TestCluster::start(1).await;
    let gateway = TestGateway::in_front(config("g1", &cluster.ground), 1).await;
    let (status, headers) = gateway.refusal("/ws?device=a%20b").await;
    assert_eq!(status, 400);
    assert_eq!(headers["x-highwater-node"], "n1");
    assert_eq!(headers["x-highwater-gateway"], "g1");
    assert_eq!(gateway.node("n1").await["pending"], 0);
}

#[tokio::test]
async fn a_node_that_is_full_is_left_for_another() {
    let ground = TestBackplaneKind::Local.ground();
    let (roomy, full) = (Fake::join(&ground, "n1"), Fake::join(&ground, "n2"));
    full.behaviour.fill();
    let mut config = config("g1", &ground);
    config.policy = GatewayPolicy::RoundRobin;
    let gateway = TestGateway::in_front(config, 2).await;
    let mut devices = Vec::new();
    for number in 0..6 {
        let device = TestDevice::open_at(gateway.address, &format!("d{number}")).await;
        devices.push(device.unwrap());
    }
    assert_eq!(roomy.behaviour.asked().len(), 6);
    assert!(
        !full.behaviour.asked().is_empty(),
        "it is asked in its turn"
    );
    assert_eq!(gateway.node("n1").await["active"], 6);
    assert_eq!(gateway.node("n2").await["pending"], 0);
    // Refused by all of them, the last one's word is passed on.
    drop(roomy);
    gateway.has_up(1).await;
    let (status, _) = gateway.refusal("/ws?device=d9").await;
    assert_eq!(status, 503);
}

#[tokio::test]
async fn who_waits_for_a_node_that_hangs_gets_another() {
    let (gateway, [_here, hung]) = before_one_that_hangs().await;
    let open = |id| TestDevice::open_at(gateway.address, id);
    let (first, second) = tokio::join!(open("d1"), open("d2"));
    let _devices = (first.unwrap(), second.unwrap());
    gateway.sees("n2", "down").await;
    assert_eq!(gateway.node("n1").await["active"], 2);
    let listed = gateway.node("n2").await;
    assert_eq!(listed["assigned"], 1, "one has waited for it: {listed}");
    assert_eq!(listed["pending"], 0, "{listed}");
    hung.behaviour.hang(false);
    gateway.sees("n2", "up").await;
}

#[tokio::test]
async fn a_node_that_breaks_off_is_left_for_another() {
    let ground = TestBackplaneKind::Local.ground();
    let _here = Fake::join(&ground, "n1");
    let _brittle = Fake::brittle(&ground, "n2");
    let mut config = config("g1", &ground);
    config.policy = GatewayPolicy::RoundRobin;
    let gateway = TestGateway::in_front(config, 2).await;
    let mut devices = Vec::new();
    for number in 0..4 {
        let device = TestDevice::open_at(gateway.address, &format!("d{number}")).await;
        devices.push(device.unwrap());
    }
    assert_eq!(gateway.node("n1").await["active"], 4);
    let brittle = gateway.node("n2").await;
    let tried_there = brittle["assigned"].as_u64().unwrap();
    assert!(tried_there > 0, "{brittle}");
    let text = gateway.get("/metrics").await.text();
    let retries = format!("highwater_gateway_retries_total {tried_there}\n");
    assert!(text.contains(&retries), "{text}");
}

#[tokio::test]
async fn without_nodes_the_answer_is_503() {
    let ground = TestBackplaneKind::Local.ground();
    let gateway = TestGateway::start(config("g1", &ground));
    let (status, headers) = gateway.refusal("/ws?device=d1").await;
    assert_eq!(status, 503);
    assert!(headers.contains_key("retry-after"));
    assert_eq!(gateway.get("/readyz").await.status, 503);
    assert_eq!(gateway.get("/devices/d1").await.status, 503);
}
