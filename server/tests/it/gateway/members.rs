//! Nodes that join, drain, die and return.

use std::time::Duration;

use highwater_server::{GatewayPolicy, LoadMetric};
use serde_json::{Value, json};

use super::rig::{TestGateway, config};
use crate::{
    ground::TestBackplaneKind,
    rig::{self, TestCluster, TestDevice, TestNode, until},
};

/// Opens sockets, and returns them with the names of their nodes.
async fn open(gateway: &TestGateway, prefix: &str, count: usize) -> (Vec<TestDevice>, Vec<String>) {
    let (mut devices, mut nodes) = (Vec::new(), Vec::new());
    for number in 0..count {
        let id = format!("{prefix}{number}");
        let device = TestDevice::open_at(gateway.address, &id).await.unwrap();
        let node = device.headers["x-highwater-node"].to_str().unwrap();
        nodes.push(node.to_owned());
        devices.push(device);
    }
    (devices, nodes)
}

async fn in_front(cluster: &TestCluster) -> TestGateway {
    let mut config = config("g1", &cluster.ground);
    // Without chance: the next socket goes to the node with the fewest.
    config.policy = GatewayPolicy::LeastConn;
    TestGateway::in_front(config, cluster.nodes.len()).await
}

#[tokio::test]
async fn new_node_gets_sockets_until_it_has_its_share() {
    let cluster = TestCluster::start(2).await;
    let gateway = in_front(&cluster).await;
    let (_old, _) = open(&gateway, "old", 20).await;
    let new_node = TestNode::join("n3", &cluster.ground).await;
    gateway.has_up(3).await;
    // The others have ten each, so the new node stays behind them.
    let (_new, nodes) = open(&gateway, "new", 6).await;
    assert!(nodes.iter().all(|node| node == "n3"), "{nodes:?}");
    assert_eq!(new_node.metric("highwater_sockets").await, 6.0);
}

#[tokio::test]
async fn draining_node_gets_no_new_socket() {
    let mut cluster = TestCluster::start(1).await;
    let mut config = rig::config("n2");
    // Longer than this test.
    config.limits.drain_delay = Duration::from_secs(60);
    let draining = TestNode::join_with(config, &cluster.ground).await;
    cluster.nodes.push(draining);
    let gateway = in_front(&cluster).await;
    let (_before, nodes) = open(&gateway, "before", 6).await;
    let on_n2 = nodes.iter().filter(|node| *node == "n2").count();
    assert!(on_n2 > 0, "{nodes:?}");
    cluster.nodes[1].shutdown.cancel();
    gateway.sees("n2", "draining").await;
    let (_after, nodes) = open(&gateway, "after", 6).await;
    assert!(nodes.iter().all(|node| node == "n1"), "{nodes:?}");
    assert_eq!(gateway.node("n2").await["active"], on_n2);
}

#[tokio::test]
async fn dead_node_leaves_and_returns_without_sockets() {
    let mut cluster = TestCluster::start(2).await;
    let gateway = in_front(&cluster).await;
    let (mut devices, nodes) = open(&gateway, "d", 10).await;
    cluster.nodes.remove(1).kill();
    until("the node has left", async || {
        gateway.node("n2").await.is_null()
    })
    .await;
    for (device, node) in devices.iter_mut().zip(&nodes) {
        match node.as_str() {
            "n2" => assert!(device.next().await.is_none(), "a socket outlives its node"),
            _ => device.ping(b"still here").await,
        }
    }
    let (_again, nodes) = open(&gateway, "again", 5).await;
    assert!(nodes.iter().all(|node| node == "n1"), "{nodes:?}");
    let again = TestNode::join("n2", &cluster.ground).await;
    gateway.has_up(2).await;
    let listed = gateway.node("n2").await;
    assert_eq!(listed["active"], 0, "{listed}");
    assert_eq!(listed["load"], 0.0, "{listed}");
    let (_new, nodes) = open(&gateway, "new", 5).await;
    assert!(nodes.iter().all(|node| node == "n2"), "{nodes:?}");
    assert_eq!(again.metric("highwater_sockets").await, 5.0);
}

/// Nodes rejoin the backplane one after the other, before the gateway or after it.
#[tokio::test]
async fn requests_find_a_node_during_and_after_an_outage_of_the_backplane() {
    let mut cluster = TestCluster::start_on(TestBackplaneKind::Local.own_ground(), 3).await;
    let gateway = in_front(&cluster).await;
    let (_devices, _) = open(&gateway, "d", 3).await;
    let request = async || {
        let response = gateway.get("/devices/d0").await;
        let node = response.header("x-highwater-node").to_owned();
        assert_ne!(node, "", "no node has responseed: {response:?}");
    };
    cluster.ground.kill().await;
    until("the gateway is cut off", async || {
        request().await;
        gateway.get("/nodes").await.json()["connected"] == false
    })
    .await;
    cluster.ground.start_again().await;
    until("all nodes are back", async || {
        request().await;
        let nodes = gateway.nodes().await;
        let up = nodes.iter().filter(|node| node["state"] == "up").count();
        up == 3 && gateway.get("/nodes").await.json()["connected"] == true
    })
    .await;
}

