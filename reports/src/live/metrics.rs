//! The latest values of a run that lasts.

use std::collections::BTreeMap;

use highwater_scenarios::Plan;

use super::gates::LiveGate;
use crate::{
    histogram::LatencyHistogram,
    metric_table::{PARTS, part_values},
    record::{Interval, Phases, Source, SourceRole, TimedEvent},
};

/// Seconds after the end of a latency's line in which its percentiles are shown. Afterwards
/// nothing new was timed.
const FRESH_FOR_S: f64 = 15.0;

/// The metrics of a run that lasts, as of its last intervals.
///
/// The size depends on the number of processes and of names, and not on the length of the run.
#[derive(Debug)]
pub struct LiveMetrics {
    /// Name of the run.
    pub(super) run: String,
    /// Name of the scenario.
    pub(super) scenario: String,
    /// Counters over all workers, since the start of the run.
    pub(super) counts: BTreeMap<String, u64>,
    /// Gauges of the last interval of each source.
    pub(super) gauges: BTreeMap<Source, BTreeMap<String, f64>>,
    /// Latencies by tag.
    pub(super) latencies: BTreeMap<String, LiveLatency>,
    /// Events by kind.
    pub(super) events: BTreeMap<&'static str, u64>,
    pub(super) phases: Phases,
    pub(super) gates: Vec<LiveGate>,
    /// End of the last interval, in seconds on the run's clock.
    pub(super) now_s: f64,
}

/// A latency of a run that lasts.
#[derive(Debug, Default)]
pub(super) struct LiveLatency {
    /// Number of durations since the start of the run.
    pub(super) count: f64,
    /// Sum of the durations in milliseconds.
    pub(super) sum_ms: f64,
    /// Parts of the last line.
    last: [f64; PARTS.len()],
    /// End of the last line, in seconds on the run's clock.
    until_s: f64,
}

impl LiveMetrics {
    /// Creates the metrics of a run that has not begun.
    pub fn new(run: impl Into<String>, plan: &Plan) -> Self {
        Self {
            run: run.into(),
            scenario: plan.name.clone(),
            counts: BTreeMap::new(),
            gauges: BTreeMap::new(),
            latencies: BTreeMap::new(),
            events: BTreeMap::new(),
            phases: Phases::default(),
            gates: plan.gates.iter().map(LiveGate::new).collect(),
            now_s: 0.0,
        }
    }

    /// Takes in the counters and gauges of a source.
    pub fn record_interval(&mut self, interval: &Interval) {
        self.now_s = self.now_s.max(interval.end());
        let middle = interval.at + interval.length / 2.0;
        for (name, count) in &interval.counters {
            *self.counts.entry(name.clone()).or_default() += count;
            for gate in &mut self.gates {
                gate.record_count(name, *count, middle, &self.phases);
            }
        }
        if interval.gauges.is_empty() {
            return;
        }
        let gauges = self.gauges.entry(interval.source.clone()).or_default();
        // What a source does not report any more is not measured. The coordinator reports its
        // plan and its process one after the other.
        if interval.source.role != SourceRole::Coordinator {
            gauges.clear();
        }
        gauges.extend(interval.gauges.clone());
    }

    /// Takes in the durations of a tag in `length_s` seconds from `at_s` on the run's clock.
    pub fn record_latency(
        &mut self,
        tag: &str,
        at_s: f64,
        length_s: f64,
        histogram: &LatencyHistogram,
    ) {
        if histogram.is_empty() {
            return;
        }
        let parts = part_values(histogram);
        let latency = self.latencies.entry(tag.to_owned()).or_default();
        let [count, mean, ..] = parts;
        latency.count += count;
        latency.sum_ms += count * mean;
        // A line that comes late does not hide a newer one.
        if at_s + length_s >= latency.until_s {
            latency.until_s = at_s + length_s;
            latency.last = parts;
        }
        for gate in &mut self.gates {
            gate.record_latency(tag, histogram, at_s + length_s / 2.0, &self.phases);
        }
    }

    /// Takes in an event.
    pub fn record_event(&mut self, event: &TimedEvent) {
        *self.events.entry((&event.kind).into()).or_default() += 1;
        self.phases.add(event);
    }

    /// Removes the gauges of a worker that is lost.
    pub fn remove_worker(&mut self, id: &str) {
        self.gauges.remove(&Source::new(SourceRole::Worker, id));
    }

    /// Returns the parts of a latency, if they are of the last seconds.
    pub(super) fn fresh(&self, latency: &LiveLatency) -> Option<[f64; PARTS.len()]> {
        (latency.until_s + FRESH_FOR_S >= self.now_s).then_some(latency.last)
    }
}
