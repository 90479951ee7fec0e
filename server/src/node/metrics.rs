//! What a node says about itself to Prometheus.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Registry};

use super::{Node, message_metrics::MessageMetrics};
use crate::{
    auth,
    backplane::collect_metrics,
    ingest::{PublishOutcome, RejectReason},
    metric::{self, collect_process, counter, counter_vec, gauge, register_gauge, register_metric},
    net::{
        listener::{HandshakeMetrics, ListenerMetrics},
        ws::close::CloseReason,
    },
};

/// The counters that tasks write; gauges that can be looked up are, when asked.
pub(crate) struct NodeMetrics {
    registry: Registry,
    pub(crate) sockets: IntGauge,
    pub(crate) accepted: IntCounter,
    closed: IntCounterVec,
    pub(crate) heartbeats: IntCounter,
    pub(crate) pongs: IntCounter,
    pub(crate) commands: IntCounterVec,
    pub(crate) in_flight: IntGauge,
    /// Of all listeners.
    pub(crate) listener: ListenerMetrics,
    pub(crate) handshakes: HandshakeMetrics,
    upgrades_rejected: IntCounterVec,
    auth_rejected: IntCounterVec,
    telemetry: IntCounterVec,
    pub(crate) messages: MessageMetrics,
}

/// The outcomes of a command, in `highwater_commands_total{outcome}`. Their sum is
/// the number of commands this node took.
pub(crate) const COMMAND_OUTCOMES: [&str; 7] = [
    "replied",
    "not_connected",
    "replaced",
    "rejected",
    "timed_out",
    "invalid",
    // The caller went away before there was an outcome.
    "abandoned",
];

/// Why an upgrade is turned away, in `highwater_upgrades_rejected_total{reason}`.
pub(crate) const UPGRADE_REJECTIONS: [&str; 3] = ["draining", "rate", "sockets"];
/// The label of a reading that the queue took.
const ACCEPTED: &str = "accepted";

impl NodeMetrics {
    pub(crate) fn new() -> Self {
        let registry = Registry::new();
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
                "Device sockets turned away before they were opened, by reason.",
                "reason",
            ),
            auth_rejected: counter_vec(
                "highwater_auth_refused_total",
                "Requests refused for their token or their login secret, by reason.",
                "reason",
            ),
            telemetry: counter_vec(
                "highwater_readings_total",
                "Readings of devices: accepted, or the reason why not.",
                "outcome",
            ),
            messages: MessageMetrics::new(),
            registry,
        };
        // Known label values exist from the start, at zero: a rate needs a first value.
        for reason in CloseReason::ALL {
            metrics.closed.with_label_values(&[reason.label()]);
        }
        for outcome in COMMAND_OUTCOMES {
            metrics.commands.with_label_values(&[outcome]);
        }
        for reason in UPGRADE_REJECTIONS {
            metrics.upgrades_rejected.with_label_values(&[reason]);
        }
        for refused in auth::AuthError::ALL {
            metrics.auth_rejected.with_label_values(&[refused.label()]);
        }
        for refusal in RejectReason::ALL {
            metrics.telemetry.with_label_values(&[refusal.label()]);
        }
        metrics.telemetry.with_label_values(&[ACCEPTED]);
        metrics.register();
        metrics
    }

    pub(crate) fn socket_opened(&self) {
        self.sockets.inc();
        self.accepted.inc();
    }

    pub(crate) fn socket_closed(&self, reason: CloseReason) {
        self.sockets.dec();
        self.closed.with_label_values(&[reason.label()]).inc();
    }

    pub(crate) fn upgrade_rejected(&self, reason: &str) {
        self.upgrades_rejected.with_label_values(&[reason]).inc();
    }

    pub(crate) fn auth_rejected(&self, why: auth::AuthError) {
        self.auth_rejected.with_label_values(&[why.label()]).inc();
    }

    /// A reading got its answer: `accepted`, or why it was refused.
    pub(crate) fn record_telemetry(&self, outcome: PublishOutcome) {
        let label = match outcome {
            PublishOutcome::Accepted => ACCEPTED,
            PublishOutcome::Rejected(refusal) => refusal.label(),
        };
        self.telemetry.with_label_values(&[label]).inc();
    }

    fn register(&self) {
        let Self {
            sockets,
            accepted,
            closed,
            heartbeats,
            pongs,
            commands,
            in_flight,
            listener: door,
            handshakes,
            upgrades_rejected,
            auth_rejected: auth_refused,
            telemetry: readings,
            messages,
            ..
        } = self;
        register_metric(&self.registry, sockets);
        register_metric(&self.registry, accepted);
        register_metric(&self.registry, closed);
        register_metric(&self.registry, heartbeats);
        register_metric(&self.registry, pongs);
        register_metric(&self.registry, commands);
        register_metric(&self.registry, in_flight);
        door.register(&self.registry);
        handshakes.register(&self.registry);
        register_metric(&self.registry, upgrades_rejected);
        register_metric(&self.registry, auth_refused);
        register_metric(&self.registry, readings);
        messages.register(&self.registry);
    }
}

/// The node's metrics in the Prometheus text format.
pub(crate) fn render(node: &Node) -> String {
    let collected = Registry::new();
    collect_cluster(node, &collected);
    register_gauge(
        &collected,
        "highwater_outbox_bytes",
        "Bytes that wait to be written to devices.",
        Some(node.write_budget.used() as f64),
    );
    register_gauge(
        &collected,
        "highwater_incomplete_bytes",
        "Bytes of messages from devices whose rest has not come.",
        Some(node.partial_budget.used() as f64),
    );
    let heap = node.config.heap_probe.and_then(|probe| probe());
    collect_process(heap, &collected);
    let mut families = node.metrics.registry.gather();
    families.extend(collected.gather());
    metric::encode_text(&families)
}

fn collect_cluster(node: &Node, registry: &Registry) {
    let entries = node.cluster.directory().len();
    register_gauge(
        registry,
        "highwater_directory_entries",
        "Owner directory entries kept by this node.",
        Some(entries as f64),
    );
    register_gauge(
        registry,
        "highwater_readings_in_flight",
        "Readings of devices in this node's custody.",
        Some(node.intake.in_flight() as f64),
    );
    collect_metrics(&*node.cluster.backplane, registry);
}
