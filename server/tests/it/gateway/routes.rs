//! Routes that a gateway serves itself, and routes that it never forwards.

use bytes::Bytes;
use serde_json::json;

use super::rig::{TestGateway, config};
use crate::{
    ground::TestBackplaneKind,
    promtool,
    rig::{TestCluster, TestDevice, http_request, until},
};

const NAMES: &[&str] = &[
    "highwater_gateway_sockets",
    "highwater_gateway_active",
    "highwater_gateway_pending",
    "highwater_gateway_requests",
    "highwater_gateway_assigned_total",
    "highwater_gateway_node_sockets",
    "highwater_gateway_node_load",
    "highwater_gateway_node_up",
    "highwater_gateway_node_state",
    "highwater_gateway_requests_total",
    "highwater_gateway_upgrades_total",
    "highwater_gateway_retries_total",
    "highwater_backplane_messages_total",
    "highwater_backplane_bytes_total",
    "highwater_backplane_connected",
    "highwater_backplane_members",
    "highwater_backplane_reconnects_total",
    "highwater_backplane_rejected_total",
    "highwater_backplane_dropped_total",
    "highwater_backplane_evictions_total",
    "highwater_backplane_inboxes_deleted_total",
    "highwater_accept_errors_total",
    "highwater_connections_rejected_total",
    "highwater_tls_handshakes_failed_total",
    "highwater_tls_handshakes_rejected_total",
    "highwater_heap_allocated_bytes",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_max_fds",
    "process_cpu_seconds_total",
    "process_start_time_seconds",
];

#[tokio::test]
async fn every_name_is_there_with_help_and_type() {
    let cluster = TestCluster::start(2).await;
    let mut config = config("g1", &cluster.ground);
    config.heap_probe = Some(|| Some(4711));
    let gateway = TestGateway::in_front(config, 2).await;
    until("the nodes have reported", async || {
        let nodes = gateway.nodes().await;
        nodes.iter().all(|node| node["sockets"].is_u64())
    })
    .await;
    let text = gateway.get("/metrics").await.text();
    assert!(text.contains("highwater_gateway_node_up{node=\"n1\"} 1\n"));
    assert!(text.contains("highwater_gateway_node_state{node=\"n2\",state=\"up\"} 1\n"));
    promtool::check(&text, NAMES);
}

#[tokio::test]
async fn what_no_node_has_said_is_absent() {
    let gateway = TestGateway::start(config("g1", &TestBackplaneKind::Local.ground()));
    let text = gateway.get("/metrics").await.text();
    assert!(!text.contains("highwater_gateway_node"), "{text}");
    assert!(text.contains("highwater_gateway_sockets 0\n"), "{text}");
}

#[tokio::test]
async fn paths_of_operators_are_never_forwarded() {
    let cluster = TestCluster::start(1).await;
    let gateway = TestGateway::start_with_admin(config("g1", &cluster.ground));
    gateway.has_up(1).await;
    for path in [
        "/healthz", "/readyz", "/metrics", "/nodes", "/admin", "/admin/x",
    ] {
        let answer = gateway.get(path).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        assert_eq!(answer.header("x-highwater-node"), "", "{path}");
    }
    for path in [
        "/admin/drain",
        "/admin/load",
        "/admin/rebalance",
        "/admin/faults",
    ] {
        let answer = gateway.post(path, &[], json!({})).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
    }
    let admin = gateway.admin.unwrap();
    for path in ["/healthz", "/readyz", "/metrics", "/nodes"] {
        let answer = http_request(admin, "GET", path, &[], Bytes::new()).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
    let answer = http_request(admin, "GET", "/ws?device=d1", &[], Bytes::new()).await;
    assert_eq!(answer.status, 404, "operators' listener forwards nothing");
    // The node has heard nothing of it all.
    assert_eq!(cluster.nodes[0].get("/readyz").await.status, 200);
    TestDevice::open_at(gateway.address, "d1").await.unwrap();
}

#[tokio::test]
async fn beyond_its_room_a_client_is_told() {
    let cluster = TestCluster::start(1).await;
    let mut config = config("g1", &cluster.ground);
    config.limits.max_connections = Some(3);
    let gateway = TestGateway::start_with_admin(config);
    gateway.has_up(1).await;
    let mut devices = Vec::new();
    // The connection of the one before may still have its place for a moment.
    until("three are open", async || {
        let id = format!("d{}", devices.len());
        devices.extend(TestDevice::open_at(gateway.address, &id).await);
        devices.len() == 3
    })
    .await;
    let answer = gateway.get("/devices/d0").await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("no room"), "{answer:?}");
    devices.pop();
    until("there is room again", async || {
        gateway.get("/devices/d0").await.status == 200
    })
    .await;
}
