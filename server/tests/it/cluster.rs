//! Commands across nodes.

use highwater_server::Routing;
use serde_json::json;

use crate::{
    ground::{TestBackplaneKind, on_every_backplane},
    rig::{TEST_TIMEOUT, TestCluster, TestDevice, until},
};

on_every_backplane!(
    every_node_reaches_every_device_by_the_directory,
    every_node_reaches_every_device_by_broadcast,
    newest_connection_replaces_older_ones_on_other_nodes,
    command_to_a_device_replaced_on_another_node_is_409,
    device_that_moved_is_reached_while_its_old_socket_closes,
    silent_device_of_another_node_is_504,
    disconnected_device_has_no_owner,
);

/// Enough devices that every combination of caller, slot owner and device owner occurs.
const DEVICES: usize = 60;

async fn check_every_pair(cluster: &TestCluster) {
    for number in 0..DEVICES {
        let node = &cluster.nodes[number % cluster.nodes.len()];
        TestDevice::open(node, &format!("d{number}"))
            .await
            .reply_to_all();
    }
    for number in 0..DEVICES {
        let owner = format!("n{}", number % cluster.nodes.len() + 1);
        for node in &cluster.nodes {
            let answer = node.command(&format!("d{number}")).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(answer.header("x-highwater-owner"), owner);
            assert_eq!(answer.json()["owner"], json!(owner));
            assert_eq!(answer.json()["body"], json!([1]));
        }
    }
    for node in &cluster.nodes {
        for number in DEVICES..2 * DEVICES {
            assert_eq!(node.command(&format!("d{number}")).await.status, 404);
        }
    }
}

async fn every_node_reaches_every_device_by_the_directory(kind: TestBackplaneKind) {
    let cluster = TestCluster::start_on(kind.ground(), 3).await;
    check_every_pair(&cluster).await;
    let mut entries = 0.0;
    for node in &cluster.nodes {
        entries += node.metric("highwater_directory_entries").await;
    }
    assert_eq!(
        entries, DEVICES as f64,
        "one entry for each device in the whole cluster"
    );
}

async fn every_node_reaches_every_device_by_broadcast(kind: TestBackplaneKind) {
    let cluster = TestCluster::start_with(kind.ground(), 3, |config| {
        config.routing = Routing::Broadcast;
    })
    .await;
    check_every_pair(&cluster).await;
}

async fn newest_connection_replaces_older_ones_on_other_nodes(kind: TestBackplaneKind) {
    let cluster = TestCluster::start_on(kind.ground(), 3).await;
    let [a, b, c] = &cluster.nodes[..] else {
        unreachable!()
    };
    for number in 0..20 {
        let id = format!("d{number}");
        let mut older = TestDevice::open(a, &id).await;
        let mut newer = TestDevice::open(b, &id).await;
        assert_eq!(older.close_code().await, Some(4000));
        let (answer, ()) = tokio::join!(c.command(&id), newer.reply_to_next());
        assert_eq!(answer.header("x-highwater-owner"), "n2");
        assert_eq!(c.owner(&id).await.as_deref(), Some("n2"));
    }
}

async fn command_to_a_device_replaced_on_another_node_is_409(kind: TestBackplaneKind) {
    let cluster = TestCluster::start_on(kind.ground(), 3).await;
    let [a, b, c] = &cluster.nodes[..] else {
        unreachable!()
    };
    for number in 0..10 {
        let id = format!("d{number}");
        let mut older = TestDevice::open(a, &id).await;
        let (answer, _newer) = tokio::join!(c.command(&id), async {
            older.frame().await;
            TestDevice::open(b, &id).await
        });
        assert_eq!(answer.status, 409, "{answer:?}");
        assert_eq!(answer.header("x-highwater-owner"), "n1");
    }
}

async fn device_that_moved_is_reached_while_its_old_socket_closes(kind: TestBackplaneKind) {
    for routing in [Routing::Directory, Routing::Broadcast] {
        let cluster = TestCluster::start_with(kind.ground(), 3, |config| {
            config.routing = routing;
            // Longer than the test: the old sockets stay in their tables.
            config.limits.close_timeout = 2 * TEST_TIMEOUT;
        })
        .await;
        let [a, b, _] = &cluster.nodes[..] else {
            unreachable!()
        };
        let mut dead = Vec::new();
        for number in 0..10 {
            let id = format!("d{number}");
            // Its network is gone: it never answers the close frame.
            dead.push(TestDevice::open(a, &id).await);
            TestDevice::open(b, &id).await.reply_to_all();
            until("the old node has the news", async || {
                a.owner(&id).await.as_deref() == Some("n2")
            })
            .await;
            for node in &cluster.nodes {
                let answer = node.command(&id).await;
                assert_eq!(answer.status, 200, "{routing:?}: {answer:?}");
                assert_eq!(answer.header("x-highwater-owner"), "n2");
            }
        }
        assert_eq!(a.metric("highwater_sockets").await, 10.0);
    }
}

async fn silent_device_of_another_node_is_504(kind: TestBackplaneKind) {
    let cluster = TestCluster::start_on(kind.ground(), 2).await;
    for number in 0..10 {
        let id = format!("d{number}");
        let _silent = TestDevice::open(&cluster.nodes[0], &id).await;
        let headers = [("x-highwater-timeout-ms", "100")];
        let path = format!("/devices/{id}/commands");
        let answer = cluster.nodes[1]
            .post_with(&path, &headers, json!({"name": "x"}))
            .await;
        assert_eq!(answer.status, 504);
    }
}

async fn disconnected_device_has_no_owner(kind: TestBackplaneKind) {
    let cluster = TestCluster::start_on(kind.ground(), 3).await;
    for number in 0..10 {
        let id = format!("d{number}");
        let device = TestDevice::open(&cluster.nodes[0], &id).await;
        assert_eq!(cluster.nodes[1].owner(&id).await.as_deref(), Some("n1"));
        drop(device);
        for node in &cluster.nodes {
            until("the entry is gone", async || {
                node.owner(&id).await.is_none()
            })
            .await;
        }
    }
}
