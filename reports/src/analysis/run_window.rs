//! Which part of a run a figure covers.

use std::ops::Range;

use highwater_scenarios::plan::PhaseWindow;

use super::source_series::RecordSeries;
use crate::{
    histogram::LatencyHistogram,
    record::{RunRecord, SourceRole},
    summary::Distribution,
};

/// A record with a choice of windows: what every section of the summary is
/// computed from.
pub(crate) struct RunWindow<'a> {
    pub(crate) record: &'a RunRecord,
    pub(crate) series: &'a RecordSeries<'a>,
    windows: Windows,
}

/// The part of the run that each kind of figure covers.
#[derive(Debug, Clone, Copy)]
struct Windows {
    /// Counters, peaks and what is taken at the end.
    counts: PhaseWindow,
    /// Sockets opened per second.
    opening: PhaseWindow,
    /// Times to connect.
    connect: PhaseWindow,
    /// All other distributions.
    distributions: PhaseWindow,
}

impl<'a> RunWindow<'a> {
    /// What the figures cover by themselves.
    pub(crate) fn whole_run(record: &'a RunRecord, series: &'a RecordSeries<'a>) -> Self {
        let windows = Windows {
            counts: PhaseWindow::Run,
            opening: PhaseWindow::Ramp,
            connect: PhaseWindow::Run,
            distributions: PhaseWindow::Steady,
        };
        Self {
            record,
            series,
            windows,
        }
    }

    /// All figures over one window; `None` when the run did not reach it.
    pub(crate) fn during(
        record: &'a RunRecord,
        tracks: &'a RecordSeries<'a>,
        window: PhaseWindow,
    ) -> Option<Self> {
        record.phases.range(window)?;
        let windows = Windows {
            counts: window,
            opening: window,
            connect: window,
            distributions: window,
        };
        Some(Self {
            record,
            series: tracks,
            windows,
        })
    }

    /// The instants that counters and peaks cover.
    pub(crate) fn range(&self) -> Range<f64> {
        let range = self.record.phases.range(self.windows.counts);
        range.unwrap_or(0.0..0.0)
    }

    /// The instants in which the rate of openings is taken; `None` when the run
    /// did not reach them.
    pub(crate) fn opening_range(&self) -> Option<Range<f64>> {
        self.record.phases.range(self.windows.opening)
    }

    /// The instants that distributions and rates cover, to the last thing
    /// recorded; `None` when the run did not reach them.
    pub(crate) fn distribution_range(&self) -> Option<Range<f64>> {
        let phases = &self.record.phases;
        let range = phases.range(self.windows.distributions)?;
        Some(range.start.max(0.0)..range.end.min(phases.end))
    }

    /// The instant at which figures "at end" are taken.
    pub(crate) fn end(&self) -> f64 {
        let end = self.record.phases.end_of(self.windows.counts);
        end.unwrap_or(self.record.phases.end)
    }

    /// A counter over all workers.
    pub(crate) fn counter_total(&self, name: &str) -> u64 {
        let workers = self.series.with_role(SourceRole::Worker);
        workers
            .flat_map(|(_, track)| track.rows_in(self.range()))
            .map(|line| line.counter(name))
            .sum()
    }

    /// A distribution of the steady phase.
    pub(crate) fn distribution_of(&self, tag: &str) -> Distribution {
        distribution(
            self.record
                .latencies
                .window(tag, self.windows.distributions),
        )
    }

    /// A distribution of times to connect or to come back.
    pub(crate) fn connect_distribution_of(&self, tag: &str) -> Distribution {
        distribution(self.record.latencies.window(tag, self.windows.connect))
    }
}

/// Microseconds counted, as milliseconds summarised.
pub(crate) fn distribution(histogram: Option<&LatencyHistogram>) -> Distribution {
    let Some(histogram) = histogram else {
        return Distribution::default();
    };
    let millis = |micros: u64| Some(micros as f64 / 1000.0);
    let quantile = |q: f64| millis(histogram.value_at_quantile(q));
    Distribution {
        count: histogram.len(),
        mean: Some(histogram.mean() / 1000.0),
        p50: quantile(0.5),
        p90: quantile(0.9),
        p99: quantile(0.99),
        p999: quantile(0.999),
        max: millis(histogram.max()),
    }
}
