//! The latency of heartbeats, as a tool reports it.

/// The latency of heartbeats in milliseconds; `None` for what a tool does not report.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Latency {
    /// The 99th percentile.
    pub(super) p99_ms: Option<f64>,
    /// The maximum.
    pub(super) max_ms: Option<f64>,
}
