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
    "highwater_gateway_idle_connections",
    "highwater_gateway_idle_connections_limit",
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
    "highwater_backplane_tables_rejected_total",
    "highwater_backplane_inboxes_deleted_total",
    "highwater_accept_errors_total",
    "highwater_connections_rejected_total",
    "highwater_connections",
    "highwater_connections_limit",
    "highwater_tls_handshakes_failed_total",
    "highwater_tls_handshakes_rejected_total",
    "highwater_heap_allocated_bytes",
    "highwater_log_lines_dropped_total",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_max_fds",
    "process_cpu_seconds_total",
    "process_start_time_seconds",
];

#[tokio::test]
async fn every_metric_has_help_and_type() {
    let cluster = TestCluster::start(2).await;
    let mut config = config("g1", &cluster.ground);
    config.heap_probe = Some(|| Some(4711));
    config.dropped_log_lines = Some(|| 12);
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
async fn metrics_of_unknown_nodes_are_absent() {
    let gateway = TestGateway::start(config("g1", &TestBackplaneKind::Local.ground()));
    let text = gateway.get("/metrics").await.text();
    assert!(!text.contains("highwater_gateway_node"), "{text}");
    assert!(text.contains("highwater_gateway_sockets 0\n"), "{text}");
}

#[tokio::test]
async fn admin_paths_are_never_forwarded() {
    let cluster = TestCluster::start(1).await;
    let gateway = TestGateway::start_with_admin(config("g1", &cluster.ground));
    gateway.has_up(1).await;
    for path in [
        "/healthz", "/readyz", "/metrics", "/nodes", "/admin", "/admin/x",
    ] {
        let response = gateway.get(path).await;
        assert_eq!(response.status, 404, "{path}: {response:?}");
        assert_eq!(response.header("x-highwater-node"), "", "{path}");
    }
    for path in [
        "/admin/drain",
        "/admin/load",
        "/admin/rebalance",
        "/admin/faults",
    ] {
        let response = gateway.post(path, &[], json!({})).await;
        assert_eq!(response.status, 404, "{path}: {response:?}");
    }
    let admin = gateway.admin.unwrap();
    for path in ["/healthz", "/readyz", "/metrics", "/nodes"] {
        let response = http_request(admin, "GET", path, &[], Bytes::new()).await;
        assert_eq!(response.status, 200, "{path}: {response:?}");
    }
    let response = http_request(admin, "GET", "/ws?device=d1", &[], Bytes::new()).await;
    assert_eq!(response.status, 404, "the admin listener forwards nothing");
    // No request reached the node: it is not draining.
    assert_eq!(cluster.nodes[0].get("/readyz").await.status, 200);
    TestDevice::open_at(gateway.address, "d1").await.unwrap();
}

#[tokio::test]
async fn client_above_the_connection_limit_gets_503() {
    let cluster = TestCluster::start(1).await;
    let mut config = config("g1", &cluster.ground);
    config.limits.max_connections = Some(3);
    let gateway = TestGateway::start_with_admin(config);
    gateway.has_up(1).await;
    let mut devices = Vec::new();
    // The connection of the request before may still be counted for a moment.
    until("three are open", async || {
        let id = format!("d{}", devices.len());
        devices.extend(TestDevice::open_at(gateway.address, &id).await);
        devices.len() == 3
    })
    .await;
    let response = gateway.get("/devices/d0").await;
    assert_eq!(response.status, 503);
    assert!(response.text().contains("no room"), "{response:?}");
    devices.pop();
    until("the closed socket is not counted", async || {
        gateway.get("/devices/d0").await.status == 200
    })
    .await;
}
