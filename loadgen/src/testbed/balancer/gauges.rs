//! Names of gauges for each node.

use highwater_reports::record::names::gauge;

use crate::sampling::Gauges;

/// Returns the name of a gauge for `node`.
pub(super) fn node_gauge(gauge: &str, node: &str) -> String {
    format!("{gauge}.{node}")
}

/// Adds sockets to the count of a node and to the count of all nodes.
pub(super) fn add_sockets(gauges: &mut Gauges, node: &str, sockets: f64) {
    let by_node = node_gauge(gauge::BALANCER_SOCKETS_BY_NODE, node);
    *gauges.entry(by_node).or_default() += sockets;
    *gauges.entry(gauge::BALANCER_SOCKETS.into()).or_default() += sockets;
}
