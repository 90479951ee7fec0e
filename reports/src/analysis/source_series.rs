//! A record's intervals by source, in order of time.

use std::{collections::BTreeMap, ops::Range};

use crate::record::{IntervalRow, Source, SourceRole, names::gauge};

/// Number of row lengths after which a gauge's value is stale. Rows shorter than a second
/// count as a second long.
const STALE_AFTER_LENGTHS: f64 = 3.0;

/// Seconds by which two start times of one process may differ. Sources of metrics round
/// the start time differently; a larger difference means another process.
const SAME_START_S: f64 = 2.0;

/// Seconds within which all processes have answered the sampler. A sample carries the
/// instant of the request, so one taken this close before an event may show its effect.
pub(crate) const ANSWERED_WITHIN_S: f64 = 1.0;

/// The rows of a record, by source.
pub(crate) struct RecordSeries<'a> {
    by_source: BTreeMap<&'a Source, SourceSeries<'a>>,
}

/// The rows of one source, in order of time.
#[derive(Default)]
pub(crate) struct SourceSeries<'a> {
    rows: Vec<&'a IntervalRow>,
    /// Whether several processes answer in turn.
    has_several_processes: bool,
}

/// A gauge's value at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    /// Seconds on the run's clock.
    pub(crate) at_s: f64,
    /// Value in the gauge's unit.
    pub(crate) value: f64,
}

/// The known state of a gauge from an instant on.
#[derive(Debug, Clone, Copy)]
struct GaugeState {
    at_s: f64,
    /// `None` while the source was down.
    value: Option<f64>,
    valid_for_s: f64,
}

impl<'a> RecordSeries<'a> {
    /// Sorts the rows of a record by source and time.
    pub(crate) fn new(intervals: &'a [IntervalRow]) -> Self {
        let mut by_source: BTreeMap<&Source, SourceSeries> = BTreeMap::new();
        for interval in intervals {
            let series = by_source.entry(&interval.source).or_default();
            series.rows.push(interval);
        }
        for series in by_source.values_mut() {
            // Workers report late, so the order of the file is not the order of time.
            series.rows.sort_by(|a, b| a.end().total_cmp(&b.end()));
            series.has_several_processes = series.start_time_falls();
        }
        Self { by_source }
    }

    /// Returns the sources of a role with their ids.
    pub(crate) fn with_role(
        &self,
        role: SourceRole,
    ) -> impl Iterator<Item = (&'a str, &SourceSeries<'a>)> {
        self.by_source
            .iter()
            .filter(move |(source, _)| source.role == role)
            .map(|(source, series)| (source.id.as_str(), series))
    }

    /// Sums a gauge over the sources of a role, once for each whole second in which one of
    /// them reported it. Sources that are down or silent add nothing.
    pub(crate) fn sum_per_second(&self, role: SourceRole, name: &str) -> Vec<Sample> {
        let mut totals = Vec::new();
        self.each_second(role, name, |at_s, values| {
            let value = values.iter().sum();
            totals.push(Sample { at_s, value });
        });
        totals
    }

    /// Calls `each` with the instant and the known values of a gauge, once for each whole
    /// second in which a source of the role reported it.
    pub(super) fn each_second(
        &self,
        role: SourceRole,
        name: &str,
        mut each: impl FnMut(f64, &[f64]),
    ) {
        let mut states: Vec<(usize, GaugeState)> = Vec::new();
        for (index, (_, series)) in self.with_role(role).enumerate() {
            let of_source = series.gauge_states(name).into_iter();
            states.extend(of_source.map(|state| (index, state)));
        }
        states.sort_by(|(_, a), (_, b)| a.at_s.total_cmp(&b.at_s));

        // Sources are sampled a few milliseconds apart, so the samples of one second are
        // taken together; a source without one keeps its last state until that is stale.
        let mut latest: BTreeMap<usize, GaugeState> = BTreeMap::new();
        for chunk in states.chunk_by(|(_, a), (_, b)| a.at_s.ceil() == b.at_s.ceil()) {
            latest.extend(chunk.iter().copied());
            let at_s = chunk.last().map_or(0.0, |(_, state)| state.at_s);
            let live = latest.values().filter_map(|state| state.value_at(at_s));
            let live: Vec<f64> = live.collect();
            if !live.is_empty() {
                each(at_s, &live);
            }
        }
    }
}

impl<'a> SourceSeries<'a> {
    /// All rows in order of time.
    pub(crate) fn rows(&self) -> &[&'a IntervalRow] {
        &self.rows
    }

