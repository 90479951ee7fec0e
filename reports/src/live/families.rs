//! The values of a run that lasts as families of series.

use std::collections::BTreeMap;

use highwater_scenarios::plan::PhaseWindow;

use super::metrics::LiveMetrics;
use crate::{
    exposition::{Family, FamilyType},
    metric_table::{
        ALL_SOURCES, MetricId, PARTS, SeriesKind, SourceKind, find_counter, find_gauge,
        latency_name, source_kind,
    },
    record::SourceRole,
};

/// A family with its series.
#[derive(Debug)]
pub(super) struct LiveFamily {
    pub(super) family: Family,
    /// The latest values by labels, without those labels that all series of the run have.
    pub(super) series: BTreeMap<Labels, LiveValue>,
}

/// The labels of a series.
type Labels = Vec<(&'static str, String)>;

/// The latest value of a series, in the base unit.
#[derive(Debug)]
pub(super) enum LiveValue {
    /// A number.
    Number(f64),
    /// A latency.
    Latency {
        /// Parts of the last interval, in seconds; `None` if nothing was timed lately.
        last: Option<[f64; PARTS.len()]>,
        /// Sum since the start of the run, in seconds.
        sum: f64,
        /// Number since the start of the run.
        count: f64,
    },
}

/// Families by name.
#[derive(Default)]
struct Families(BTreeMap<String, LiveFamily>);

impl LiveMetrics {
    /// Returns the families of all values, by name.
    pub(super) fn families(&self) -> impl Iterator<Item = LiveFamily> {
        let mut families = Families::default();
        self.add_counts(&mut families);
        self.add_gauges(&mut families);
        self.add_latencies(&mut families);
        self.add_run(&mut families);
        self.add_gates(&mut families);
        families.0.into_values()
    }

    fn add_counts(&self, families: &mut Families) {
        for (name, count) in &self.counts {
            let id = find_counter(name);
            let family = Family::new(name, id, SeriesKind::Count);
            let source = (SourceKind::Client, ALL_SOURCES);
            families.add(family, labels(source, id), *count as f64);
        }
    }

    fn add_gauges(&self, families: &mut Families) {
        let mut of_clients: BTreeMap<&str, f64> = BTreeMap::new();
        for (source, gauges) in &self.gauges {
            for (name, value) in gauges {
                let about = source_kind(source.role, &source.id, name, false);
                if about.0 == SourceKind::Client && source.role == SourceRole::Worker {
                    *of_clients.entry(name).or_default() += value;
                    continue;
                }
                let id = find_gauge(name);
                let family = Family::new(name, id, SeriesKind::Gauge);
                families.add(family, labels(about, id), *value);
            }
        }
        for (name, value) in of_clients {
            let id = find_gauge(name);
            let family = Family::new(name, id, SeriesKind::Gauge);
            let source = (SourceKind::Client, ALL_SOURCES);
            families.add(family, labels(source, id), value);
        }
    }

    fn add_latencies(&self, families: &mut Families) {
        for (tag, latency) in &self.latencies {
            let name = latency_name(tag);
            let family = Family::of_latency(&name);
            let last = self.fresh(latency);
            let value = LiveValue::Latency {
                last: last.map(|parts| parts.map(|part| part * family.factor)),
                sum: latency.sum_ms * family.factor,
                count: latency.count,
            };
            let labels = source_labels((name.source_kind, name.source));
            families.push(family, labels, value);
        }
    }

    fn add_run(&self, families: &mut Families) {
        let info = Family::of_run(
            "scenario",
            FamilyType::Gauge,
            "1, with the name of the scenario as a label",
        );
        let scenario = vec![("scenario", self.scenario.clone())];
        families.add(info, scenario, 1.0);
        let clock = Family::of_run(
            "elapsed_seconds",
            FamilyType::Gauge,
            "time since the start of the run",
        );
        families.add(clock, Vec::new(), self.now_s);
        for (kind, count) in &self.events {
            let events = Family::of_run("events", FamilyType::Counter, "events of the run");
            families.add(events, vec![("kind", (*kind).to_owned())], *count as f64);
        }
        let phases = [PhaseWindow::Ramp, PhaseWindow::Steady, PhaseWindow::Drain];
        let starts = [self.phases.ramp, self.phases.steady, self.phases.drain];
        // The last one that has begun.
        let present = starts.iter().rposition(Option::is_some);
        for (number, phase) in phases.into_iter().enumerate() {
            let states = Family::of_run("phase", FamilyType::StateSet, "phase of the run");
            let phase: &str = phase.into();
            // OpenMetrics wants the label of a state to have the family's name.
            let labels = vec![("highwater_run_phase", phase.to_owned())];
            families.add(states, labels, f64::from(u8::from(present == Some(number))));
        }
    }

    fn add_gates(&self, families: &mut Families) {
        let mut states = [("holds", 0), ("fails", 0), ("unknown", 0)];
        for gate in &self.gates {
            let holds = gate.holds();
            let state = match holds {
                Some(true) => 0,
                Some(false) => 1,
                None => 2,
            };
            states[state].1 += 1;
            let labels = vec![
                ("gate", gate.name.clone()),
                ("check", gate.check.text.clone()),
            ];
            if let Some(holds) = holds {
                let help = "whether a gate holds so far: 1 or 0";
                let family = Family::of_run("gate_holds", FamilyType::Gauge, help);
                families.add(family, labels.clone(), f64::from(u8::from(holds)));
            }
            if let Some(value) = gate.value() {
                let help = "metric of a gate so far, in the unit of its limit";
                let family = Family::of_run("gate_value", FamilyType::Gauge, help);
                families.add(family, labels, value);
            }
        }
        for (state, count) in states {
            let help = "gates by their state so far; unknown until the report";
            let family = Family::of_run("gates", FamilyType::Gauge, help);
            families.add(family, vec![("state", state.to_owned())], f64::from(count));
        }
    }
}

impl Families {
    /// Adds a number, which is in the unit of the record.
    fn add(&mut self, family: Family, labels: Labels, value: f64) {
        let value = LiveValue::Number(value * family.factor);
        self.push(family, labels, value);
    }

    fn push(&mut self, family: Family, labels: Labels, value: LiveValue) {
        let entry = self.0.entry(family.name.clone());
        let family = entry.or_insert_with(|| LiveFamily {
            family,
            series: BTreeMap::new(),
        });
        // Two names may give the same series, and a scrape may have it only once.
        family.series.entry(labels).or_insert(value);
    }
}

fn labels(source: (SourceKind, &str), id: MetricId<'_>) -> Labels {
    let mut labels = source_labels(source);
    labels.extend(id.label.map(|(name, value)| (name, value.to_owned())));
    labels
}

fn source_labels((kind, source): (SourceKind, &str)) -> Labels {
    let kind: &str = kind.into();
    vec![
        ("source_kind", kind.to_owned()),
        ("source", source.to_owned()),
    ]
}
