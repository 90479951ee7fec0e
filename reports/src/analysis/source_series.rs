//! A record's intervals by source, in order of time.

use std::{collections::BTreeMap, ops::Range};

use crate::record::{IntervalRow, Source, SourceRole, names::gauge};

/// A gauge says nothing about an instant later than this many of its line's
/// lengths, and no line counts as shorter than a second.
const STALE_AFTER_LENGTHS: f64 = 3.0;

/// A process started at another time than before is another process. The same
/// instant as two sources of figures round it differs by less.
const SAME_START_S: f64 = 2.0;

/// A sample carries the instant at which everybody was asked, and the last answer may
/// come this much later: so near before an event it may show what the event did.
pub(crate) const ANSWERED_WITHIN_S: f64 = 1.0;

/// All sources of a record.
pub(crate) struct RecordSeries<'a> {
    by_source: BTreeMap<&'a Source, SourceSeries<'a>>,
}

/// What one source counted and showed.
#[derive(Default)]
pub(crate) struct SourceSeries<'a> {
    rows: Vec<&'a IntervalRow>,
}

/// A gauge at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    /// Seconds on the run's clock.
    pub(crate) at_s: f64,
    /// In the gauge's unit.
    pub(crate) value: f64,
}

impl<'a> RecordSeries<'a> {
    pub(crate) fn new(intervals: &'a [IntervalRow]) -> Self {
        let mut by_source: BTreeMap<&Source, SourceSeries> = BTreeMap::new();
        for interval in intervals {
            by_source
                .entry(&interval.source)
                .or_default()
                .rows
                .push(interval);
        }
        for track in by_source.values_mut() {
            track.rows.sort_by(|a, b| a.end().total_cmp(&b.end()));
        }
        Self { by_source }
    }

    /// Sources of a role by id.
    pub(crate) fn with_role(
        &self,
        role: SourceRole,
    ) -> impl Iterator<Item = (&'a str, &SourceSeries<'a>)> {
        self.by_source
            .iter()
            .filter(move |(source, _)| source.role == role)
            .map(|(source, track)| (source.id.as_str(), track))
    }

    /// A gauge summed over the sources of a role, at each whole second at which
    /// one of them showed it. Who has fallen silent or is down adds nothing.
    pub(crate) fn sum_per_second(&self, role: SourceRole, name: &str) -> Vec<Sample> {
        let mut totals = Vec::new();
        self.each_second(role, name, |at_s, values| {
            let value = values.iter().sum();
            totals.push(Sample { at_s, value });
        });
        totals
    }

    /// A gauge of the sources of a role that are up and speak, at each whole second
    /// at which one of them showed it: calls `look` with the instant and the values.
    pub(crate) fn each_second(
        &self,
        role: SourceRole,
        name: &str,
        mut look: impl FnMut(f64, &[f64]),
    ) {
        let tracks: Vec<_> = self
            .with_role(role)
            .map(|(_, track)| track.gauge_states(name))
            .collect();
        let mut readings: Vec<(usize, GaugeState)> = Vec::new();
        for (index, track) in tracks.into_iter().enumerate() {
            readings.extend(track.into_iter().map(|reading| (index, reading)));
        }
        readings.sort_by(|(_, a), (_, b)| a.at_s.total_cmp(&b.at_s));

        let mut latest: BTreeMap<usize, GaugeState> = BTreeMap::new();
        for chunk in readings.chunk_by(|(_, a), (_, b)| a.at_s.ceil() == b.at_s.ceil()) {
            latest.extend(chunk.iter().copied());
            let at_s = chunk.last().map_or(0.0, |(_, reading)| reading.at_s);
            let live = latest.values().filter_map(|reading| reading.value_at(at_s));
            let live: Vec<f64> = live.collect();
            if !live.is_empty() {
                look(at_s, &live);
            }
        }
    }
}

impl<'a> SourceSeries<'a> {
    /// All lines in order of time.
    pub(crate) fn rows(&self) -> &[&'a IntervalRow] {
        &self.rows
    }

