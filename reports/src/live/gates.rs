//! Gates as of now, where their metric is known while the run lasts.

use highwater_scenarios::{
    check::GateCheck,
    plan::{Gate, PhaseWindow},
};

use crate::{
    histogram::{LatencyHistogram, latency_histogram},
    metric_table::{ALL_SOURCES, PARTS, find_counter, latency_name, part_values},
    record::Phases,
};

/// A gate of a run that lasts.
#[derive(Debug)]
pub(super) struct LiveGate {
    /// Name of the gate.
    pub(super) name: String,
    /// Metric, comparison and limit.
    pub(super) check: GateCheck,
    during: Option<PhaseWindow>,
    measured: GateValue,
}

/// The value of a gate's metric so far.
#[derive(Debug)]
enum GateValue {
    /// A counter of the workers.
    Count(u64),
    /// A part of a latency, by its number.
    Latency {
        family: String,
        part: usize,
        durations: Box<LatencyHistogram>,
    },
    /// A metric that only the report computes.
    AtTheEnd,
}

impl LiveGate {
    pub(super) fn new(gate: &Gate) -> Self {
        Self {
            name: gate.name.clone(),
            check: gate.check.clone(),
            during: gate.during,
            measured: GateValue::of(&gate.check.metric),
        }
    }

    /// Adds to the metric, if it is this counter in the gate's part of the run.
    pub(super) fn record_count(&mut self, name: &str, count: u64, at_s: f64, phases: &Phases) {
        let covers = covers(phases, self.during.unwrap_or(PhaseWindow::Run), at_s);
        if let GateValue::Count(total) = &mut self.measured
            && self.check.metric == name
            && covers
        {
            *total += count;
        }
    }

    /// Adds to the metric, if it is of this latency in the gate's part of the run.
    pub(super) fn record_latency(
        &mut self,
        tag: &str,
        histogram: &LatencyHistogram,
        at_s: f64,
        phases: &Phases,
    ) {
        let GateValue::Latency {
            family, durations, ..
        } = &mut self.measured
        else {
            return;
        };
        let latency = latency_name(tag);
        // Connects happen in the ramp and after events; all other times count in the steady
        // phase, as in the summary.
        let window = match family.starts_with("sockets.") {
            true => PhaseWindow::Run,
            false => PhaseWindow::Steady,
        };
        let window = self.during.unwrap_or(window);
        if latency.name == family && latency.source == ALL_SOURCES && covers(phases, window, at_s) {
            let merged = durations.add(histogram);
            debug_assert!(merged.is_ok(), "histograms of one precision merge");
        }
    }

    /// Returns the value so far; `None` if nothing was measured yet.
    pub(super) fn value(&self) -> Option<f64> {
        match &self.measured {
            GateValue::Count(total) => Some(*total as f64),
            GateValue::Latency { durations, .. } if durations.is_empty() => None,
            GateValue::Latency {
                part, durations, ..
            } => Some(part_values(durations)[*part]),
            GateValue::AtTheEnd => None,
        }
    }

    /// Whether the check holds so far; `None` if that is not known yet.
    pub(super) fn holds(&self) -> Option<bool> {
        let value = self.value()?;
        Some(self.check.comparison.holds(value, self.check.limit))
    }
}

impl GateValue {
    fn of(metric: &str) -> Self {
        let counter = find_counter(metric);
        if counter.metric.is_some() && counter.label.is_none() {
            return Self::Count(0);
        }
        let latency = metric.rsplit_once('.').and_then(|(family, part)| {
            let part = PARTS.iter().position(|known| *known == part)?;
            Some((family.to_owned(), part))
        });
        match latency {
            Some((family, part)) => Self::Latency {
                family,
                part,
                durations: Box::new(latency_histogram()),
            },
            None => Self::AtTheEnd,
        }
    }
}

fn covers(phases: &Phases, window: PhaseWindow, at_s: f64) -> bool {
    let range = phases.range(window);
    range.is_some_and(|range| range.contains(&at_s))
}
