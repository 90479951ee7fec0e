//! The metrics of device sockets.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Registry};

use crate::{
    metric::{counter, counter_vec, gauge, register_metric},
    net::ws::close::CloseReason,
};

/// The counters of a node's device sockets.
pub(crate) struct SessionMetrics {
    sockets: IntGauge,
    accepted: IntCounter,
    closed: IntCounterVec,
    pub(super) heartbeats: IntCounter,
    pub(super) pongs: IntCounter,
}

impl SessionMetrics {
    pub(crate) fn new() -> Self {
        let metrics = Self {
            sockets: gauge("highwater_sockets", "Open device sockets."),
            accepted: counter("highwater_sockets_accepted_total", "Device sockets opened."),
            closed: counter_vec(
                "highwater_sockets_closed_total",
                "Device sockets closed, by reason.",
                "reason",
            ),
            heartbeats: counter("highwater_heartbeats_total", "Pings received from devices."),
            pongs: counter("highwater_pongs_total", "Pings answered."),
        };
        // Known label values exist from the start, at zero: a rate needs a first value.
        for reason in CloseReason::ALL {
            metrics.closed.with_label_values(&[reason.label()]);
        }
        metrics
    }

    pub(crate) fn register(&self, registry: &Registry) {
        register_metric(registry, &self.sockets);
        register_metric(registry, &self.accepted);
        register_metric(registry, &self.closed);
        register_metric(registry, &self.heartbeats);
        register_metric(registry, &self.pongs);
    }

    /// Returns the number of open device sockets.
    pub(crate) fn open_sockets(&self) -> u64 {
        // Never below 0: each close follows its open.
        u64::try_from(self.sockets.get()).unwrap_or(0)
    }

    pub(crate) fn socket_opened(&self) {
        self.sockets.inc();
        self.accepted.inc();
    }

    pub(crate) fn socket_closed(&self, reason: CloseReason) {
        self.sockets.dec();
        self.closed.with_label_values(&[reason.label()]).inc();
    }
}
