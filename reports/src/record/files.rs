//! Names of a record's files. Derived files are named in `report`.

/// Name of the manifest: the plan and the machine.
pub const MANIFEST: &str = "manifest.json";
/// Name of the file of counters and gauges.
pub const INTERVALS: &str = "intervals.jsonl";
/// Name of the file of histograms.
pub const LATENCY: &str = "latency.hlog";
/// Name of the file of events.
pub const EVENTS: &str = "events.jsonl";
