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
//! - `unit`: units, and the limits written in them; `direction`: whether a lower or a
//!   higher value is better.

use self::registry::{MetricShape, RegistryEntry};

mod direction;
mod item_registry;
mod registry;
mod unit;

pub use direction::Direction;
pub use item_registry::{ItemMetric, ItemTable, item_tables};
pub(crate) use registry::MetricRequirement;
pub use unit::Unit;

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
    json_path: Vec<String>,
    windowed: bool,
    counts_failures: bool,
    requirement: MetricRequirement,
}

/// A line of the registry: one number, one distribution or one fit.
#[derive(Clone, Copy)]
pub struct MetricFamily(&'static RegistryEntry);

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

/// Finds the metric at a path, which is compared letter by letter.
pub fn find(path: &str) -> Option<Metric> {
    all().find(|metric| metric.path == path)
}

/// Returns every metric, in the order of the summary.
pub fn all() -> impl Iterator<Item = Metric> {
    // The metrics are built anew at each call; a run looks up a few hundred.
    registry::ENTRIES.iter().flat_map(RegistryEntry::metrics)
}

/// Returns every line of the registry, in the order of the summary.
pub fn families() -> impl Iterator<Item = MetricFamily> {
    registry::ENTRIES.iter().map(MetricFamily)
}

/// Returns the sections of the summary with their titles, in the order of the summary.
pub fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    registry::SECTIONS.into_iter()
}

/// Returns the title of the section of a metric or a family: `Heartbeats`.
pub fn section_title(path: &str) -> &'static str {
    let name = path.split('.').next();
    let section = registry::SECTIONS
        .iter()
        .find(|(key, _)| Some(*key) == name);
    section.map_or("", |(_, title)| title)
}

impl Metric {
    /// Returns the keys that lead to the number in `summary.json`: `heartbeats`,
    /// `response_ms`, `p99`.
    pub fn json_path(&self) -> Vec<&str> {
        self.json_path.iter().map(String::as_str).collect()
    }

    /// Returns the name with its section: `Heartbeats: response time, p99`.
    pub fn title(&self) -> String {
        format!("{}: {}", section_title(&self.path), self.label)
    }

    /// Whether the metric can be taken over a part of the run. A gate on any other metric
    /// takes no `during`.
    pub fn is_windowed(&self) -> bool {
        self.windowed
    }

    /// Whether the metric counts failures, which scatter as a Poisson process does.
    pub fn counts_failures(&self) -> bool {
        self.counts_failures
    }

    pub(crate) fn requirement(&self) -> MetricRequirement {
        self.requirement
    }
}

impl MetricFamily {
    /// Path in `summary.json` without the unit's suffix: `heartbeats.response`.
    pub fn path(self) -> &'static str {
        self.0.path
    }

    /// Name of the section: `heartbeats`.
    pub fn section(self) -> &'static str {
        self.0.path.split('.').next().unwrap_or_default()
    }

    /// Name within its section: `response time`.
    pub fn label(self) -> &'static str {
        self.0.label
    }

    /// Meaning, in a phrase.
    pub fn about(self) -> &'static str {
        self.0.about
    }

    /// Form in the summary.
    pub fn kind(self) -> FamilyKind {
        match self.0.shape {
            MetricShape::Distribution => FamilyKind::Distribution,
            MetricShape::Fit(_) => FamilyKind::Fit,
            _ => FamilyKind::Number,
        }
    }

    /// Unit of the number, the times or the slope.
    pub fn unit(self) -> Unit {
        self.0.shape.unit()
    }

    /// Returns the keys that lead to the family in `summary.json`: `heartbeats`,
    /// `response_ms`.
    pub fn json_path(self) -> Vec<String> {
        self.0.json_path()
    }
}
