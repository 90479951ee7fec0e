//! Nodes that come, go and lose their broker, with devices connected.

use highwater_server::NodeConfig;
use serde_json::json;

use crate::{
    ground::{SHORT, TestBackplaneKind, on_every_backplane},
    rig::{TestCluster, TestDevice, TestNode, config, until},
};

on_every_backplane!(
    devices_stay_reachable_while_nodes_join,
    a_dead_node_takes_its_devices_with_it_and_nothing_else,
    a_command_whose_owner_dies_ends_before_its_deadline,
    a_restarted_broker_finds_the_cluster_again,
    a_node_may_start_before_its_broker,
);

const DEVICES: usize = 60;

async fn open(node: &TestNode, prefix: &str) {
    for number in 0..DEVICES {
        TestDevice::open(node, &format!("{prefix}{number}"))
            .await
            .reply_to_all();
    }
}

/// Every node reaches every device, now.
async fn reachable(nodes: &[TestNode], prefix: &str, owner: &str) {
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
        // At once: while the directory moves, an unsure home makes callers flood.
        reachable(&cluster.nodes, "a", "n1").await;
    }
    cluster.wait_for_members(3).await;
    until("entries have moved", async || {
        entries(&cluster.nodes).await == DEVICES as f64
    })
    .await;
    reachable(&cluster.nodes, "a", "n1").await;
}

async fn a_dead_node_takes_its_devices_with_it_and_nothing_else(kind: TestBackplaneKind) {
    let mut cluster = TestCluster::start_on(kind.ground().with_lease(SHORT), 3).await;
    open(&cluster.nodes[0], "a").await;
    open(&cluster.nodes[2], "c").await;
    cluster.nodes.remove(2).kill();
    cluster.wait_for_members(2).await;
    reachable(&cluster.nodes, "a", "n1").await;
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
    reachable(&cluster.nodes, "c", "n2").await;
}

async fn a_command_whose_owner_dies_ends_before_its_deadline(kind: TestBackplaneKind) {
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
    // The rig's patience is a third of the deadline.
    let (answers, ()) = tokio::join!(futures_util::future::join_all(commands), async {
        for device in &mut devices {
            device.frame().await;
        }
        victim.kill();
    });
    for answer in answers {
        // 404 when the socket's end was told before the node's.
        assert!([504, 404].contains(&answer.status.as_u16()), "{answer:?}");
        assert_eq!(answer.header("x-highwater-owner"), "n3");
    }
}

async fn a_restarted_broker_finds_the_cluster_again(kind: TestBackplaneKind) {
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
    reachable(&cluster.nodes, "a", "n1").await;
}

async fn a_node_may_start_before_its_broker(kind: TestBackplaneKind) {
    let mut ground = kind.own_ground();
    ground.kill().await;
    let meeting = ground.config();
    let node = TestNode::start(NodeConfig {
        backplane: meeting.url,
        cluster: meeting.cluster,
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
