//! Names of a record's files. Only these; what is derived from them is named
//! where it is made.

/// What the run was meant to be.
pub const MANIFEST: &str = "manifest.json";
/// Counters and gauges.
pub const INTERVALS: &str = "intervals.jsonl";
/// Histograms.
pub const LATENCY: &str = "latency.hlog";
/// Phases, events, the end.
pub const EVENTS: &str = "events.jsonl";
