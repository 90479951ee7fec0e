//! Sockets through a gateway.

use highwater_server::GatewayPolicy;
use serde_json::json;

use super::{
    fake::{Fake, gateway_with_hung_node},
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
        // 10, and 2 more or less: a report may have crossed with a socket.
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
    until("closed sockets are not counted", async || {
        let nodes = gateway.nodes().await;
        let active = nodes.iter().map(|node| node["active"].as_u64().unwrap());
        active.sum::<u64>() == 6
    })
    .await;
}

#[tokio::test]
async fn frame_of_any_length_passes_through() {
    let cluster = TestCluster::start(2).await;
    let gateway = TestGateway::in_front(config("g1", &cluster.ground), 2).await;
    let device = TestDevice::open_at(gateway.address, "d1").await.unwrap();
    device.reply_to_all();
    // Up to several reads of 16 KiB.
    for length in [1, 100, 20_000, 60_000] {
        let text = "x".repeat(length);
        let body = json!({"name": "say", "body": text});
        let response = gateway.post("/devices/d1/commands", &[], body).await;
        assert_eq!(response.status, 200, "{response:?}");
        assert_eq!(response.json()["body"], json!(text));
    }
}

#[tokio::test]
async fn end_of_one_side_closes_the_other() {
    let cluster = TestCluster::start(1).await;
    let gateway = TestGateway::in_front(config("g1", &cluster.ground), 1).await;
    let node = &cluster.nodes[0];
    let device = TestDevice::open_at(gateway.address, "d0").await.unwrap();
    drop(device);
    until("the node has closed the socket", async || {
        node.metric("highwater_sockets").await == 0.0
    })
    .await;
    // The node's own close, with its code.
    let mut first = TestDevice::open_at(gateway.address, "d1").await.unwrap();
    let mut second = TestDevice::open_at(gateway.address, "d1").await.unwrap();
    assert_eq!(first.close_code().await, Some(4000));
    assert!(first.next().await.is_none());
    second.ping(b"here").await;
    until("the first socket is not counted", async || {
        gateway.node("n1").await["active"] == 1
    })
    .await;
}

#[tokio::test]
async fn rejection_is_forwarded_unchanged() {
    let cluster = TestCluster::start(1).await;
    let gateway = TestGateway::in_front(config("g1", &cluster.ground), 1).await;
    let (status, headers) = gateway.rejection("/ws?device=a%20b").await;
    assert_eq!(status, 400);
    assert_eq!(headers["x-highwater-node"], "n1");
    assert_eq!(headers["x-highwater-gateway"], "g1");
    assert_eq!(gateway.node("n1").await["pending"], 0);
}

#[tokio::test]
async fn socket_of_a_full_node_opens_at_another() {
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
    assert_eq!(roomy.behaviour.requested().len(), 6);
    assert!(
        !full.behaviour.requested().is_empty(),
        "the full node had no turn"
    );
    assert_eq!(gateway.node("n1").await["active"], 6);
    // A rejected socket must not count any longer.
    assert_eq!(gateway.node("n2").await["pending"], 0);
    // If every node rejects the socket, the client gets the last response.
    drop(roomy);
    gateway.has_up(1).await;
    let (status, _) = gateway.rejection("/ws?device=d9").await;
    assert_eq!(status, 503);
}

#[tokio::test]
async fn socket_at_a_hung_node_opens_at_another() {
    let (gateway, [_here, hung]) = gateway_with_hung_node().await;
    // Round-robin gives one of two sockets to the node that hangs.
    let open = |id| TestDevice::open_at(gateway.address, id);
    let (first, second) = tokio::join!(open("d1"), open("d2"));
    let _devices = (first.unwrap(), second.unwrap());
    gateway.sees("n2", "down").await;
    assert_eq!(gateway.node("n1").await["active"], 2);
    let listed = gateway.node("n2").await;
    assert_eq!(listed["assigned"], 1, "{listed}");
    assert_eq!(listed["pending"], 0, "{listed}");
    hung.behaviour.hang(false);
    gateway.sees("n2", "up").await;
}

#[tokio::test]
async fn socket_at_a_node_that_breaks_off_opens_at_another() {
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
    let attempts = brittle["assigned"].as_u64().unwrap();
    assert!(attempts > 0, "{brittle}");
    let text = gateway.get("/metrics").await.text();
    let retries = format!("highwater_gateway_retries_total {attempts}\n");
    assert!(text.contains(&retries), "{text}");
}

#[tokio::test]
async fn gateway_without_nodes_answers_503() {
    let ground = TestBackplaneKind::Local.ground();
    let gateway = TestGateway::start(config("g1", &ground));
    let (status, headers) = gateway.rejection("/ws?device=d1").await;
    assert_eq!(status, 503);
    assert!(headers.contains_key("retry-after"));
    assert_eq!(gateway.get("/readyz").await.status, 503);
    assert_eq!(gateway.get("/devices/d1").await.status, 503);
}
