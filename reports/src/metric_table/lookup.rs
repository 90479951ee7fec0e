//! Descriptions of metrics, found by name.

use std::{collections::HashMap, sync::OnceLock};

use super::{counters::COUNTERS, description::RecordMetric, gauges::GAUGES};

/// A metric of a line, with the part of its name that the description leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MetricId<'n> {
    /// The description; `None` for a name that this version does not know.
    pub(crate) metric: Option<&'static RecordMetric>,
    /// The label and the value of the part behind the name: `kind`, `refused`.
    pub(crate) label: Option<(&'static str, &'n str)>,
}

/// Finds the description of a counter.
pub(crate) fn find_counter(name: &str) -> MetricId<'_> {
    static INDEX: OnceLock<MetricIndex> = OnceLock::new();
    INDEX.get_or_init(|| MetricIndex::new(COUNTERS)).find(name)
}

/// Finds the description of a gauge.
pub(crate) fn find_gauge(name: &str) -> MetricId<'_> {
    static INDEX: OnceLock<MetricIndex> = OnceLock::new();
    INDEX.get_or_init(|| MetricIndex::new(GAUGES)).find(name)
}

/// Descriptions by name. A long record looks a name up some millions of times.
struct MetricIndex {
    alone: HashMap<&'static str, &'static RecordMetric>,
    with_label: HashMap<&'static str, &'static RecordMetric>,
}

impl MetricIndex {
    fn new(metrics: &'static [RecordMetric]) -> Self {
        let by_name = |has_label: bool| {
            let metrics = metrics.iter();
            metrics
                .filter(|metric| metric.label.is_some() == has_label)
                .map(|metric| (metric.name, metric))
                .collect()
        };
        Self {
            alone: by_name(false),
            with_label: by_name(true),
        }
    }

    fn find<'n>(&self, name: &'n str) -> MetricId<'n> {
        if let Some(metric) = self.alone.get(name).copied() {
            return MetricId {
                metric: Some(metric),
                label: None,
            };
        }
        // From the left, because the name of a node may have points.
        let mut points = name.match_indices('.').map(|(at, _)| at);
        let found = points.find_map(|at| {
            let metric = *self.with_label.get(&name[..at])?;
            Some((metric, metric.label?, &name[at + 1..]))
        });
        MetricId {
            metric: found.map(|(metric, _, _)| metric),
            label: found.map(|(_, label, value)| (label, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric_table::SeriesKind;

    #[test]
    fn kind_behind_a_name_is_a_label() {
        for (name, label) in [
            ("commands.failed", None),
            ("commands.failed.status_502", Some(("kind", "status_502"))),
            ("opened.n1.example", Some(("node", "n1.example"))),
            ("opened.(other)", Some(("node", "(other)"))),
        ] {
            let found = find_counter(name);
            assert_eq!(found.label, label, "{name}");
            assert!(found.metric.is_some(), "{name}");
        }
        let unknown = find_counter("from.a.later.version");
        assert_eq!((unknown.metric, unknown.label), (None, None));
        let observed = find_gauge("observed_total.http_requests");
        assert_eq!(observed.metric.unwrap().kind, SeriesKind::Total);
    }

    #[test]
    fn every_name_of_the_record_is_described() {
        let source = include_str!("../record/names.rs");
        let mut module = "";
        let mut names = 0;
        for line in source.lines() {
            if let Some(name) = line.strip_prefix("pub mod ") {
                module = name.trim_end_matches(" {");
            }
            let Some((_, text)) = line.split_once(": &str = \"") else {
                continue;
            };
            let name = text.trim_end_matches("\";");
            let is_described = match module {
                // A part of names, and not a name.
                "conn_event" if name.starts_with('(') => true,
                "counter" | "conn_event" => {
                    find_counter(name).metric.is_some()
                        || find_counter(&format!("{name}.x")).metric.is_some()
                }
                "gauge" => {
                    find_gauge(name).metric.is_some()
                        || find_gauge(&format!("{name}.x")).metric.is_some()
                }
                _ => super::super::latency_name(name).metric.is_some(),
            };
            assert!(is_described, "{module}: {name}");
            names += 1;
        }
        assert!(names > 100, "{names}");
    }
}
