//! The counters of a broker's limits.

use prometheus::{IntCounter, IntCounterVec, Registry, proto::MetricFamily};

use super::handshake::HandshakeFailure;
use crate::{
    metric::{counter, counter_vec, register_metric},
    net::listener::ListenerMetrics,
};

/// The counters of a broker. Gauges are read at each scrape instead. Clones share the counts.
#[derive(Clone)]
pub(super) struct BrokerMetrics {
    registry: Registry,
    /// Counters of the admin listener.
    pub(super) admin_listener: ListenerMetrics,
    pub(super) accept_errors: IntCounter,
    connections_rejected: IntCounterVec,
    handshakes_failed: IntCounterVec,
    pub(super) members_rejected: IntCounter,
    pub(super) subscriptions_rejected: IntCounter,
    pub(super) groups_rejected: IntCounter,
}

/// The limit at which a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectionRejection {
    /// The client address has too many handshakes in progress.
    AddressLimit,
    /// The broker has as many connections as it may have.
    AtCapacity,
    /// The broker has too many handshakes in progress.
    HandshakeLimit,
    /// Consumers and operators have their share of the connections.
    ConsumerLimit,
}

impl ConnectionRejection {
    const ALL: [Self; 4] = [
        Self::AddressLimit,
        Self::AtCapacity,
        Self::HandshakeLimit,
        Self::ConsumerLimit,
    ];

    /// Returns the reason as one word, for metrics and logs.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::AddressLimit => "address_limit",
            Self::AtCapacity => "at_capacity",
            Self::HandshakeLimit => "handshake_limit",
            Self::ConsumerLimit => "consumer_limit",
        }
    }
}

impl HandshakeFailure {
    const ALL: [Self; 4] = [Self::TimedOut, Self::Broken, Self::Invalid, Self::NotProved];

    fn label(self) -> &'static str {
        match self {
            Self::TimedOut => "timed_out",
            Self::Broken => "broken",
            Self::Invalid => "invalid",
            Self::NotProved => "not_proved",
        }
    }
}

impl BrokerMetrics {
    pub(super) fn new() -> Self {
        let metrics = Self {
            registry: Registry::new(),
            admin_listener: ListenerMetrics::default(),
            accept_errors: counter(
                "highwater_broker_accept_errors_total",
                "Connections of peers that the operating system could not hand over.",
            ),
            connections_rejected: counter_vec(
                "highwater_broker_connections_rejected_total",
                "Connections of peers closed at a limit, by reason: too many handshakes of one address, too many connections, too many handshakes, or no share left for consumers.",
                "reason",
            ),
            handshakes_failed: counter_vec(
                "highwater_broker_handshakes_failed_total",
                "Handshakes of peers that failed, by reason: too slow, broken off, invalid, or without proof of the cluster secret.",
                "reason",
            ),
            members_rejected: counter(
                "highwater_broker_members_rejected_total",
                "Nodes and gateways rejected because another process holds their id.",
            ),
            subscriptions_rejected: counter(
                "highwater_broker_subscriptions_rejected_total",
                "Subscriptions to topics ignored at the limit of a member or of all.",
            ),
            groups_rejected: counter(
                "highwater_broker_groups_rejected_total",
                "Consumers rejected because there are too many consumer groups.",
            ),
        };
        metrics.register();
        metrics
    }

    fn register(&self) {
        // Every series exists from the start, because Prometheus computes no rate before a first
        // sample.
        for reason in ConnectionRejection::ALL {
            self.connections_rejected
                .with_label_values(&[reason.label()]);
        }
        for failure in HandshakeFailure::ALL {
            self.handshakes_failed.with_label_values(&[failure.label()]);
        }
        self.admin_listener.register(&self.registry);
        register_metric(&self.registry, &self.accept_errors);
        register_metric(&self.registry, &self.connections_rejected);
        register_metric(&self.registry, &self.handshakes_failed);
        register_metric(&self.registry, &self.members_rejected);
        register_metric(&self.registry, &self.subscriptions_rejected);
        register_metric(&self.registry, &self.groups_rejected);
    }

    /// Returns the counters with their current values.
    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }

    pub(super) fn record_rejected_connection(&self, reason: ConnectionRejection) {
        let label = reason.label();
        self.connections_rejected.with_label_values(&[label]).inc();
    }

    pub(super) fn record_failed_handshake(&self, failure: HandshakeFailure) {
        let label = failure.label();
        self.handshakes_failed.with_label_values(&[label]).inc();
    }
}
