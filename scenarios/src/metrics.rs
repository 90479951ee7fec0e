//! The metrics that a gate can hold against a limit: every number of
//! `summary.json` that is one number, by its path without the unit's suffix.

use highwater_types::{InvalidQuantity, quantity};

mod direction;
mod registry;

pub use direction::Direction;
pub(crate) use registry::MetricRequirement;

/// A metric of the summary.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Path in `summary.json` without the unit's suffix, such as
    /// `heartbeats.response.p99`.
    pub path: String,
    /// What it is counted in.
    pub unit: Unit,
    /// What it says, in a phrase.
    pub about: String,
    json_path: Vec<String>,
    windowed: bool,
    requirement: MetricRequirement,
}

/// What a metric is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Millis,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// A plain number of things.
    Count,
    /// One quantity over another, where 1 is the measure: read as a number.
    Ratio,
    /// A part of something, or of a processor's time: read as a percentage.
    Share,
    /// Things per second.
    PerSecond,
}

/// The metric at a path, spelt exactly.
pub fn find(path: &str) -> Option<Metric> {
    all().find(|figure| figure.path == path)
}

/// Every metric, in the order of the summary.
pub fn all() -> impl Iterator<Item = Metric> {
    registry::ENTRIES
        .iter()
        .flat_map(registry::RegistryEntry::metrics)
}

impl Metric {
    /// The keys that lead to the number in `summary.json`, such as
    /// `heartbeats`, `response_ms`, `p99`.
    pub fn json_path(&self) -> Vec<&str> {
        self.json_path.iter().map(String::as_str).collect()
    }

    /// Whether it can be taken over a part of the run; else it has a moment or
    /// a way of its own and a gate on it takes no `during`.
    pub fn is_windowed(&self) -> bool {
        self.windowed
    }

    pub(crate) fn requirement(&self) -> MetricRequirement {
        self.requirement
    }
}

impl Unit {
    /// The units a limit may be written in, and what each is worth in this one.
    /// The empty unit is a plain number.
    pub(crate) fn accepted_units(self) -> &'static [(&'static str, f64)] {
        match self {
            Self::Millis => &[("ms", 1.0), ("s", 1e3), ("us", 1e-3), ("µs", 1e-3)],
            Self::Seconds => &[("s", 1.0), ("ms", 1e-3), ("m", 60.0), ("h", 3_600.0)],
            Self::Bytes => &[
                ("B", 1.0),
                ("KiB", 1024.0),
                ("MiB", 1_048_576.0),
                ("GiB", 1_073_741_824.0),
                ("kB", 1e3),
                ("MB", 1e6),
                ("GB", 1e9),
            ],
            Self::Count => &[("", 1.0)],
            Self::Ratio | Self::Share => &[("", 1.0), ("%", 0.01)],
            Self::PerSecond => &[("/s", 1.0), ("/min", 1.0 / 60.0)],
        }
    }

    /// A limit read from text, in this unit.
    pub(crate) fn parse_limit(self, text: &str) -> Result<f64, InvalidQuantity> {
        let (number, unit) = quantity::split_unit(text)?;
        Ok(number * quantity::unit_factor(text, unit, self.accepted_units())?)
    }

    /// What a limit looks like, for messages.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Millis => "a time such as `50ms`, `1.5s` or `800us`",
            Self::Seconds => "a time such as `90s`, `500ms` or `2m`",
            Self::Bytes => "a size such as `4KiB`, `1.5MB` or `800B`",
            Self::Count => "a plain number",
            Self::Ratio => "a plain number or a percentage, such as `1.05` or `105%`",
            Self::Share => "a percentage or a plain number, such as `60%` or `0.6`",
            Self::PerSecond => "a rate such as `200/s` or `12000/min`",
        }
    }

    /// Returns the unit as JSON and tables write it: `ms`, `per_s`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Millis => "ms",
            Self::Bytes => "bytes",
            Self::Seconds => "s",
            Self::Count => "count",
            Self::Ratio => "ratio",
            Self::Share => "share",
            Self::PerSecond => "per_s",
        }
    }

    /// The unit's name, for the reference.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Millis => "time",
            Self::Seconds => "time",
            Self::Bytes => "size",
            Self::Count => "count",
            Self::Ratio => "ratio",
            Self::Share => "share",
            Self::PerSecond => "rate",
        }
    }
}
