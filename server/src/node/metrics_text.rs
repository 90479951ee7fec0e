//! The text of a node's metrics.

use prometheus::Registry;

use super::Node;
use crate::{
    backplane,
    metric::{self, collect_process, register_gauge},
};

/// Returns the node's metrics in the Prometheus text format.
pub(crate) fn metrics_text(node: &Node) -> String {
    // Values that are known elsewhere are read now, into a registry of this request.
    let collected = Registry::new();
    collect_cluster(node, &collected);
    collect_sessions(node, &collected);
    let heap = node.heap_probe.and_then(|probe| probe());
    collect_process(heap, &collected);
    let mut families = node.metrics.registry.gather();
    families.extend(collected.gather());
    metric::encode_text(&families)
}

fn collect_sessions(node: &Node, registry: &Registry) {
    register_gauge(
        registry,
        "highwater_write_queue_bytes",
        "Bytes that wait to be written to devices.",
        Some(node.sessions.write_budget.used() as f64),
    );
    register_gauge(
        registry,
        "highwater_partial_message_bytes",
        "Bytes of messages from devices that are not complete.",
        Some(node.sessions.partial_budget.used() as f64),
    );
    register_gauge(
        registry,
        "highwater_telemetry_in_flight",
        "Telemetry records of devices that have no answer yet.",
        Some(node.intake.in_flight() as f64),
    );
}

fn collect_cluster(node: &Node, registry: &Registry) {
    let entries = node.cluster.directory().len();
    register_gauge(
        registry,
        "highwater_directory_entries",
        "Owner directory entries stored by this node.",
        Some(entries as f64),
    );
    backplane::collect_metrics(&*node.cluster.backplane, registry);
}
