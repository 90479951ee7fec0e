//! What a node tells of itself.

use crate::sampling::prometheus::gauges;

/// A figure is finite, and what is asked for by name is found by that name alone.
pub fn prometheus_text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for sockets_metric in [None, Some("sessions")] {
        let gauges = gauges(&text, sockets_metric);
        assert!(gauges.values().all(|value| value.is_finite()), "{gauges:?}");
    }
}