#[tokio::test]
async fn gateways_know_each_other_s_sockets_from_reports() {
    let cluster = TestCluster::start(2).await;
    // Sockets through one gateway, and past any gateway, count at the other.
    let first = in_front(&cluster).await;
    let mut other = config("g2", &cluster.ground);
    other.policy = GatewayPolicy::LeastConn;
    let second = TestGateway::in_front(other, 2).await;
    let (_held, _) = open(&first, "a", 8).await;
    let direct = &cluster.nodes[0];
    let mut direct_devices = Vec::new();
    for number in 0..10 {
        direct_devices.push(TestDevice::open(direct, &format!("s{number}")).await);
    }
    let sockets = direct.metric("highwater_sockets").await;
    assert!(sockets > 10.0, "{sockets}");
    until("the second gateway has the report", async || {
        second.node("n1").await["sockets"] == sockets as u64
    })
    .await;
    let (_new, nodes) = open(&second, "b", 5).await;
    assert!(nodes.iter().all(|node| node == "n2"), "{nodes:?}");
    let listed = direct.get("/nodes").await.json();
    let gateways = listed["gateways"].as_array().unwrap();
    let ids: Vec<&Value> = gateways.iter().map(|gateway| &gateway["id"]).collect();
    assert_eq!(ids, ["g1", "g2"]);
}

#[tokio::test]
async fn custom_load_decides_between_nodes() {
    let cluster = TestCluster::start(2).await;
    let mut config = config("g1", &cluster.ground);
    config.policy = GatewayPolicy::LeastConn;
    config.load_metric = LoadMetric::Custom;
    let gateway = TestGateway::in_front(config, 2).await;
    // So far apart that six sockets do not change the order.
    for (node, load) in cluster.nodes.iter().zip([1000.0, 1.0]) {
        let response = node.post("/admin/load", json!({ "load": load })).await;
        assert_eq!(response.status, 200, "{response:?}");
    }
    until("both nodes have reported", async || {
        let loads = gateway.nodes().await;
        loads.iter().all(|node| node["reported_load"].is_f64())
    })
    .await;
    let (_devices, nodes) = open(&gateway, "d", 6).await;
    assert!(nodes.iter().all(|node| node == "n2"), "{nodes:?}");
    for (body, status) in [
        (json!({"load": -1.0}), 400),
        (json!({}), 400),
        (json!({"load": "much"}), 400),
        (json!({"load": null}), 200),
    ] {
        let response = cluster.nodes[0].post("/admin/load", body).await;
        assert_eq!(response.status, status, "{response:?}");
    }
}

#[tokio::test]
async fn rebalance_moves_sockets_above_the_share() {
    let mut cluster = TestCluster::start(1).await;
    let mut devices = Vec::new();
    for number in 0..40 {
        devices.push(TestDevice::open(&cluster.nodes[0], &format!("d{number}")).await);
    }
    cluster
        .nodes
        .push(TestNode::join("n2", &cluster.ground).await);
    cluster.wait_for_members(2).await;
    let gateway = in_front(&cluster).await;
    // The devices reconnect through the gateway, as the goaway asks.
    let address = gateway.address;
    for (number, mut device) in devices.into_iter().enumerate() {
        tokio::spawn(async move {
            while device.close_code().await == Some(1012) {
                device = TestDevice::open_at(address, &format!("d{number}"))
                    .await
                    .unwrap();
            }
        });
    }
    // Repeated, because a report that crossed with a socket may close one too many.
    let request = json!({"tolerance": 0.0, "rate": "1000/s"});
    until("both nodes have the same number", async || {
        let mut sockets = Vec::new();
        for node in &cluster.nodes {
            let response = node.post("/admin/rebalance", request.clone()).await;
            assert_eq!(response.status, 202, "{response:?}");
            sockets.push(node.metric("highwater_sockets").await);
        }
        sockets == [20.0, 20.0]
    })
    .await;
    for invalid in [
        json!({"tolerance": 2}),
        json!({"rate": "fast"}),
        json!({"x": 1}),
    ] {
        let response = cluster.nodes[0].post("/admin/rebalance", invalid).await;
        assert_eq!(response.status, 400, "{response:?}");
    }
}

#[tokio::test]
async fn socket_older_than_max_age_is_closed() {
    let mut config = rig::config("n1");
    config.limits.max_age = Some(Duration::from_secs(1));
    let node = TestNode::start(config);
    let mut device = TestDevice::open(&node, "d1").await;
    assert_eq!(device.frame().await["type"], "goaway");
    assert_eq!(device.close_code().await, Some(1012));
    assert!(device.next().await.is_none());
    until("the reason is counted", async || {
        let text = node.get("/metrics").await.text();
        text.contains("highwater_sockets_closed_total{reason=\"aged\"} 1\n")
    })
    .await;
}
