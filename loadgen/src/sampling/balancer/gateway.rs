//! The gateway: its Prometheus text, node by node.

use std::io;

use highwater_reports::record::names::gauge;
use prometheus_parse::{Sample, Scrape, Value};

use super::node_gauge;
use crate::sampling::{
    Gauges,
    prometheus::{MetricMapping, map_gauges, mapping},
};

/// What it says of itself as a whole.
const METRIC_MAPPINGS: &[MetricMapping] = &[
    mapping(gauge::BALANCER_SOCKETS, "highwater_gateway_sockets"),
    mapping(gauge::BALANCER_PENDING, "highwater_gateway_pending"),
    mapping(gauge::HEAP, "highwater_heap_allocated_bytes"),
];

/// What it says of each node.
const NODE_METRICS: [(&str, &str); 2] = [
    ("highwater_gateway_active", gauge::BALANCER_SOCKETS_BY_NODE),
    ("highwater_gateway_node_up", gauge::BALANCER_NODE_UP),
];

/// Most nodes that are told apart.
const MAX_NODES: usize = 1_000;

/// The gauges in the text.
pub(super) fn gauges(text: &str) -> Gauges {
    let mut gauges = map_gauges(METRIC_MAPPINGS, text, None);
    for (metric, gauge) in NODE_METRICS {
        let samples = samples(text, metric).into_iter().take(MAX_NODES);
        let of_nodes = samples.filter_map(|sample| {
            let node = sample.labels.get("node")?;
            Some((node_gauge(gauge, node), number(&sample.value)?))
        });
        gauges.extend(of_nodes);
    }
    gauges
}

/// The samples of one metric; the text may show many others.
fn samples(text: &str, metric: &str) -> Vec<Sample> {
    let matters = |line: &&str| {
        let labels = line.strip_prefix(metric);
        labels.is_some_and(|rest| rest.starts_with('{'))
    };
    let lines = text.lines().filter(matters);
    let scrape = Scrape::parse(lines.map(|line| io::Result::Ok(line.to_owned())));
    scrape.map(|scrape| scrape.samples).unwrap_or_default()
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value) => {
            Some(*value).filter(|value| value.is_finite())
        }
        Value::Histogram(_) | Value::Summary(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_and_each_node_stand_apart() {
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
        assert_eq!(gauges(text), expected.into());
    }

    #[test]
    fn what_is_not_there_is_absent() {
        for text in ["", "<html>", "highwater_gateway_sockets NaN\n"] {
            assert!(gauges(text).is_empty(), "{text}");
        }
    }
}