    /// Lines whose middle lies in `range`.
    pub(crate) fn rows_in(&self, range: Range<f64>) -> impl Iterator<Item = &'a IntervalRow> {
        self.rows
            .iter()
            .copied()
            .filter(move |line| range.contains(&line.middle()))
    }

    /// A gauge wherever it was measured.
    pub(crate) fn gauge(&self, name: &str) -> impl Iterator<Item = Sample> {
        self.rows.iter().filter_map(move |line| {
            Some(Sample {
                at_s: line.end(),
                value: line.gauge(name)?,
            })
        })
    }

    /// The highest value of a gauge in `range`.
    pub(crate) fn peak(&self, name: &str, range: Range<f64>) -> Option<f64> {
        self.rows_in(range)
            .filter_map(|line| line.gauge(name))
            .max_by(f64::total_cmp)
    }

    /// A gauge as it was at `at_s`; `None` when the source was down or silent.
    pub(crate) fn value_at(&self, name: &str, at_s: f64) -> Option<f64> {
        self.gauge_states(name)
            .into_iter()
            .take_while(|reading| reading.at_s <= at_s + 1e-6)
            .last()?
            .value_at(at_s)
    }

    /// The last value of a gauge.
    pub(crate) fn last_value(&self, name: &str) -> Option<f64> {
        self.rows.iter().rev().find_map(|line| line.gauge(name))
    }

    /// How far a gauge that only ever grows grew in `range`, over restarts of
    /// the process; a process that started after `range` did began at 0.
    pub(crate) fn growth(&self, name: &str, range: Range<f64>) -> Option<f64> {
        // Of the whole run, its first sample is where a process began; after an
        // event, one that was not there before began from 0.
        let there_by = if range.start > 0.0 {
            range.start
        } else {
            STALE_AFTER_LENGTHS
        };
        let begins = self.rows.first()?.end() <= there_by;
        let before = self.gauge(name).take_while(|s| s.at_s < range.start).last();
        let mut last = before
            .map(|sample| sample.value)
            .or((!begins).then_some(0.0));
        let mut grown = None;
        for sample in self
            .gauge(name)
            .filter(|sample| range.contains(&sample.at_s))
        {
            let step = match last {
                Some(last) if sample.value >= last => sample.value - last,
                // Below what it was: it began again from 0.
                Some(_) => sample.value,
                None => 0.0,
            };
            grown = Some(grown.unwrap_or(0.0) + step);
            last = Some(sample.value);
        }
        grown
    }

    /// Whether the source was ever seen to be up in `range`.
    pub(crate) fn is_up_in(&self, range: Range<f64>) -> bool {
        self.rows_in(range)
            .any(|line| line.gauge(gauge::UP).is_none_or(|up| up > 0.0))
    }

    /// The instants at which the process was seen to be another one than
    /// before; `None` when its start was never measured.
    pub(crate) fn restarts(&self) -> Option<Vec<f64>> {
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

    /// The gauge's values and the instants at which the source was down.
    fn gauge_states(&self, name: &str) -> Vec<GaugeState> {
        let reading = |line: &&IntervalRow| {
            let down = line.gauge(gauge::UP) == Some(0.0);
            let value = line.gauge(name).filter(|_| !down);
            (down || value.is_some()).then_some(GaugeState {
                at_s: line.end(),
                value,
                valid_for_s: line.length.max(1.0) * STALE_AFTER_LENGTHS,
            })
        };
        self.rows.iter().filter_map(reading).collect()
    }
}

/// What is known of a gauge from an instant on.
#[derive(Debug, Clone, Copy)]
struct GaugeState {
    at_s: f64,
    /// `None`: the source was down.
    value: Option<f64>,
    valid_for_s: f64,
}

impl GaugeState {
    fn value_at(&self, at_s: f64) -> Option<f64> {
        self.value.filter(|_| at_s - self.at_s <= self.valid_for_s)
    }
}
