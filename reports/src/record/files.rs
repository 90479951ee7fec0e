//! Names of the files in a run's directory.

/// Name of the manifest: the plan and the machine.
pub const MANIFEST: &str = "manifest.json";
/// Name of the file of counters and gauges.
pub const INTERVALS: &str = "intervals.jsonl";
/// Name of the file of histograms.
pub const LATENCY: &str = "latency.hlog";
/// Name of the file of events.
pub const EVENTS: &str = "events.jsonl";
/// Name of the directory of the processes' logs.
pub const LOGS: &str = "logs";
/// Name of the summary, which a report derives.
pub const SUMMARY: &str = "summary.json";
/// Name of the page.
pub const PAGE: &str = "report.html";
/// Name of the gates as test cases.
pub const JUNIT: &str = "junit.xml";
/// Name of the directory of charts.
pub const CHARTS: &str = "charts";
/// Name of the file from which a coordinator that died is resumed. It is there while a run over
/// a bus lasts.
pub const CHECKPOINT: &str = "checkpoint.json";
