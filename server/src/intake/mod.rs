//! The way of telemetry from a device's socket into the queue: bounded, and with an
//! answer for every record.
//!
//! ```text
//! socket ──submit──► intake ──► publisher: unacked ──publish──► queue (ingest)
//!    ▲       │ full, draining, …      │ results
//!    └───────┴── accepted, rejected ◄─┘
//! ```
//!
//! Reading order: [`intake`] admits records, `publisher` hands them to the queue,
//! `metrics` counts their outcomes.

#[expect(
    clippy::module_inception,
    reason = "the folder is about the way in, the file is the entrance"
)]
mod intake;
mod metrics;
mod publisher;

pub(crate) use self::{
    intake::{PendingTelemetry, TelemetryIntake},
    metrics::TelemetryMetrics,
    publisher::TelemetryPublisher,
};
