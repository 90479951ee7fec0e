//! The metrics of a relay.

use prometheus::{IntCounter, IntGauge, Registry};

use crate::metric::{counter, gauge, register_metric};

/// The gauges and counters of a node's relay.
pub(crate) struct RelayMetrics {
    pub(super) available: IntGauge,
    pub(super) lost: IntCounter,
    pub(super) sessions: IntGauge,
    pub(super) failed: IntCounter,
    pub(crate) from_clients: IntCounter,
    pub(crate) to_clients: IntCounter,
}

impl RelayMetrics {
    pub(super) fn new() -> Self {
        Self {
            available: gauge(
                "highwater_stomp_broker_available",
                "Whether the system connection to the STOMP broker is open.",
            ),
            lost: counter(
                "highwater_stomp_broker_lost_total",
                "System connections to the STOMP broker that ended.",
            ),
            sessions: gauge(
                "highwater_stomp_relayed_sessions",
                "STOMP sessions with a connection to the broker.",
            ),
            failed: counter(
                "highwater_stomp_relay_failures_total",
                "Sessions for which no connection to the broker opened, or that lost it.",
            ),
            from_clients: counter(
                "highwater_stomp_relayed_frames_from_clients_total",
                "Frames passed from clients to the broker.",
            ),
            to_clients: counter(
                "highwater_stomp_relayed_frames_to_clients_total",
                "Frames passed from the broker to clients.",
            ),
        }
    }

    pub(crate) fn register(&self, registry: &Registry) {
        register_metric(registry, &self.available);
        register_metric(registry, &self.lost);
        register_metric(registry, &self.sessions);
        register_metric(registry, &self.failed);
        register_metric(registry, &self.from_clients);
        register_metric(registry, &self.to_clients);
    }
}
