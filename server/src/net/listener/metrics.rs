//! The counters of listeners.

use std::time::Duration;

use prometheus::{IntCounter, IntCounterVec, Registry};

use crate::{
    metric::{counter, counter_vec, register_metric},
    net::admission::Rejected,
};

/// The label of a connection of a proxy without a valid PROXY header.
const INVALID_PROXY_HEADER: &str = "proxy_header";

/// Counters of every listener. Clones share the counts.
#[derive(Debug, Clone)]
pub(crate) struct ListenerMetrics {
    pub(super) accept_errors: IntCounter,
    rejected: IntCounterVec,
}

/// Counters of TLS handshakes. Clones share the counts.
#[derive(Clone)]
pub(crate) struct HandshakeMetrics {
    pub(super) failed: IntCounter,
    rejected: IntCounterVec,
}

impl Default for ListenerMetrics {
    fn default() -> Self {
        let rejected = counter_vec(
            "highwater_connections_rejected_total",
            "Connections closed at once, by reason: the open files leave no room for more, their address has too many, or a proxy sent no valid PROXY header. Requests through trusted proxies count as connections of their clients.",
            "reason",
        );
        // Prometheus computes no rate for a series before its first sample.
        for rejection in [Rejected::AtCapacity, Rejected::AddressLimit] {
            rejected.with_label_values(&[rejection.label()]);
        }
        rejected.with_label_values(&[INVALID_PROXY_HEADER]);
        Self {
            accept_errors: counter(
                "highwater_accept_errors_total",
                "Connections the operating system could not hand over.",
            ),
            rejected,
        }
    }
}

impl ListenerMetrics {
    pub(crate) fn register(&self, registry: &Registry) {
        register_metric(registry, &self.accept_errors);
        register_metric(registry, &self.rejected);
    }

    pub(super) fn record_rejected(&self, rejection: Rejected) {
        self.rejected.with_label_values(&[rejection.label()]).inc();
    }

    pub(super) fn record_invalid_proxy_header(&self) {
        let label = &[INVALID_PROXY_HEADER];
        self.rejected.with_label_values(label).inc();
    }
}

impl Default for HandshakeMetrics {
    fn default() -> Self {
        let rejected = counter_vec(
            "highwater_tls_handshakes_rejected_total",
            "Connections closed before their TLS handshake, by reason: too many at once, or too many a second.",
            "reason",
        );
        // Prometheus computes no rate for a series before its first sample.
        for rejection in [Rejected::AtCapacity, Rejected::RateLimited(Duration::ZERO)] {
            rejected.with_label_values(&[rejection.label()]);
        }
        Self {
            failed: counter(
                "highwater_tls_handshakes_failed_total",
                "TLS handshakes that failed or took too long.",
            ),
            rejected,
        }
    }
}

impl HandshakeMetrics {
    pub(crate) fn register(&self, registry: &Registry) {
        register_metric(registry, &self.failed);
        register_metric(registry, &self.rejected);
    }

    pub(super) fn record_rejected(&self, rejection: Rejected) {
        self.rejected.with_label_values(&[rejection.label()]).inc();
    }
}
