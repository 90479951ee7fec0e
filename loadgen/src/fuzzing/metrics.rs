//! Metrics of nodes, brokers and balancers.

use crate::sampling::{balancer, broker, prometheus};

/// Checks that all metrics of a node are finite.
pub fn prometheus_text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for sockets_metric in [None, Some("sessions")] {
        let gauges = prometheus::gauges(&text, sockets_metric);
        assert!(gauges.values().all(|value| value.is_finite()), "{gauges:?}");
    }
}

/// Checks that all metrics of a broker are finite.
pub fn broker_metrics(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for gauges in broker::read_as_each_kind(&text) {
        assert!(gauges.values().all(|value| value.is_finite()), "{gauges:?}");
    }
}

/// Checks that all metrics of a balancer are finite.
pub fn balancer_metrics(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for gauges in balancer::read_as_each_kind(&text) {
        assert!(gauges.values().all(|value| value.is_finite()), "{gauges:?}");
    }
}
