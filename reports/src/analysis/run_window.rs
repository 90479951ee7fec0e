//! The part of a run that a metric covers.

use std::ops::Range;

use highwater_scenarios::plan::PhaseWindow;

use super::{distribution::Distribution, source_series::RecordSeries};
use crate::record::{IntervalRow, RunRecord, SourceRole};

/// A record with a choice of windows, from which every section of the summary is computed.
pub(crate) struct RunWindow<'a> {
    pub(crate) record: &'a RunRecord,
    pub(crate) sources: &'a RecordSeries<'a>,
    /// Window of counters, peaks, and values at the end.
    counts: PhaseWindow,
    /// Window of the rate at which sockets open.
    opening: PhaseWindow,
    /// Window of the times to connect and to reconnect.
    connect: PhaseWindow,
    /// Window of all other distributions.
    distributions: PhaseWindow,
}

impl<'a> RunWindow<'a> {
    /// Gives each metric the window that it covers without a `during`.
    pub(crate) fn whole_run(record: &'a RunRecord, sources: &'a RecordSeries<'a>) -> Self {
        Self {
            record,
            sources,
            counts: PhaseWindow::Run,
            opening: PhaseWindow::Ramp,
            // Connects happen in the ramp and after events, so they cover the whole run. Other
            // times are comparable only under the steady load.
            connect: PhaseWindow::Run,
            distributions: PhaseWindow::Steady,
        }
    }

    /// Gives all metrics the same window; `None` when the run did not reach it.
    pub(crate) fn during(
        record: &'a RunRecord,
        sources: &'a RecordSeries<'a>,
        window: PhaseWindow,
    ) -> Option<Self> {
        record.phases.range(window)?;
        Some(Self {
            record,
            sources,
            counts: window,
            opening: window,
            connect: window,
            distributions: window,
        })
    }

    /// The instants that counters and peaks cover.
    pub(crate) fn range(&self) -> Range<f64> {
        let range = self.record.phases.range(self.counts);
        range.unwrap_or(0.0..0.0)
    }

    /// The instants that the rate of opening covers; `None` when the run did not reach them.
    pub(super) fn opening_range(&self) -> Option<Range<f64>> {
        self.record.phases.range(self.opening)
    }

    /// The instants that distributions and rates cover, up to the end of the record; `None`
    /// when the run did not reach them.
    pub(super) fn distribution_range(&self) -> Option<Range<f64>> {
        let phases = &self.record.phases;
        let range = phases.range(self.distributions)?;
        Some(range.start.max(0.0)..range.end.min(phases.end))
    }

    /// The instant at which metrics "at end" are taken.
    pub(crate) fn end(&self) -> f64 {
        // The whole run is taken before the drain, in which all sockets close.
        let end = self.record.phases.end_of(self.counts);
        end.unwrap_or(self.record.phases.end)
    }

    /// The workers' rows of the window.
    pub(super) fn worker_rows(&self) -> impl Iterator<Item = &'a IntervalRow> {
        let workers = self.sources.with_role(SourceRole::Worker);
        workers.flat_map(|(_, series)| series.rows_in(self.range()))
    }

    /// The workers' rows that overlap the time between two instants, in any phase.
    pub(super) fn worker_rows_touching(
        &self,
        range: Range<f64>,
    ) -> impl Iterator<Item = &'a IntervalRow> {
        let workers = self.sources.with_role(SourceRole::Worker);
        let rows = workers.flat_map(|(_, series)| series.rows().iter().copied());
        // A row is up to 10 s long, so it may overlap the range without lying in it.
        rows.filter(move |row| row.end() > range.start && row.at < range.end)
    }

    /// Sums a counter over all workers.
    pub(crate) fn counter_total(&self, name: &str) -> u64 {
        self.worker_rows().map(|row| row.counter(name)).sum()
    }

    /// Sums all kinds of a counter, `NAME.KIND`, over all workers.
    pub(super) fn family_total(&self, name: &str) -> u64 {
        self.worker_rows().map(|row| row.family_total(name)).sum()
    }

    /// Sums a gauge over the sources of a role at an instant; `None` when none of them
    /// reported it.
    pub(super) fn sum_at(&self, role: SourceRole, name: &str, at_s: f64) -> Option<f64> {
        let sources = self.sources.with_role(role);
        sources
            .filter_map(|(_, series)| series.value_at(name, at_s))
            .reduce(|sum, value| sum + value)
    }

    /// Summarises the durations of one tag.
    pub(super) fn distribution_of(&self, tag: &str) -> Distribution {
        let latencies = &self.record.latencies;
        Distribution::of(latencies.window(tag, self.distributions))
    }

    /// Summarises times to connect or to reconnect.
    pub(super) fn connect_distribution_of(&self, tag: &str) -> Distribution {
        let latencies = &self.record.latencies;
        Distribution::of(latencies.window(tag, self.connect))
    }
}
