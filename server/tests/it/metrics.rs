//! The metrics of a node.

use crate::{
    promtool,
    rig::{TestDevice, TestNode, config},
};

const NAMES: &[&str] = &[
    "highwater_sockets",
    "highwater_sockets_accepted_total",
    "highwater_sockets_closed_total",
    "highwater_heartbeats_total",
    "highwater_commands_total",
    "highwater_commands_in_flight",
    "highwater_messages_published_total",
    "highwater_messages_rejected_total",
    "highwater_messages_delivered_total",
    "highwater_messages_dropped_total",
    "highwater_pongs_total",
    "highwater_heap_allocated_bytes",
    "highwater_log_lines_dropped_total",
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
    "highwater_directory_entries",
    "highwater_unregistered_sockets",
    "highwater_accept_errors_total",
    "highwater_connections_rejected_total",
    "highwater_connections",
    "highwater_connections_limit",
    "highwater_tls_handshakes_failed_total",
    "highwater_tls_handshakes_rejected_total",
    "highwater_upgrades_rejected_total",
    "highwater_auth_rejected_total",
    "highwater_partial_message_bytes",
    "highwater_write_queue_bytes",
    "highwater_telemetry_total",
    "highwater_telemetry_in_flight",
    #[cfg(feature = "stomp")]
    "highwater_queue_bytes",
    #[cfg(feature = "stomp")]
    "highwater_queue_messages",
    #[cfg(feature = "stomp")]
    "highwater_queue_messages_accepted_total",
    #[cfg(feature = "stomp")]
    "highwater_queue_messages_acked_total",
    #[cfg(feature = "stomp")]
    "highwater_queue_messages_dropped_total",
    #[cfg(feature = "stomp")]
    "highwater_queue_messages_redelivered_total",
    #[cfg(feature = "stomp")]
    "highwater_queue_messages_rejected_total",
    #[cfg(feature = "stomp")]
    "highwater_stomp_broker_available",
    #[cfg(feature = "stomp")]
    "highwater_stomp_broker_lost_total",
    #[cfg(feature = "stomp")]
    "highwater_stomp_errors_total",
    #[cfg(feature = "stomp")]
    "highwater_stomp_frames_total",
    #[cfg(feature = "stomp")]
    "highwater_stomp_relay_failures_total",
    #[cfg(feature = "stomp")]
    "highwater_stomp_relayed_frames_from_clients_total",
    #[cfg(feature = "stomp")]
    "highwater_stomp_relayed_frames_to_clients_total",
    #[cfg(feature = "stomp")]
    "highwater_stomp_relayed_sessions",
    #[cfg(feature = "stomp")]
    "highwater_stomp_sessions",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_max_fds",
    "process_cpu_seconds_total",
    "process_start_time_seconds",
];

#[tokio::test]
async fn every_metric_has_help_and_type() {
    let mut config = config("n1");
    config.heap_probe = Some(|| Some(4711));
    config.dropped_log_lines = Some(|| 12);
    // A relay has metrics of its own, also while its broker cannot be reached.
    #[cfg(feature = "stomp")]
    {
        let closed = highwater_services::pick_free_port().unwrap();
        config.stomp_relay = Some(format!("stomp://127.0.0.1:{closed}").parse().unwrap());
    }
    let node = TestNode::start(config);
    let text = node.get("/metrics").await.text();
    assert!(text.contains("highwater_heap_allocated_bytes 4711\n"));
    assert!(text.contains("highwater_log_lines_dropped_total 12\n"));
    promtool::check(&text, NAMES);
}

#[tokio::test]
async fn unmeasured_metric_is_absent() {
    let mut config = config("n1");
    config.heap_probe = Some(|| None);
    let node = TestNode::start(config);
    assert!(!node.get("/metrics").await.text().contains("heap"));
}

#[tokio::test]
async fn each_socket_is_one_open_file() {
    let node = TestNode::standalone();
    let before = node.metric("process_open_fds").await;
    let mut devices = Vec::new();
    for number in 0..50 {
        devices.push(TestDevice::open(&node, &format!("d{number}")).await);
    }
    let after = node.metric("process_open_fds").await;
    // Both ends are in this process, and other tests run beside it.
    assert!(after - before >= 50.0, "{before} -> {after}");
    assert!(node.metric("process_resident_memory_bytes").await > 1e6);
    assert!(node.metric("process_max_fds").await >= after);
}
