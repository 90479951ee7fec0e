//! What one source counted and showed during one interval: a line of
//! `intervals.jsonl`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One line of `intervals.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Start of the interval in seconds on the run's clock. For a sampled
    /// process, the instant of the sample.
    pub at: f64,
    /// Length in seconds; 0 for a sample taken at an instant.
    pub length: f64,
    /// Who counted.
    pub source: Source,
    /// What happened during the interval, by [`counter`](super::names::counter) name; a name that is
    /// absent did not happen.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counters: BTreeMap<String, u64>,
    /// What was the case at its end, by [`gauge`](super::names::gauge) name; a name that is absent
    /// was not measured.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gauges: BTreeMap<String, f64>,
}

/// Who counted: a process of the run or the machine itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Source {
    /// What it is.
    pub role: SourceRole,
    /// Its name: `n1`, `w1`, …
    pub id: String,
}

/// What a source of figures is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceRole {
    /// A node of the system under test.
    Node,
    /// The backplane's broker.
    Broker,
    /// What stands in front of the nodes.
    Balancer,
    /// A consumer of readings.
    Consumer,
    /// A worker of the harness.
    Worker,
    /// The harness's coordinator.
    Coordinator,
    /// The machine that the coordinator runs on.
    Host,
}

impl Interval {
    /// When its gauges were the case: its end, in seconds on the run's clock.
    pub fn end(&self) -> f64 {
        self.at + self.length
    }

    /// Its middle, which says what part of the run it belongs to.
    pub fn middle(&self) -> f64 {
        self.at + self.length / 2.0
    }

    /// A counter; a name that is absent did not happen.
    pub fn counter(&self, name: &str) -> u64 {
        self.counters.get(name).copied().unwrap_or(0)
    }

    /// A gauge; a name that is absent was not measured.
    pub fn gauge(&self, name: &str) -> Option<f64> {
        self.gauges.get(name).copied()
    }
}

impl Source {
    /// A source by role and name.
    pub fn new(role: SourceRole, id: impl Into<String>) -> Self {
        Self {
            role,
            id: id.into(),
        }
    }
}
