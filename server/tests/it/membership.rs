//! Nodes that join, die and lose their broker while devices are connected.

use highwater_server::NodeConfig;
use serde_json::json;

use crate::{
    ground::{SHORT, TestBackplaneKind, on_every_backplane},
    rig::{TestCluster, TestDevice, TestNode, config, until},
};

on_every_backplane!(
    devices_stay_reachable_while_nodes_join,
    dead_node_loses_its_devices_and_no_others,
    command_whose_owner_dies_ends_before_its_deadline,
    cluster_recovers_from_a_restarted_broker,
    node_started_before_its_broker_joins_later,
);

const DEVICES: usize = 60;

async fn open(node: &TestNode, prefix: &str) {
    for number in 0..DEVICES {
        TestDevice::open(node, &format!("{prefix}{number}"))
            .await
            .reply_to_all();
    }
}

/// Checks that every node reaches every device now.
async fn check_reachable(nodes: &[TestNode], prefix: &str, owner: &str) {
    for node in nodes {
        for number in 0..DEVICES {
            let answer = node.command(&format!("{prefix}{number}")).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(answer.header("x-highwater-owner"), owner);
        }
    }
}

async fn entries(nodes: &[TestNode]) -> f64 {
    let mut sum = 0.0;
    for node in nodes {
        sum += node.metric("highwater_directory_entries").await;
    }
    sum
}

async fn devices_stay_reachable_while_nodes_join(kind: TestBackplaneKind) {
    let mut cluster = TestCluster::start_on(kind.ground(), 1).await;
    open(&cluster.nodes[0], "a").await;
    for id in ["n2", "n3"] {
        let node = TestNode::join(id, &cluster.ground).await;
        cluster.nodes.push(node);
        // At once: while entries move, a slot owner without one makes callers broadcast.
        check_reachable(&cluster.nodes, "a", "n1").await;
    }
    cluster.wait_for_members(3).await;
    until("entries have moved", async || {
        entries(&cluster.nodes).await == DEVICES as f64
    })
    .await;
    check_reachable(&cluster.nodes, "a", "n1").await;
}

async fn dead_node_loses_its_devices_and_no_others(kind: TestBackplaneKind) {
    let mut cluster = TestCluster::start_on(kind.ground().with_lease(SHORT), 3).await;
    open(&cluster.nodes[0], "a").await;
    open(&cluster.nodes[2], "c").await;
    cluster.nodes.remove(2).kill();
    cluster.wait_for_members(2).await;
    check_reachable(&cluster.nodes, "a", "n1").await;
    for node in &cluster.nodes {
        for number in 0..DEVICES {
            let answer = node.command(&format!("c{number}")).await;
            assert_eq!(answer.status, 404, "{answer:?}");
        }
    }
    until("entries have moved", async || {
        entries(&cluster.nodes).await == DEVICES as f64
    })
    .await;
    open(&cluster.nodes[1], "c").await;
    check_reachable(&cluster.nodes, "c", "n2").await;
}

async fn command_whose_owner_dies_ends_before_its_deadline(kind: TestBackplaneKind) {
    let mut cluster = TestCluster::start_on(kind.ground().with_lease(SHORT), 3).await;
    let mut devices = Vec::new();
    for number in 0..20 {
        devices.push(TestDevice::open(&cluster.nodes[2], &format!("c{number}")).await);
    }
    let victim = cluster.nodes.remove(2);
    let caller = &cluster.nodes[0];
    let commands = (0..20).map(|number| async move {
        let headers = [("x-highwater-timeout-ms", "60000")];
        let path = format!("/devices/c{number}/commands");
        caller
            .post_with(&path, &headers, json!({"name": "x"}))
            .await
    });
    // The HTTP client's timeout is a third of the deadline.
    let (answers, ()) = tokio::join!(futures_util::future::join_all(commands), async {
        for device in &mut devices {
            device.frame().await;
        }
        victim.kill();
    });
    for answer in answers {
        // 404 when the end of the socket is known before the end of the node.
        assert!([504, 404].contains(&answer.status.as_u16()), "{answer:?}");
        assert_eq!(answer.header("x-highwater-owner"), "n3");
    }
}

async fn cluster_recovers_from_a_restarted_broker(kind: TestBackplaneKind) {
    let mut cluster = TestCluster::start_on(kind.own_ground(), 3).await;
    open(&cluster.nodes[0], "a").await;
    cluster.ground.kill().await;
    for node in &cluster.nodes {
        until("the loss is seen", async || {
            node.get("/readyz").await.status == 503
        })
        .await;
    }
    // A node's own devices do not need the broker.
    assert_eq!(cluster.nodes[0].command("a0").await.status, 200);
    cluster.ground.start_again().await;
    cluster.wait_for_members(3).await;
    for node in &cluster.nodes {
        until("the node is back", async || {
            node.get("/readyz").await.status == 200
        })
        .await;
    }
    until("entries are back", async || {
        entries(&cluster.nodes).await == DEVICES as f64
    })
    .await;
    check_reachable(&cluster.nodes, "a", "n1").await;
}

async fn node_started_before_its_broker_joins_later(kind: TestBackplaneKind) {
    let mut ground = kind.own_ground();
    ground.kill().await;
    let backplane = ground.config();
    let node = TestNode::start(NodeConfig {
        backplane: backplane.url,
        cluster: backplane.cluster,
        cluster_secret: backplane.secret,
        ..config("n1")
    });
    until("it says that it is not ready", async || {
        node.get("/readyz").await.status == 503
    })
    .await;
    assert_eq!(node.get("/healthz").await.status, 200);
    assert_eq!(node.command("d").await.status, 503);
    ground.start_again().await;
    until("it joins", async || node.get("/readyz").await.status == 200).await;
}
