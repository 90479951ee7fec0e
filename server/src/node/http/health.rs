//! `GET /healthz`, `/readyz` and `/metrics`.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use prometheus::Registry;

use crate::{
    api::{ApiError, metrics_response},
    backplane,
    metric::{collect_process, encode_text, register_gauge},
    node::{Node, NodePhase},
};

/// Answers as long as the process runs.
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// Answers 200 while the node accepts new sockets, is connected and has all its tasks.
pub(super) async fn ready(State(node): State<Arc<Node>>) -> Result<&'static str, ApiError> {
    if let Some(ended) = node.task_health.ended() {
        return Err(ApiError::unavailable(ended.to_string(), "use another node"));
    }
    if node.phase() != NodePhase::Serving {
        return Err(ApiError::unavailable(
            "this node is leaving",
            "use another node",
        ));
    }
    if !node.cluster.is_connected() {
        let unregistered = node.cluster.unregistered.len();
        let max = node.sessions.limits.max_unregistered;
        let reason = format!(
            "this node is not connected to the backplane; \
             it serves {unregistered} of at most {max} devices that no other node finds"
        );
        return Err(ApiError::unavailable(reason, "use another node"));
    }
    #[cfg(feature = "stomp")]
    if node
        .stomp_relay
        .as_ref()
        .is_some_and(|relay| !relay.is_available())
    {
        return Err(ApiError::unavailable(
            "the STOMP broker cannot be reached",
            "use another node",
        ));
    }
    Ok("ready\n")
}

/// Returns the metrics of the node and its process.
pub(super) async fn metrics(State(node): State<Arc<Node>>) -> Response {
    // Values that are known elsewhere are read now, into a registry of this request.
    let collected = Registry::new();
    let sessions = &node.sessions;
    for (name, help, value) in [
        (
            "highwater_write_queue_bytes",
            "Bytes that wait to be written to devices.",
            sessions.write_budget.used(),
        ),
        (
            "highwater_partial_message_bytes",
            "Bytes of messages from devices that are not complete.",
            sessions.partial_budget.used(),
        ),
        (
            "highwater_telemetry_in_flight",
            "Telemetry records of devices that have no answer yet.",
            node.intake.in_flight(),
        ),
        (
            "highwater_directory_entries",
            "Owner directory entries stored by this node.",
            node.cluster.directory.lock().len(),
        ),
        (
            "highwater_unregistered_sockets",
            "Device sockets that are not in the owner directory yet, because the node had \
             no backplane when they opened.",
            node.cluster.unregistered.len(),
        ),
    ] {
        register_gauge(&collected, name, help, Some(value as f64));
    }
    #[cfg(feature = "stomp")]
    collect_queues(&node, &collected);
    node.connections.collect(&collected);
    backplane::collect_metrics(&*node.cluster.backplane, &collected);
    collect_process(node.heap_bytes(), node.dropped_log_lines(), &collected);
    let mut families = node.metrics.registry.gather();
    families.extend(collected.gather());
    metrics_response(encode_text(&families))
}

#[cfg(feature = "stomp")]
fn collect_queues(node: &Node, collected: &Registry) {
    let (messages, bytes) = node.cluster.queues.stored();
    for (name, help, value) in [
        (
            "highwater_queue_messages",
            "Messages that wait in the queues stored by this node.",
            messages,
        ),
        (
            "highwater_queue_bytes",
            "Bytes of messages in these queues, unacknowledged ones included.",
            bytes,
        ),
    ] {
        register_gauge(collected, name, help, Some(value as f64));
    }
}
