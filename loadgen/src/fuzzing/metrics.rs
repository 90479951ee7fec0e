//! Fuzz targets of the texts in which processes report about themselves.

use highwater_types::BrokerKind;

use crate::{
    broker,
    sampling::{Gauges, known_metrics},
    testbed::balancer,
};

/// Checks that the gauges in a node's text are finite.
pub fn prometheus_text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for sockets_metric in [None, Some("sessions")] {
        check_finite(Some(known_metrics::gauges(&text, sockets_metric).gauges));
    }
}

/// Checks that the gauges in the text of each kind of broker are finite.
pub fn broker_metrics(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for kind in BrokerKind::ALL {
        check_finite(broker::driver(kind).parse_gauges(&text));
    }
}

/// Checks that the gauges in the text of each kind of balancer are finite.
pub fn balancer_metrics(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for driver in &balancer::DRIVERS {
        check_finite((driver.parse_gauges)(&text));
    }
}

fn check_finite(gauges: Option<Gauges>) {
    let gauges = gauges.unwrap_or_default();
    assert!(gauges.values().all(|value| value.is_finite()), "{gauges:?}");
}
