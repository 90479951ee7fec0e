//! The page of `GET /metrics`: the counters, and gauges that are read at each scrape.

use std::collections::BTreeMap;

use prometheus::{GaugeVec, IntGaugeVec, Opts, Registry};

use super::{backend_load::LoadSnapshot, backend_set::BackendStatus, state::GatewayState};
use crate::{
    backplane::collect_metrics,
    id::NodeId,
    metric::{self, collect_process, counter_vec, expect_valid, register_gauge, register_metric},
};

/// Returns the gateway's metrics in the Prometheus text format.
pub(super) fn encode(gateway: &GatewayState) -> String {
    let collected = Registry::new();
    register_gauge(
        &collected,
        "highwater_gateway_sockets",
        "Open sockets that this gateway forwards.",
        Some(gateway.tunnels.count() as f64),
    );
    register_gauge(
        &collected,
        "highwater_gateway_idle_connections",
        "Connections to nodes that wait for their next request.",
        Some(gateway.idle_connections.open() as f64),
    );
    register_gauge(
        &collected,
        "highwater_gateway_idle_connections_limit",
        "Most connections to nodes that may wait for their next request.",
        gateway.idle_connections.max().map(|max| max as f64),
    );
    collect_loads(&gateway.backends.loads_by_node(), &collected);
    collect_nodes(&gateway.backends.statuses(), &collected);
    gateway.connections.collect(&collected);
    collect_metrics(&*gateway.backplane, &collected);
    let heap = gateway.config.heap_probe.and_then(|probe| probe());
    let dropped = gateway.config.dropped_log_lines.map(|probe| probe());
    collect_process(heap, dropped, &collected);
    let mut families = gateway.metrics.gather();
    families.extend(collected.gather());
    metric::encode_text(&families)
}

/// Exports this gateway's load on each node. A node that left with open sockets is included.
fn collect_loads(counts: &BTreeMap<NodeId, LoadSnapshot>, registry: &Registry) {
    let by_node = |name, help, count: fn(&LoadSnapshot) -> u64| {
        let samples = counts.iter().map(|(id, counts)| (id, count(counts) as f64));
        register_node_gauge(registry, name, help, samples);
    };
    by_node(
        "highwater_gateway_active",
        "Open sockets that this gateway forwards to the node.",
        |counts| counts.active,
    );
    by_node(
        "highwater_gateway_pending",
        "Sockets on their way to the node.",
        |counts| counts.pending,
    );
    by_node(
        "highwater_gateway_requests",
        "Requests under way at the node.",
        |counts| counts.requests,
    );
}

/// Exports the state of each node in the view.
fn collect_nodes(nodes: &[BackendStatus], registry: &Registry) {
    let by_node = |name, help, value: fn(&BackendStatus) -> Option<f64>| {
        let samples = nodes
            .iter()
            .filter_map(|node| Some((&node.id, value(node)?)));
        register_node_gauge(registry, name, help, samples);
    };
    by_node(
        "highwater_gateway_node_sockets",
        "Sockets that the node said last that it has, through whichever gateway.",
        |node| node.reported_sockets.map(|sockets| sockets as f64),
    );
    by_node(
        "highwater_gateway_node_load",
        "What the policy goes by.",
        |node| node.load,
    );
    by_node(
        "highwater_gateway_node_up",
        "Whether the node is given new sockets: 0 or 1.",
        |node| Some(f64::from(u8::from(node.accepts_sockets))),
    );
    if nodes.is_empty() {
        return;
    }
    let assigned = counter_vec(
        "highwater_gateway_assigned_total",
        "Sockets ever assigned to the node.",
        "node",
    );
    let states = expect_valid(IntGaugeVec::new(
        Opts::new(
            "highwater_gateway_node_state",
            "1 for the state that the node is in: joining, up, not_ready, draining or down.",
        ),
        &["node", "state"],
    ));
    for node in nodes {
        let id = node.id.as_str();
        assigned.with_label_values(&[id]).inc_by(node.assigned);
        states.with_label_values(&[id, node.state]).set(1);
    }
    register_metric(registry, &assigned);
    register_metric(registry, &states);
}

/// Registers a gauge with a sample for each node, unless there are no samples.
fn register_node_gauge<'n>(
    registry: &Registry,
    name: &str,
    help: &str,
    samples: impl Iterator<Item = (&'n NodeId, f64)>,
) {
    let gauges = expect_valid(GaugeVec::new(Opts::new(name, help), &["node"]));
    let mut has_samples = false;
    for (id, value) in samples {
        gauges.with_label_values(&[id.as_str()]).set(value);
        has_samples = true;
    }
    if has_samples {
        register_metric(registry, &gauges);
    }
}
