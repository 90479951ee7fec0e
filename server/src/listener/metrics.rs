//! What is counted at a door.

use std::time::Duration;

use prometheus::{IntCounter, IntCounterVec, Registry};

use crate::{
    admission::Closed,
    metric::{add, counter, counters},
};

/// Of every listener. Clones count together.
#[derive(Debug, Clone)]
pub(crate) struct DoorMetrics {
    pub(super) accept_errors: IntCounter,
    pub(super) turned_away: IntCounter,
}

/// Of a listener that speaks TLS. Clones count together.
#[derive(Clone)]
pub(crate) struct HandshakeMetrics {
    pub(super) failed: IntCounter,
    turned_away: IntCounterVec,
}

impl Default for DoorMetrics {
    fn default() -> Self {
        Self {
            accept_errors: counter(
                "highwater_accept_errors_total",
                "Connections the operating system could not hand over.",
            ),
            turned_away: counter(
                "highwater_connections_turned_away_total",
                "Connections beyond what the open files leave room for.",
            ),
        }
    }
}

impl DoorMetrics {
    pub(crate) fn register(&self, registry: &Registry) {
        add(registry, &self.accept_errors);
        add(registry, &self.turned_away);
    }
}

impl Default for HandshakeMetrics {
    fn default() -> Self {
        let turned_away = counters(
            "highwater_tls_handshakes_turned_away_total",
            "Connections closed before their TLS handshake, by reason: too many at once, or too many a second.",
            "reason",
        );
        // A rate needs a first value.
        for closed in [Closed::Full, Closed::TooFast(Duration::ZERO)] {
            turned_away.with_label_values(&[label(closed)]);
        }
        Self {
            failed: counter(
                "highwater_tls_handshakes_failed_total",
                "TLS handshakes that failed or took too long.",
            ),
            turned_away,
        }
    }
}

impl HandshakeMetrics {
    pub(crate) fn register(&self, registry: &Registry) {
        add(registry, &self.failed);
        add(registry, &self.turned_away);
    }

    pub(super) fn turned_away(&self, closed: Closed) {
        self.turned_away.with_label_values(&[label(closed)]).inc();
    }
}

fn label(closed: Closed) -> &'static str {
    match closed {
        Closed::Full => "at-once",
        Closed::TooFast(_) => "rate",
    }
}
