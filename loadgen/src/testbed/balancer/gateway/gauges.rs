//! The gauges in a gateway's Prometheus text.

use highwater_reports::record::names::gauge;

use crate::{
    sampling::{
        Gauges, MetricsEndpoint, exposition,
        prometheus::{MetricMapping, map_gauges, mapping},
    },
    testbed::balancer::gauges::node_gauge,
};

/// The metrics of the gateway as a whole.
const METRIC_MAPPINGS: &[MetricMapping] = &[
    mapping(gauge::BALANCER_SOCKETS, "highwater_gateway_sockets"),
    mapping(gauge::BALANCER_PENDING, "highwater_gateway_pending"),
    mapping(gauge::HEAP, "highwater_heap_allocated_bytes"),
];

/// The metrics of each node.
const NODE_METRICS: [(&str, &str); 2] = [
    ("highwater_gateway_active", gauge::BALANCER_SOCKETS_BY_NODE),
    ("highwater_gateway_node_up", gauge::BALANCER_NODE_UP),
];

/// The most nodes that are recorded. The text comes over the network, and each name in it
/// would be a gauge in every sample of the run.
const MAX_NODES: usize = 1_000;

/// Reads the gauges in the text.
pub(super) fn parse(text: &str) -> Gauges {
    let mut gauges = map_gauges(METRIC_MAPPINGS, text, &MetricsEndpoint::default()).gauges;
    for (metric, gauge) in NODE_METRICS {
        let samples = exposition::parse(text, |name| name == metric).samples;
        let by_node = samples.iter().take(MAX_NODES).filter_map(|sample| {
            let node = sample.label("node")?;
            Some((node_gauge(gauge, node), sample.finite_value()?))
        });
        gauges.extend(by_node);
    }
    gauges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_in_total_and_by_node() {
        let text = "# TYPE highwater_gateway_sockets gauge\n\
                    highwater_gateway_sockets 42\n\
                    highwater_gateway_pending{node=\"n1\"} 1\n\
                    highwater_gateway_pending{node=\"n2\"} 3\n\
                    highwater_gateway_active{node=\"n1\"} 40\n\
                    highwater_gateway_active{node=\"n2\"} 2\n\
                    highwater_gateway_node_up{node=\"n1\"} 1\n\
                    highwater_gateway_node_up{node=\"n2\"} 0\n\
                    highwater_heap_allocated_bytes 123456\n\
                    process_open_fds 90\n";
        let expected = [
            (gauge::BALANCER_SOCKETS.to_owned(), 42.0),
            (gauge::BALANCER_PENDING.to_owned(), 4.0),
            (gauge::HEAP.to_owned(), 123_456.0),
            (node_gauge(gauge::BALANCER_SOCKETS_BY_NODE, "n1"), 40.0),
            (node_gauge(gauge::BALANCER_SOCKETS_BY_NODE, "n2"), 2.0),
            (node_gauge(gauge::BALANCER_NODE_UP, "n1"), 1.0),
            (node_gauge(gauge::BALANCER_NODE_UP, "n2"), 0.0),
        ];
        assert_eq!(parse(text), expected.into());
    }

    #[test]
    fn missing_metric_is_absent() {
        for text in ["", "<html>", "highwater_gateway_sockets NaN\n"] {
            assert!(parse(text).is_empty(), "{text}");
        }
    }
}
