//! What processes tell of themselves.

use crate::sampling::{balancer, broker, prometheus};

/// A node's figures are finite.
pub fn prometheus_text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for sockets_metric in [None, Some("sessions")] {
        let gauges = prometheus::gauges(&text, sockets_metric);
        assert!(gauges.values().all(|value| value.is_finite()), "{gauges:?}");
    }
}

/// So are a broker's.
pub fn broker_metrics(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for gauges in broker::read_as_each_kind(&text) {
        assert!(gauges.values().all(|value| value.is_finite()), "{gauges:?}");
    }
}

/// So are a balancer's.
pub fn balancer_metrics(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for gauges in balancer::read_as_each_kind(&text) {
        assert!(gauges.values().all(|value| value.is_finite()), "{gauges:?}");
    }
}
