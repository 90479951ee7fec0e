//! The metrics of telemetry at a node.

use prometheus::{IntCounterVec, Registry};

use crate::{
    ingest::{PublishOutcome, RejectReason},
    metric::{counter_vec, register_metric},
};

/// The label of telemetry that the queue accepted.
const ACCEPTED: &str = "accepted";

/// The counters of telemetry by outcome.
pub(crate) struct TelemetryMetrics(IntCounterVec);

impl TelemetryMetrics {
    pub(super) fn new() -> Self {
        let outcomes = counter_vec(
            "highwater_telemetry_total",
            "Telemetry of devices: accepted, or the reason why not.",
            "outcome",
        );
        // Known label values exist from the start, at zero: a rate needs a first value.
        for reason in RejectReason::ALL {
            outcomes.with_label_values(&[reason.label()]);
        }
        outcomes.with_label_values(&[ACCEPTED]);
        Self(outcomes)
    }

    pub(crate) fn register(&self, registry: &Registry) {
        register_metric(registry, &self.0);
    }

    pub(super) fn record(&self, outcome: PublishOutcome) {
        let label = match outcome {
            PublishOutcome::Accepted => ACCEPTED,
            PublishOutcome::Rejected(reason) => reason.label(),
        };
        self.0.with_label_values(&[label]).inc();
    }
}
