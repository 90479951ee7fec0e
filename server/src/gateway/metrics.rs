//! The counters of a gateway, and the outcomes that are their labels.

use prometheus::{IntCounter, IntCounterVec, Registry, proto::MetricFamily};

use crate::{
    metric::{counter, counter_vec, register_metric},
    net::listener::{HandshakeMetrics, ListenerMetrics},
};

/// The counters of a gateway. Gauges are read at each scrape instead.
pub(super) struct GatewayMetrics {
    registry: Registry,
    /// Counters of both listeners.
    pub(super) listener: ListenerMetrics,
    pub(super) handshakes: HandshakeMetrics,
    pub(super) retries: IntCounter,
    requests: IntCounterVec,
    upgrades: IntCounterVec,
}

/// The outcome of a request, or of an upgrade to WebSocket.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    /// A node answered a request, with whatever status.
    Answered,
    /// A node accepted an upgrade.
    Opened,
    /// The last node that was tried rejected an upgrade.
    Rejected,
    /// A node did not answer in time.
    TimedOut,
    /// The connection to a node broke before its answer.
    Broken,
    /// The client's body was invalid or broke off.
    ClientBroken,
    /// No node was available.
    NoNode,
    /// This gateway forwards as many sockets as it may.
    AtCapacity,
    /// The request has been at this gateway before.
    LoopDetected,
}

impl Outcome {
    const OF_REQUESTS: [Self; 6] = [
        Self::Answered,
        Self::TimedOut,
        Self::Broken,
        Self::ClientBroken,
        Self::NoNode,
        Self::LoopDetected,
    ];
    const OF_UPGRADES: [Self; 7] = [
        Self::Opened,
        Self::Rejected,
        Self::TimedOut,
        Self::Broken,
        Self::NoNode,
        Self::AtCapacity,
        Self::LoopDetected,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Opened => "opened",
            Self::Rejected => "rejected",
            Self::TimedOut => "timed_out",
            Self::Broken => "broken",
            Self::ClientBroken => "client_broken",
            Self::NoNode => "no_node",
            Self::AtCapacity => "at_capacity",
            Self::LoopDetected => "loop_detected",
        }
    }
}

impl GatewayMetrics {
    pub(super) fn new() -> Self {
        let metrics = Self {
            registry: Registry::new(),
            listener: ListenerMetrics::default(),
            handshakes: HandshakeMetrics::default(),
            retries: counter(
                "highwater_gateway_retries_total",
                "Requests and sockets that were tried at another node.",
            ),
            requests: counter_vec(
                "highwater_gateway_requests_total",
                "Requests of clients, by outcome.",
                "outcome",
            ),
            upgrades: counter_vec(
                "highwater_gateway_upgrades_total",
                "Upgrades to WebSocket that clients asked for, by outcome.",
                "outcome",
            ),
        };
        // Every series exists from the start, because Prometheus computes no rate before a first
        // sample.
        for outcome in Outcome::OF_REQUESTS {
            metrics.requests.with_label_values(&[outcome.label()]);
        }
        for outcome in Outcome::OF_UPGRADES {
            metrics.upgrades.with_label_values(&[outcome.label()]);
        }
        metrics.listener.register(&metrics.registry);
        metrics.handshakes.register(&metrics.registry);
        register_metric(&metrics.registry, &metrics.retries);
        register_metric(&metrics.registry, &metrics.requests);
        register_metric(&metrics.registry, &metrics.upgrades);
        metrics
    }

    /// Returns the counters with their current values.
    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }

    pub(super) fn record_request(&self, outcome: Outcome) {
        self.requests.with_label_values(&[outcome.label()]).inc();
    }

    pub(super) fn record_upgrade(&self, outcome: Outcome) {
        self.upgrades.with_label_values(&[outcome.label()]).inc();
    }
}
