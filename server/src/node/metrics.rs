//! What a node says about itself to Prometheus.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Registry};

use super::{Node, message_metrics::MessageMetrics};
use crate::{
    auth,
    ingest::{Outcome, Refusal},
    listener::{DoorMetrics, HandshakeMetrics},
    metric::{self, add, counter, counters, gauge, look_up_backplane, look_up_process, set},
    ws::close::CloseReason,
};

/// The counters that tasks write; gauges that can be looked up are, when asked.
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) sockets: IntGauge,
    pub(crate) accepted: IntCounter,
    closed: IntCounterVec,
    pub(crate) heartbeats: IntCounter,
    pub(crate) pongs: IntCounter,
    pub(crate) commands: IntCounterVec,
    pub(crate) in_flight: IntGauge,
    /// Of all listeners.
    pub(crate) door: DoorMetrics,
    pub(crate) handshakes: HandshakeMetrics,
    upgrades_rejected: IntCounterVec,
    auth_refused: IntCounterVec,
    readings: IntCounterVec,
    pub(crate) messages: MessageMetrics,
}

/// The outcomes of a command, in `highwater_commands_total{outcome}`. Their sum is
/// the number of commands this node took.
pub(crate) const OUTCOMES: [&str; 7] = [
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

impl Metrics {
    pub(crate) fn new() -> Self {
        let registry = Registry::new();
        let metrics = Self {
            sockets: gauge("highwater_sockets", "Open device sockets."),
            accepted: counter("highwater_sockets_accepted_total", "Device sockets opened."),
            closed: counters(
                "highwater_sockets_closed_total",
                "Device sockets closed, by reason.",
                "reason",
            ),
            heartbeats: counter("highwater_heartbeats_total", "Pings received from devices."),
            pongs: counter("highwater_pongs_total", "Pings answered."),
            commands: counters(
                "highwater_commands_total",
                "Commands taken by this node, by outcome.",
                "outcome",
            ),
            in_flight: gauge(
                "highwater_commands_in_flight",
                "Commands taken by this node that have no outcome yet.",
            ),
            door: DoorMetrics::default(),
            handshakes: HandshakeMetrics::default(),
            upgrades_rejected: counters(
                "highwater_upgrades_rejected_total",
                "Device sockets turned away before they were opened, by reason.",
                "reason",
            ),
            auth_refused: counters(
                "highwater_auth_refused_total",
                "Requests refused for their token or their login secret, by reason.",
                "reason",
            ),
            readings: counters(
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
        for outcome in OUTCOMES {
            metrics.commands.with_label_values(&[outcome]);
        }
        for reason in UPGRADE_REJECTIONS {
            metrics.upgrades_rejected.with_label_values(&[reason]);
        }
        for refused in auth::Refused::ALL {
            metrics.auth_refused.with_label_values(&[refused.label()]);
        }
        for refusal in Refusal::ALL {
            metrics.readings.with_label_values(&[refusal.word()]);
        }
        metrics.readings.with_label_values(&[ACCEPTED]);
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

    pub(crate) fn auth_refused(&self, why: auth::Refused) {
        self.auth_refused.with_label_values(&[why.label()]).inc();
    }

    /// A reading got its answer: `accepted`, or why it was refused.
    pub(crate) fn reading(&self, outcome: Outcome) {
        let label = match outcome {
            Outcome::Taken => ACCEPTED,
            Outcome::Refused(refusal) => refusal.word(),
        };
        self.readings.with_label_values(&[label]).inc();
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
            door,
            handshakes,
            upgrades_rejected,
            auth_refused,
            readings,
            messages,
            ..
        } = self;
        add(&self.registry, sockets);
        add(&self.registry, accepted);
        add(&self.registry, closed);
        add(&self.registry, heartbeats);
        add(&self.registry, pongs);
        add(&self.registry, commands);
        add(&self.registry, in_flight);
        door.register(&self.registry);
        handshakes.register(&self.registry);
        add(&self.registry, upgrades_rejected);
        add(&self.registry, auth_refused);
        add(&self.registry, readings);
        messages.register(&self.registry);
    }
}

/// The node's metrics in the Prometheus text format.
pub(crate) fn text(node: &Node) -> String {
    let looked_up = Registry::new();
    look_up_cluster(node, &looked_up);
    set(
        &looked_up,
        "highwater_outbox_bytes",
        "Bytes that wait to be written to devices.",
        Some(node.outboxes.used() as f64),
    );
    set(
        &looked_up,
        "highwater_incomplete_bytes",
        "Bytes of messages from devices whose rest has not come.",
        Some(node.incomplete.used() as f64),
    );
    let heap = node.config.heap_probe.and_then(|probe| probe());
    look_up_process(heap, &looked_up);
    let mut families = node.metrics.registry.gather();
    families.extend(looked_up.gather());
    metric::text(&families)
}

fn look_up_cluster(node: &Node, registry: &Registry) {
    let entries = node.cluster.home().len();
    set(
        registry,
        "highwater_directory_entries",
        "Owner directory entries kept by this node.",
        Some(entries as f64),
    );
    set(
        registry,
        "highwater_readings_in_flight",
        "Readings of devices in this node's custody.",
        Some(node.intake.in_flight() as f64),
    );
    look_up_backplane(&*node.cluster.backplane, registry);
}
