//! The metrics of a run, each described once.
//!
//! ```text
//! registry ─► Metric ─► gates, `highwater metrics`, the scenario reference,
//!                       the report's tables and headlines, comparisons
//! item_registry ─► ItemMetric ─► the report's tables of processes and events
//! ```
//!
//! - `registry`: every metric that a gate can hold against a limit: each number of
//!   `summary.json`, by its path without the suffix of the unit;
//! - `item_registry`: the metrics of each item of a list in the summary, such as a node or
//!   an event;
//! - `own`: metrics of a target that its scenario names, by the form of their paths;
//! - `unit`: units, and the limits written in them.

use strum::IntoStaticStr;

mod item_registry;
mod own;
mod registry;
mod unit;

pub use item_registry::{ItemMetric, ItemTable, item_tables};
pub(crate) use own::parse_own_metric;
pub use own::{OWN_METRICS, own_metric_forms, own_metrics};
pub use registry::MetricFamily;
pub(crate) use registry::MetricRequirement;
pub use unit::Unit;

/// The direction in which a metric is better. As text it is `lower`, `higher` or `neither`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Direction {
    /// A lower value is better.
    Lower,
    /// A higher value is better.
    Higher,
    /// A value is neither good nor bad by itself.
    Neither,
}

/// A metric of the summary: one number.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Path in `summary.json` without the unit's suffix: `heartbeats.response.p99`.
    pub path: String,
    /// Unit of the number.
    pub unit: Unit,
    /// Whether a lower or a higher value is better.
    pub direction: Direction,
    /// Name within its section: `response time, p99`.
    pub label: String,
    /// Meaning, in a phrase.
    pub about: String,
    /// Keys that lead to the number in `summary.json`: `heartbeats.response_ms.p99`.
    pub json_path: String,
    /// Whether the metric can be taken over a part of the run. A gate on any other metric
    /// takes no `during`.
    pub is_windowed: bool,
    /// Whether the metric counts failures, which scatter as a Poisson process does.
    pub counts_failures: bool,
    pub(crate) requirement: MetricRequirement,
}

/// The form of a family in the summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FamilyKind {
    /// A number.
    Number,
    /// A distribution of times: `{count, mean, p50, …}`.
    Distribution,
    /// A fitted slope: `{value, low, high}`.
    Fit,
}

/// Finds the metric at a path, which is compared letter by letter. A path of a target's own
/// metric is found by its form.
pub fn find(path: &str) -> Option<Metric> {
    all()
        .find(|metric| metric.path == path)
        .or_else(|| own::find(path))
}

/// Returns every metric of the registry, in the order of the summary.
pub fn all() -> impl Iterator<Item = Metric> {
    // The metrics are built anew at each call; a run looks up a few hundred.
    families().flat_map(MetricFamily::metrics)
}

/// Returns every line of the registry, in the order of the summary.
pub fn families() -> impl Iterator<Item = &'static MetricFamily> {
    registry::FAMILIES.iter()
}

/// Returns the sections of the summary with their titles, in the order of the summary.
pub fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    registry::SECTIONS.into_iter()
}

/// Returns the title of the section of a metric or a family: `Heartbeats`.
pub fn section_title(path: &str) -> &'static str {
    let name = path.split('.').next();
    let own = [(OWN_METRICS, own::OWN_METRICS_TITLE)];
    let section = sections().chain(own).find(|(key, _)| Some(*key) == name);
    section.map_or("", |(_, title)| title)
}

impl Metric {
    /// Returns the name with its section: `Heartbeats: response time, p99`.
    pub fn title(&self) -> String {
        format!("{}: {}", section_title(&self.path), self.label)
    }
}
