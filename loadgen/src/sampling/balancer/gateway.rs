//! The gateway: its Prometheus text, node by node.

use std::io;

use highwater_reports::record::names::gauge;
use prometheus_parse::{Sample, Scrape, Value};

use super::{add_sockets, of_node};
use crate::sampling::Gauges;

/// Sockets that are open through the gateway, by node.
const ESTABLISHED: &str = "highwater_gateway_established";
/// Sockets that were given to a node and are not open yet, by node.
const HANDSHAKING: &str = "highwater_gateway_handshaking";
/// 1 while a node is given new sockets, else 0.
const NODE_UP: &str = "highwater_gateway_node_up";

/// Names that matter: the text may show many others.
const NAMES: [&str; 3] = [ESTABLISHED, HANDSHAKING, NODE_UP];

/// Far above what is counted, far below where a sum would be no number.
const MOST: f64 = 1e15;

/// The gauges in the text.
pub(super) fn gauges(text: &str) -> Gauges {
    let mut gauges = Gauges::new();
    for sample in samples(text) {
        let (Some(node), Some(value)) = (sample.labels.get("node"), number(&sample.value)) else {
            continue;
        };
        match &sample.metric[..] {
            ESTABLISHED => add_sockets(&mut gauges, node, value),
            HANDSHAKING => {
                let handshaking = gauges.entry(gauge::BALANCER_HANDSHAKING.into());
                *handshaking.or_default() += value;
            }
            NODE_UP => {
                gauges.insert(of_node(gauge::BALANCER_NODE_UP, node), value);
            }
            _ => {}
        }
    }
    gauges
}

fn samples(text: &str) -> Vec<Sample> {
    let matters = |line: &&str| {
        let end = line.find(['{', ' ']).unwrap_or(line.len());
        NAMES.contains(&&line[..end])
    };
    let lines = text.lines().filter(matters);
    let scrape = Scrape::parse(lines.map(|line| io::Result::Ok(line.to_owned())));
    scrape.map(|scrape| scrape.samples).unwrap_or_default()
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value) => {
            Some(*value).filter(|value| (0.0..=MOST).contains(value))
        }
        Value::Histogram(_) | Value::Summary(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_add_up_and_nodes_stand_apart() {
        let text = format!(
            "# TYPE {ESTABLISHED} gauge\n\
             {ESTABLISHED}{{node=\"n1\"}} 40\n\
             {ESTABLISHED}{{node=\"n2\"}} 2\n\
             {HANDSHAKING}{{node=\"n1\"}} 1\n\
             {HANDSHAKING}{{node=\"n2\"}} 3\n\
             {NODE_UP}{{node=\"n1\"}} 1\n\
             {NODE_UP}{{node=\"n2\"}} 0\n\
             process_open_fds 90\n"
        );
        let expected = [
            (gauge::BALANCER_SOCKETS.to_owned(), 42.0),
            (gauge::BALANCER_HANDSHAKING.to_owned(), 4.0),
            (of_node(gauge::BALANCER_SOCKETS_BY_NODE, "n1"), 40.0),
            (of_node(gauge::BALANCER_SOCKETS_BY_NODE, "n2"), 2.0),
            (of_node(gauge::BALANCER_NODE_UP, "n1"), 1.0),
            (of_node(gauge::BALANCER_NODE_UP, "n2"), 0.0),
        ];
        assert_eq!(gauges(&text), expected.into());
    }

    #[test]
    fn what_is_not_there_is_absent() {
        for text in ["", "<html>", "highwater_gateway_established NaN\n"] {
            assert!(gauges(text).is_empty(), "{text}");
        }
    }
}