    /// Returns the rows whose middle lies in `range`.
    pub(crate) fn rows_in(&self, range: Range<f64>) -> impl Iterator<Item = &'a IntervalRow> {
        self.rows
            .iter()
            .copied()
            // A row that crosses a phase's end counts where most of it lies, and only once.
            .filter(move |row| range.contains(&row.middle()))
    }

    /// Returns every sample of a gauge.
    pub(crate) fn gauge(&self, name: &str) -> impl Iterator<Item = Sample> {
        self.rows.iter().filter_map(move |row| {
            Some(Sample {
                at_s: row.end(),
                value: self.measured(row, name)?,
            })
        })
    }

    /// Returns the gauge of a row. If several processes answer in turn, each row has the
    /// value of one of them, so all gauges except `up` count as not measured.
    fn measured(&self, row: &IntervalRow, name: &str) -> Option<f64> {
        let is_mixed = self.has_several_processes && name != gauge::UP;
        row.gauge(name).filter(|_| !is_mixed)
    }

    /// Returns the highest value of a gauge in `range`.
    pub(super) fn peak(&self, name: &str, range: Range<f64>) -> Option<f64> {
        self.rows_in(range)
            .filter_map(|row| self.measured(row, name))
            .max_by(f64::total_cmp)
    }

    /// Returns a gauge's value at an instant; `None` when the source was down or silent.
    pub(crate) fn value_at(&self, name: &str, at_s: f64) -> Option<f64> {
        self.gauge_states(name)
            .into_iter()
            // Instants are sums of floats; a microsecond covers their rounding.
            .take_while(|state| state.at_s <= at_s + 1e-6)
            .last()?
            .value_at(at_s)
    }

    /// Returns the last value of a gauge.
    pub(super) fn last_value(&self, name: &str) -> Option<f64> {
        self.rows
            .iter()
            .rev()
            .find_map(|row| self.measured(row, name))
    }

    /// Returns how far a monotonic gauge grew in `range`, summed over restarts of the
    /// process. A process that started after the beginning of `range` began at 0.
    pub(crate) fn growth(&self, name: &str, range: Range<f64>) -> Option<f64> {
        // Over the whole run, the first sample is the baseline: a target may have started
        // long before the run. After an event, an absent process started from 0.
        let present_by = match range.start > 0.0 {
            true => range.start,
            false => STALE_AFTER_LENGTHS,
        };
        let was_present = self.rows.first()?.end() <= present_by;
        let before = self.gauge(name).take_while(|s| s.at_s < range.start).last();
        let mut last = before
            .map(|sample| sample.value)
            .or((!was_present).then_some(0.0));
        let mut growth = None;
        for sample in self.gauge(name).filter(|s| range.contains(&s.at_s)) {
            let step = match last {
                Some(last) if sample.value >= last => sample.value - last,
                // A lower value means that the process restarted and counts from 0 again.
                Some(_) => sample.value,
                None => 0.0,
            };
            growth = Some(growth.unwrap_or(0.0) + step);
            last = Some(sample.value);
        }
        growth
    }

    /// Returns the growth per second of a monotonic gauge from each sample to the next, at the
    /// instant of the later one. The step over a restart is left out.
    pub(crate) fn rates(&self, name: &str) -> Vec<Sample> {
        let samples: Vec<Sample> = self.gauge(name).collect();
        samples
            .windows(2)
            // A falling gauge means a restart, whose rate would be negative.
            .filter(|pair| pair[1].value >= pair[0].value && pair[1].at_s > pair[0].at_s)
            .map(|pair| Sample {
                at_s: pair[1].at_s,
                value: (pair[1].value - pair[0].value) / (pair[1].at_s - pair[0].at_s),
            })
            .collect()
    }

    /// Whether the source was up at any time in `range`.
    pub(super) fn is_up_in(&self, range: Range<f64>) -> bool {
        self.rows_in(range)
            // Workers do not report `up`; their own row proves that they were up.
            .any(|row| row.gauge(gauge::UP).is_none_or(|up| up > 0.0))
    }

    /// Whether several processes answer in turn, as behind a balancer.
    pub(super) fn has_several_processes(&self) -> bool {
        self.has_several_processes
    }

    /// Whether a start time is earlier than one before it. Such a sample belongs to another
    /// process, because a restart only raises the start time.
    fn start_time_falls(&self) -> bool {
        let mut latest = f64::NEG_INFINITY;
        let mut starts = self
            .rows
            .iter()
            .filter_map(|row| row.gauge(gauge::STARTED_AT));
        starts.any(|start| {
            latest = latest.max(start);
            latest - start > SAME_START_S
        })
    }

    /// Returns the instants at which a new process was first seen; `None` when the start
    /// time was never measured, or when several processes answer in turn.
    pub(super) fn restarts(&self) -> Option<Vec<f64>> {
        let mut starts = self.gauge(gauge::STARTED_AT);
        let mut current = starts.next()?.value;
        let mut restarts = Vec::new();
        for start in starts {
            if (start.value - current).abs() > SAME_START_S {
                restarts.push(start.at_s);
                current = start.value;
            }
        }
        Some(restarts)
    }

    /// Returns the gauge's values and the instants at which the source was down.
    fn gauge_states(&self, name: &str) -> Vec<GaugeState> {
        let state = |row: &&IntervalRow| {
            let down = row.gauge(gauge::UP) == Some(0.0);
            let value = self.measured(row, name).filter(|_| !down);
            (down || value.is_some()).then_some(GaugeState {
                at_s: row.end(),
                value,
                valid_for_s: row.length.max(1.0) * STALE_AFTER_LENGTHS,
            })
        };
        self.rows.iter().filter_map(state).collect()
    }
}

impl GaugeState {
    fn value_at(&self, at_s: f64) -> Option<f64> {
        self.value.filter(|_| at_s - self.at_s <= self.valid_for_s)
    }
}
