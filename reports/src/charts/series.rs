//! Lines from a record: thinned to the steps of a chart, and split where nothing was
//! measured.

use std::collections::BTreeMap;

use super::{
    chart::{Colour, Point, Series, Stroke},
    theme::SERIES,
};
use crate::{
    analysis::{processes::natural_sort_key, run_window::RunWindow, source_series::SourceSeries},
    record::{IntervalRow, SourceRole},
};

/// Number of steps between two points from which a line is split.
const GAP_STEPS: f64 = 3.5;

/// Length of the longest row that the harness writes. A longer one is that of a worker that
/// was stopped, and must not make the steps coarser.
const LONGEST_ROW_S: f64 = 10.0;

/// The points of each of several processes, by id.
pub(super) type NamedPoints = Vec<(String, Vec<Point>)>;

/// Roles of the processes of the system, with the names of their bands.
pub(super) const SYSTEM_ROLES: [(&str, SourceRole); 4] = [
    ("nodes", SourceRole::Node),
    ("broker", SourceRole::Broker),
    ("balancers", SourceRole::Balancer),
    ("consumers", SourceRole::Consumer),
];

/// Roles of all processes: those of the system, and the workers of the harness.
pub(super) const PROCESS_ROLES: [(&str, SourceRole); 5] = [
    SYSTEM_ROLES[0],
    SYSTEM_ROLES[1],
    SYSTEM_ROLES[2],
    SYSTEM_ROLES[3],
    ("workers", SourceRole::Worker),
];

/// The steps of time that charts are drawn in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeSteps {
    /// Length of a step in seconds.
    pub(crate) length_s: f64,
}

impl TimeSteps {
    /// Takes the blocks of the histograms, or the record's rows where those are longer.
    pub(super) fn of(window: &RunWindow) -> Self {
        let rows = window.record.intervals.iter().map(|row| row.length);
        let rows = rows.filter(|&length| length <= LONGEST_ROW_S);
        Self {
            length_s: rows.fold(window.record.latencies.block_s, f64::max),
        }
    }

    /// Returns the mean of the points in each step, split at gaps.
    pub(super) fn mean_lines(self, points: impl IntoIterator<Item = Point>) -> Vec<Vec<Point>> {
        let means = self.means(points);
        self.split_at_gaps(means.into_values().collect())
    }

    /// Splits a line whose points are one step apart where points are missing.
    pub(super) fn split_at_gaps(self, points: Vec<Point>) -> Vec<Vec<Point>> {
        points
            .chunk_by(|a, b| b.0 - a.0 <= self.length_s * GAP_STEPS)
            .map(<[Point]>::to_vec)
            .collect()
    }

    fn means(self, points: impl IntoIterator<Item = Point>) -> BTreeMap<i64, Point> {
        let mut sums: BTreeMap<i64, (f64, f64, f64)> = BTreeMap::new();
        for (x, y) in points {
            let sum = sums.entry((x / self.length_s).floor() as i64).or_default();
            *sum = (sum.0 + x, sum.1 + y, sum.2 + 1.0);
        }
        let mean = |(step, (x, y, n))| (step, (x / n, y / n));
        sums.into_iter().map(mean).collect()
    }

    /// Returns a counter's rate over all workers.
    pub(super) fn rate(
        self,
        window: &RunWindow,
        count: impl Fn(&IntervalRow) -> u64,
    ) -> Vec<Vec<Point>> {
        let mut total: BTreeMap<i64, f64> = BTreeMap::new();
        for (_, series) in window.sources.with_role(SourceRole::Worker) {
            // A worker's rows may be longer than a step or be missing, so its count is
            // divided by the time that its rows cover.
            let mut steps: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
            for row in series.rows().iter().filter(|row| row.length > 0.0) {
                let step = (row.middle() / self.length_s).floor() as i64;
                let sum = steps.entry(step).or_default();
                *sum = (sum.0 + count(row) as f64, sum.1 + row.length);
            }
            for (step, (count, seconds)) in steps {
                *total.entry(step).or_default() += count / seconds;
            }
        }
        let middle = |step: i64| (step as f64 + 0.5) * self.length_s;
        let rates = total.into_iter();
        let points = rates.map(|(step, rate)| (middle(step), rate));
        self.split_at_gaps(points.collect())
    }

