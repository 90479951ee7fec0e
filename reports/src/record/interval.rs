//! The counters and gauges of one source during one interval: a line of
//! `intervals.jsonl`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One line of `intervals.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Start of the interval in seconds on the run's clock; the instant of the sample for
    /// a sampled process.
    pub at: f64,
    /// Length in seconds; 0 for a sample taken at an instant.
    pub length: f64,
    /// Process or machine that the interval is about.
    pub source: Source,
    /// Numbers of things that happened during the interval, by
    /// [`counter`](super::names::counter) name; an absent name stands for 0.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counters: BTreeMap<String, u64>,
    /// Values at the end of the interval, by [`gauge`](super::names::gauge) name; an absent
    /// name was not measured.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gauges: BTreeMap<String, f64>,
}

/// A source of intervals: a process of the run or the machine itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Source {
    /// Kind of source.
    pub role: SourceRole,
    /// Name: `n1`, `w1`, …
    pub id: String,
}

/// The kind of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceRole {
    /// A node of the system under test.
    Node,
    /// A broker of the backplane or of telemetry.
    Broker,
    /// A balancer in front of the nodes.
    Balancer,
    /// A consumer of telemetry.
    Consumer,
    /// A worker of the harness.
    Worker,
    /// The harness's coordinator.
    Coordinator,
    /// The machine that the coordinator runs on.
    Host,
}

impl Interval {
    /// The end in seconds on the run's clock, at which the gauges were taken.
    pub fn end(&self) -> f64 {
        self.at + self.length
    }

    /// Returns a counter; 0 when it is absent.
    pub fn counter(&self, name: &str) -> u64 {
        self.counters.get(name).copied().unwrap_or(0)
    }

    /// Returns a gauge; `None` when it was not measured.
    pub fn gauge(&self, name: &str) -> Option<f64> {
        self.gauges.get(name).copied()
    }
}

impl Source {
    /// Creates a source from its role and name.
    pub fn new(role: SourceRole, id: impl Into<String>) -> Self {
        Self {
            role,
            id: id.into(),
        }
    }
}
