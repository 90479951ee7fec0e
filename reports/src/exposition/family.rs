//! Metric families: the names, types and units that Prometheus has for metrics of the record.

use crate::metric_table::{LatencyName, MetricId, RecordUnit, SeriesKind};

/// First part of the name of each family.
const PREFIX: &str = "highwater_run_";
/// Help of a metric that a later version recorded.
const UNKNOWN: &str = "metric that this version does not describe";
/// Endings of names that say the unit, which the family's own unit replaces.
const UNIT_ENDINGS: [&str; 3] = ["_ms", "_us", "_s"];

/// The type of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FamilyType {
    /// A count that only grows, until its process restarts.
    Counter,
    /// A value at an instant.
    Gauge,
    /// Percentiles of the last interval, with a count and a sum that grow.
    Summary,
    /// States of which one is 1.
    StateSet,
}

/// A family of series with one name.
#[derive(Debug, Clone)]
pub(crate) struct Family {
    /// Name without the endings of its samples.
    pub(crate) name: String,
    /// Type.
    pub(crate) kind: FamilyType,
    /// Base unit, which is the end of the name; empty for a number of things.
    pub(crate) unit: &'static str,
    /// Meaning, in a phrase.
    pub(crate) help: &'static str,
    /// Factor from the record's unit to the base unit.
    pub(crate) factor: f64,
}

impl Family {
    /// Returns the family of a counter or a gauge. `fallback` is the kind of a name that this
    /// version does not know.
    pub(crate) fn new(name: &str, id: MetricId<'_>, fallback: SeriesKind) -> Self {
        let kind = id.metric.map_or(fallback, |metric| metric.kind);
        let unit = id.metric.map_or(RecordUnit::Count, |metric| metric.unit);
        let known = id.metric.map_or(name, |metric| metric.name);
        let label = id.label.map(|(label, _)| label);
        Self::with_unit(
            family_name(known, label),
            match kind {
                SeriesKind::Count | SeriesKind::Total => FamilyType::Counter,
                SeriesKind::Gauge => FamilyType::Gauge,
                SeriesKind::Latency => FamilyType::Summary,
            },
            unit,
            id.metric.map_or(UNKNOWN, |metric| metric.about),
        )
    }

    /// Returns the family of a latency.
    pub(crate) fn of_latency(name: &LatencyName<'_>) -> Self {
        let help = name.metric.map_or(UNKNOWN, |metric| metric.about);
        let family = family_name(name.name, None);
        Self::with_unit(family, FamilyType::Summary, RecordUnit::Millis, help)
    }

    /// Returns a family of the run itself, such as its phase.
    pub(crate) fn of_run(name: &str, kind: FamilyType, help: &'static str) -> Self {
        Self::with_unit(format!("{PREFIX}{name}"), kind, RecordUnit::Count, help)
    }

    fn with_unit(mut name: String, kind: FamilyType, unit: RecordUnit, help: &'static str) -> Self {
        let (unit, factor) = match unit {
            RecordUnit::Count => ("", 1.0),
            RecordUnit::Bytes => ("bytes", 1.0),
            RecordUnit::Seconds => ("seconds", 1.0),
            RecordUnit::Millis => ("seconds", 1e-3),
            RecordUnit::Micros => ("seconds", 1e-6),
        };
        if !unit.is_empty() {
            name = format!("{name}_{unit}");
        }
        Self {
            name,
            kind,
            unit,
            help,
            factor,
        }
    }
}

/// Returns `highwater_run_connect_failed_by_kind` for `connect.failed` with the label `kind`.
fn family_name(name: &str, label: Option<&str>) -> String {
    let allowed = |letter: char| match letter {
        letter if letter.is_ascii_alphanumeric() => letter,
        _ => '_',
    };
    let name: String = name.chars().map(allowed).collect();
    let ending = UNIT_ENDINGS.iter().find(|ending| name.ends_with(**ending));
    let name = ending.map_or(&*name, |ending| &name[..name.len() - ending.len()]);
    match label.map(|label| format!("_by_{label}")) {
        Some(by) if !name.ends_with(&by) => format!("{PREFIX}{name}{by}"),
        _ => format!("{PREFIX}{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric_table::{find_counter, find_gauge};

    #[test]
    fn names_end_in_their_base_unit() {
        let counter = |name: &str| Family::new(name, find_counter(name), SeriesKind::Count);
        let gauge = |name: &str| Family::new(name, find_gauge(name), SeriesKind::Gauge);
        for (family, name, factor) in [
            (
                counter("sockets.opened"),
                "highwater_run_sockets_opened",
                1.0,
            ),
            (
                counter("connect.failed.status_401"),
                "highwater_run_connect_failed_by_kind",
                1.0,
            ),
            (
                counter("ramp.held_ms"),
                "highwater_run_ramp_held_seconds",
                1e-3,
            ),
            (gauge("cpu_s"), "highwater_run_cpu_seconds", 1.0),
            (gauge("rss"), "highwater_run_rss_bytes", 1.0),
            (
                gauge("balancer.sockets_by_node.n1"),
                "highwater_run_balancer_sockets_by_node",
                1.0,
            ),
            (counter("later é"), "highwater_run_later__", 1.0),
        ] {
            assert_eq!((family.name.as_str(), family.factor), (name, factor));
        }
    }
}
