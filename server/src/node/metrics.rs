//! The metrics of a node.

#[cfg(feature = "stomp")]
use prometheus::IntCounter;
use prometheus::{IntCounterVec, IntGauge, Registry};
use strum::VariantArray;

#[cfg(feature = "stomp")]
use crate::metric::counter;
use crate::{
    auth::AuthError,
    cluster::MessageMetrics,
    intake::TelemetryMetrics,
    metric::{counter_vec, gauge, register_metric},
    net::listener::{HandshakeMetrics, ListenerMetrics},
    session::metrics::SessionMetrics,
};

/// The counters that the node's HTTP interface and its listeners write. The registry
/// holds the metrics of the other layers too.
pub(crate) struct NodeMetrics {
    pub(super) registry: Registry,
    pub(crate) commands: IntCounterVec,
    pub(crate) in_flight: IntGauge,
    /// Connections of all listeners.
    pub(crate) listener: ListenerMetrics,
    pub(crate) handshakes: HandshakeMetrics,
    upgrades_rejected: IntCounterVec,
    auth_rejected: IntCounterVec,
    #[cfg(feature = "stomp")]
    pub(crate) stomp: StompMetrics,
}

/// The counters of STOMP sessions.
#[cfg(feature = "stomp")]
pub(crate) struct StompMetrics {
    pub(crate) sessions: IntGauge,
    pub(crate) errors: IntCounter,
    frames: IntCounterVec,
}

#[cfg(feature = "stomp")]
impl StompMetrics {
    fn new() -> Self {
        let metrics = Self {
            sessions: gauge(
                "highwater_stomp_sessions",
                "STOMP sessions between their CONNECT and their end.",
            ),
            errors: counter(
                "highwater_stomp_errors_total",
                "STOMP sessions that this node ended with an ERROR for a frame of the client.",
            ),
            frames: counter_vec(
                "highwater_stomp_frames_total",
                "Frames received from STOMP clients, by command.",
                "command",
            ),
        };
        for command in highwater_stomp::Command::all() {
            metrics.frames.with_label_values(&[command.name()]);
        }
        metrics
    }

    /// Counts a frame of a client.
    pub(crate) fn frame(&self, command: highwater_stomp::Command) {
        self.frames.with_label_values(&[command.name()]).inc();
    }

    fn register(&self, registry: &Registry) {
        register_metric(registry, &self.sessions);
        register_metric(registry, &self.errors);
        register_metric(registry, &self.frames);
    }
}

/// The outcomes of a command, in `highwater_commands_total{outcome}`. Their sum is the
/// number of commands that this node accepted.
const COMMAND_OUTCOMES: [&str; 7] = [
    "replied",
    "not_connected",
    "replaced",
    "rejected",
    "timed_out",
    "invalid",
    // The caller went away before there was an outcome.
    "abandoned",
];

/// The reasons of a rejected upgrade, in `highwater_upgrades_rejected_total{reason}`.
const UPGRADE_REJECTIONS: [&str; 6] = [
    "draining",
    "rate_limited",
    "overloaded",
    "at_capacity",
    "address_limit",
    "no_backplane",
];

impl NodeMetrics {
    /// Returns the node's counters. Registers them and the metrics of its layers.
    pub(super) fn new(
        sessions: &SessionMetrics,
        messages: &MessageMetrics,
        telemetry: &TelemetryMetrics,
    ) -> Self {
        let metrics = Self {
            registry: Registry::new(),
            commands: counter_vec(
                "highwater_commands_total",
                "Commands taken by this node, by outcome.",
                "outcome",
            ),
            in_flight: gauge(
                "highwater_commands_in_flight",
                "Commands taken by this node that have no outcome yet.",
            ),
            listener: ListenerMetrics::default(),
            handshakes: HandshakeMetrics::default(),
            upgrades_rejected: counter_vec(
                "highwater_upgrades_rejected_total",
                "Device sockets rejected before they were opened, by reason.",
                "reason",
            ),
            auth_rejected: counter_vec(
                "highwater_auth_rejected_total",
                "Requests rejected for their token or their login secret, by reason.",
                "reason",
            ),
            #[cfg(feature = "stomp")]
            stomp: StompMetrics::new(),
        };
        metrics.create_label_values();
        sessions.register(&metrics.registry);
        messages.register(&metrics.registry);
        telemetry.register(&metrics.registry);
        metrics.register();
        metrics
    }

    pub(crate) fn upgrade_rejected(&self, reason: &str) {
        self.upgrades_rejected.with_label_values(&[reason]).inc();
    }

    pub(crate) fn auth_rejected(&self, error: AuthError) {
        self.auth_rejected
            .with_label_values(&[<&str>::from(error)])
            .inc();
    }

    /// Creates known label values at zero: a rate needs a first value.
    fn create_label_values(&self) {
        for outcome in COMMAND_OUTCOMES {
            self.commands.with_label_values(&[outcome]);
        }
        for reason in UPGRADE_REJECTIONS {
            self.upgrades_rejected.with_label_values(&[reason]);
        }
        for error in AuthError::VARIANTS {
            self.auth_rejected.with_label_values(&[<&str>::from(error)]);
        }
    }

    fn register(&self) {
        // Complete by the pattern: a counter that is added and not registered does not
        // compile.
        let Self {
            registry,
            commands,
            in_flight,
            listener,
            handshakes,
            upgrades_rejected,
            auth_rejected,
            #[cfg(feature = "stomp")]
            stomp,
        } = self;
        register_metric(registry, commands);
        register_metric(registry, in_flight);
        listener.register(registry);
        handshakes.register(registry);
        register_metric(registry, upgrades_rejected);
        register_metric(registry, auth_rejected);
        #[cfg(feature = "stomp")]
        stomp.register(registry);
    }
}
