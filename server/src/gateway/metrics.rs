//! The counters of a gateway, and the outcomes that label them.

use prometheus::{IntCounter, IntCounterVec, Registry, proto::MetricFamily};

use crate::{
    metric::{counter, counter_vec, register_metric},
    net::listener::{HandshakeMetrics, ListenerMetrics},
};

/// The counters that tasks write; gauges that can be looked up are, when asked.
pub(super) struct GatewayMetrics {
    registry: Registry,
    /// Counters of both listeners.
    pub(super) listener: ListenerMetrics,
    pub(super) handshakes: HandshakeMetrics,
    pub(super) retries: IntCounter,
    requests: IntCounterVec,
    upgrades: IntCounterVec,
}

/// The outcome of a request.
#[derive(Debug, Clone, Copy)]
pub(super) enum RequestOutcome {
    /// A node answered, whatever it said.
    Answered,
    /// A node was asked, and did not answer in time.
    TimedOut,
    /// A node was asked, and its connection broke.
    Broken,
    /// No node was available.
    NoNode,
}

/// The outcome of an upgrade to WebSocket.
#[derive(Debug, Clone, Copy)]
pub(super) enum UpgradeOutcome {
    /// A node took it.
    Opened,
    /// A node, or the last of several, did not want it.
    Rejected,
    /// A node was asked, and did not answer in time.
    TimedOut,
    /// A node was asked, and its connection broke.
    Broken,
    /// No node was available.
    NoNode,
}

impl RequestOutcome {
    const ALL: [Self; 4] = [Self::Answered, Self::TimedOut, Self::Broken, Self::NoNode];

    fn label(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::TimedOut => "timed_out",
            Self::Broken => "broken",
            Self::NoNode => "no_node",
        }
    }
}

impl UpgradeOutcome {
    const ALL: [Self; 5] = [
        Self::Opened,
        Self::Rejected,
        Self::TimedOut,
        Self::Broken,
        Self::NoNode,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Rejected => "rejected",
            Self::TimedOut => "timed_out",
            Self::Broken => "broken",
            Self::NoNode => "no_node",
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
        // Known label values exist from the start, at zero: a rate needs a first value.
        for outcome in RequestOutcome::ALL {
            metrics.requests.with_label_values(&[outcome.label()]);
        }
        for outcome in UpgradeOutcome::ALL {
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

    pub(super) fn record_request(&self, outcome: RequestOutcome) {
        self.requests.with_label_values(&[outcome.label()]).inc();
    }

    pub(super) fn record_upgrade(&self, outcome: UpgradeOutcome) {
        self.upgrades.with_label_values(&[outcome.label()]).inc();
    }
}
