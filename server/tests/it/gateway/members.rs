//! Nodes that come, leave, drain and come back.

use std::time::Duration;

use highwater_server::{GatewayPolicy, LoadMetric};
use serde_json::json;

use super::rig::{TestGateway, config};
use crate::{
    ground::TestBackplaneKind,
    rig::{self, TestCluster, TestDevice, TestNode, until},
};

/// Opens sockets; answers at which nodes they are.
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
    config.policy = GatewayPolicy::LeastConn;
    TestGateway::in_front(config, cluster.nodes.len()).await
}

#[tokio::test]
async fn a_newcomer_gets_sockets_until_it_has_its_share() {
    let cluster = TestCluster::start(2).await;
    let gateway = in_front(&cluster).await;
    let (_old, _) = open(&gateway, "old", 20).await;
    let newcomer = TestNode::join("n3", &cluster.ground).await;
    gateway.has_up(3).await;
    let (_new, nodes) = open(&gateway, "new", 6).await;
    assert!(nodes.iter().all(|node| node == "n3"), "{nodes:?}");
    assert_eq!(newcomer.metric("highwater_sockets").await, 6.0);
}

#[tokio::test]
async fn a_draining_node_gets_nothing_new() {
    let mut cluster = TestCluster::start(1).await;
    let mut config = rig::config("n2");
    // Long enough for all that follows.
    config.limits.drain_delay = Duration::from_secs(60);
    let leaver = TestNode::join_with(config, &cluster.ground).await;
    cluster.nodes.push(leaver);
    let gateway = in_front(&cluster).await;
    let (_before, nodes) = open(&gateway, "before", 6).await;
    let there = nodes.iter().filter(|node| *node == "n2").count();
    assert!(there > 0, "{nodes:?}");
    cluster.nodes[1].shutdown.cancel();
    gateway.sees("n2", "draining").await;
    let (_after, nodes) = open(&gateway, "after", 6).await;
    assert!(nodes.iter().all(|node| node == "n1"), "{nodes:?}");
    assert_eq!(gateway.node("n2").await["active"], there);
}

#[tokio::test]
async fn a_dead_node_is_gone_and_comes_back_with_nothing() {
    let mut cluster = TestCluster::start(2).await;
    let gateway = in_front(&cluster).await;
    let (mut devices, nodes) = open(&gateway, "d", 10).await;
    cluster.nodes.remove(1).kill();
    until("it is gone", async || gateway.node("n2").await.is_null()).await;
    for (device, node) in devices.iter_mut().zip(&nodes) {
        match node.as_str() {
            "n2" => assert!(device.next().await.is_none(), "its socket has ended"),
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

/// Nodes come back to the backplane one after the other, the gateway before them or
/// after.
#[tokio::test]
async fn requests_find_a_node_while_the_backplane_is_away_and_comes_back() {
    let mut cluster = TestCluster::start_on(TestBackplaneKind::Local.own_ground(), 3).await;
    let gateway = in_front(&cluster).await;
    let (_devices, _) = open(&gateway, "d", 3).await;
    let asks = async || {
        let answer = gateway.get("/devices/d0").await;
        let node = answer.header("x-highwater-node").to_owned();
        assert_ne!(node, "", "no node has answered: {answer:?}");
    };
    cluster.ground.kill().await;
    until("the gateway is cut off", async || {
        asks().await;
        gateway.get("/nodes").await.json()["connected"] == false
    })
    .await;
    cluster.ground.start_again().await;
    until("all are back", async || {
        asks().await;
        let nodes = gateway.nodes().await;
        let up = nodes.iter().filter(|node| node["state"] == "up").count();
        up == 3 && gateway.get("/nodes").await.json()["connected"] == true
    })
    .await;
}

#[tokio::test]
async fn two_gateways_know_of_each_other_what_the_nodes_tell() {
    let cluster = TestCluster::start(2).await;
    let first = in_front(&cluster).await;
    let mut other = config("g2", &cluster.ground);
    other.policy = GatewayPolicy::LeastConn;
    let second = TestGateway::in_front(other, 2).await;
    let (_held, _) = open(&first, "a", 8).await;
    let direct = &cluster.nodes[0];
    let mut straight = Vec::new();
    for number in 0..10 {
        straight.push(TestDevice::open(direct, &format!("s{number}")).await);
    }
    let there = direct.metric("highwater_sockets").await;
    assert!(there > 10.0, "{there}");
    until("the second has been told", async || {
        second.node("n1").await["sockets"] == there as u64
    })
    .await;
    let (_new, nodes) = open(&second, "b", 5).await;
    assert!(nodes.iter().all(|node| node == "n2"), "{nodes:?}");
    let listed = direct.get("/nodes").await.json();
    let gateways = listed["gateways"].as_array().unwrap();
    let ids: Vec<&str> = gateways
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["g1", "g2"]);
}

#[tokio::test]
async fn a_load_of_the_nodes_own_making_is_gone_by() {
    let cluster = TestCluster::start(2).await;
    let mut config = config("g1", &cluster.ground);
    config.policy = GatewayPolicy::LeastConn;
    config.load_metric = LoadMetric::Custom;
    let gateway = TestGateway::in_front(config, 2).await;
    for (node, load) in cluster.nodes.iter().zip([1000.0, 1.0]) {
        let answer = node.post("/admin/load", json!({ "load": load })).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    until("both are heard", async || {
        let loads = gateway.nodes().await;
        loads.iter().all(|node| node["reported_load"].is_f64())
    })
    .await;
    let (_devices, nodes) = open(&gateway, "d", 6).await;
    assert!(nodes.iter().all(|node| node == "n2"), "{nodes:?}");
    for (bad, status) in [
        (json!({"load": -1.0}), 400),
        (json!({}), 400),
        (json!({"load": "much"}), 400),
        (json!({"load": null}), 200),
    ] {
        let answer = cluster.nodes[0].post("/admin/load", bad).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
}

#[tokio::test]
async fn a_rebalancing_moves_what_is_above_the_share() {
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
    // Until it is so: a report that crossed with a socket may send one too many.
    let order = json!({"tolerance": 0.0, "rate": "1000/s"});
    until("both have the same", async || {
        let mut sockets = Vec::new();
        for node in &cluster.nodes {
            let answer = node.post("/admin/rebalance", order.clone()).await;
            assert_eq!(answer.status, 202, "{answer:?}");
            sockets.push(node.metric("highwater_sockets").await);
        }
        sockets == [20.0, 20.0]
    })
    .await;
    for bad in [
        json!({"tolerance": 2}),
        json!({"rate": "fast"}),
        json!({"x": 1}),
    ] {
        let answer = cluster.nodes[0].post("/admin/rebalance", bad).await;
        assert_eq!(answer.status, 400, "{answer:?}");
    }
}

#[tokio::test]
async fn old_sockets_are_sent_away() {
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