    /// Returns one line each, or the median and the band from least to most when there are
    /// too many to tell apart. `group` names them all: `nodes`.
    pub(super) fn lines_or_band(
        self,
        group: &str,
        lines: NamedPoints,
        first: usize,
    ) -> Vec<Series> {
        match lines.len() <= SERIES {
            true => self.one_line_each(lines, first),
            false => self.band(group, lines, Colour::Series(first)),
        }
    }

    /// Returns one line for each process, or the median and the band of each role when there
    /// are too many to tell apart.
    pub(super) fn by_role(self, roles: Vec<(&str, NamedPoints)>) -> Vec<Series> {
        // All roles share one legend, so their lines are counted together.
        let count: usize = roles.iter().map(|(_, lines)| lines.len()).sum();
        if count <= SERIES {
            return self.one_line_each(roles.into_iter().flat_map(|(_, lines)| lines).collect(), 0);
        }
        let mut series = Vec::new();
        for (index, (group, lines)) in roles.into_iter().enumerate() {
            series.extend(match lines.len() {
                // A band over one or two processes would hide more than it shows.
                0..=2 => self.one_line_each(lines, index),
                _ => self.band(group, lines, Colour::Series(index)),
            });
        }
        series
    }

    fn one_line_each(self, lines: NamedPoints, first: usize) -> Vec<Series> {
        let line = |(index, (id, points)): (usize, (String, Vec<Point>))| {
            let series = Series::line(id, Colour::Series(first + index), self.mean_lines(points));
            series.with_stroke(Stroke::of(index))
        };
        lines.into_iter().enumerate().map(line).collect()
    }

    fn band(self, group: &str, lines: NamedPoints, colour: Colour) -> Vec<Series> {
        let count = lines.len();
        let mut steps: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for (_, points) in lines {
            for (step, (_, y)) in self.means(points) {
                steps.entry(step).or_default().push(y);
            }
        }
        let mut medians = Vec::new();
        let mut edges = Vec::new();
        for (step, mut values) in steps {
            values.sort_by(f64::total_cmp);
            let x = (step as f64 + 0.5) * self.length_s;
            medians.push((x, values[values.len() / 2]));
            edges.push((x, values[0], values[values.len() - 1]));
        }
        let band = edges.chunk_by(|a, b| b.0 - a.0 <= self.length_s * GAP_STEPS);
        let band = band.map(<[_]>::to_vec).collect();
        Series::band_and_median(group, count, colour, band, self.split_at_gaps(medians))
    }
}

/// Returns a gauge of each source of a role that reports it, by id.
pub(super) fn gauges(window: &RunWindow, role: SourceRole, name: &str) -> NamedPoints {
    per_source(window, role, |series| {
        series.gauge(name).map(|s| (s.at_s, s.value)).collect()
    })
}

/// Returns the growth per second of a monotonic gauge of each source of a role. The step over
/// a restart is left out.
pub(super) fn growth_rates(window: &RunWindow, role: SourceRole, name: &str) -> NamedPoints {
    per_source(window, role, |series| {
        let rates = series.rates(name).into_iter();
        rates.map(|rate| (rate.at_s, rate.value)).collect()
    })
}

fn per_source(
    window: &RunWindow,
    role: SourceRole,
    points: impl Fn(&SourceSeries) -> Vec<Point>,
) -> NamedPoints {
    let sources = window.sources.with_role(role);
    let mut lines: NamedPoints = sources
        .map(|(id, series)| (id.to_owned(), points(series)))
        .filter(|(_, points)| !points.is_empty())
        .collect();
    lines.sort_by_cached_key(|(id, _)| natural_sort_key(id));
    lines
}
