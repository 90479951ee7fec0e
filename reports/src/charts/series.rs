//! From a record to lines: thinned to what a chart can show, apart where
//! nothing was measured.

use std::{cmp::Ordering, collections::BTreeMap};

use super::{
    chart::{Colour, Point, Series, SeriesShape, Stroke},
    theme::SERIES,
};
use crate::{
    analysis::{processes::natural_sort_key, run_window::RunWindow, source_series::SourceSeries},
    record::{IntervalRow, SourceRole, names::gauge},
};

/// Nothing was measured where points are this many steps apart.
const GAP_STEPS: f64 = 3.5;

/// The longest line that the harness writes by itself; a longer one is that of
/// a worker that was stopped.
const LONGEST_LINE_S: f64 = 10.0;

/// What each of several processes showed, by its id.
pub(super) type NamedPoints = Vec<(String, Vec<Point>)>;

/// Cuts time into the steps that charts are drawn in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeSteps {
    /// Length of a step in seconds.
    pub(crate) length_s: f64,
}

impl TimeSteps {
    /// As the histograms are cut, but no finer than the record's lines.
    pub(super) fn of(window: &RunWindow) -> Self {
        let lines = window.record.intervals.iter().map(|line| line.length);
        let lines = lines.filter(|&length| length <= LONGEST_LINE_S);
        Self {
            length_s: lines.fold(window.record.latencies.block_s(), f64::max),
        }
    }

    /// The mean of the points in each step, in pieces.
    pub(super) fn mean_lines(self, points: impl IntoIterator<Item = Point>) -> Vec<Vec<Point>> {
        let means = self.means(points);
        self.split_at_gaps(means.into_values().collect())
    }

    /// Pieces of a line whose points are one step apart.
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

    /// A counter's rate over all workers: each worker's count over the time
    /// that its lines cover.
    pub(super) fn rate(
        self,
        window: &RunWindow,
        count: impl Fn(&IntervalRow) -> u64,
    ) -> Vec<Vec<Point>> {
        let mut total: BTreeMap<i64, f64> = BTreeMap::new();
        for (_, series) in window.sources.with_role(SourceRole::Worker) {
            let mut steps: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
            for line in series.rows().iter().filter(|line| line.length > 0.0) {
                let step = (line.middle() / self.length_s).floor() as i64;
                let sum = steps.entry(step).or_default();
                *sum = (sum.0 + count(line) as f64, sum.1 + line.length);
            }
            for (step, (count, seconds)) in steps {
                *total.entry(step).or_default() += count / seconds;
            }
        }
        let middle = |step: i64| (step as f64 + 0.5) * self.length_s;
        self.split_at_gaps(
            total
                .into_iter()
                .map(|(step, rate)| (middle(step), rate))
                .collect(),
        )
    }

    /// One line each, or with more than can be told apart their median and the
    /// band from the least to the most. `what` names them all: `nodes`.
    pub(super) fn lines_or_band(self, what: &str, lines: NamedPoints, first: usize) -> Vec<Series> {
        match lines.len() <= SERIES {
            true => self.one_line_each(lines, first),
            false => self.band(what, lines, Colour::Series(first)),
        }
    }

    /// Processes of several roles: one line each, or, when all together are too
    /// many to be told apart, each role as its median and its band.
    pub(super) fn by_role(self, roles: Vec<(&str, NamedPoints)>) -> Vec<Series> {
        let count: usize = roles.iter().map(|(_, lines)| lines.len()).sum();
        if count <= SERIES {
            return self.one_line_each(roles.into_iter().flat_map(|(_, lines)| lines).collect(), 0);
        }
        let mut series = Vec::new();
        for (index, (what, lines)) in roles.into_iter().enumerate() {
            series.extend(match lines.len() {
                0..=2 => self.one_line_each(lines, index),
                _ => self.band(what, lines, Colour::Series(index)),
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

    fn band(self, what: &str, lines: NamedPoints, colour: Colour) -> Vec<Series> {
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
        vec![
            Series {
                label: format!("{what}, least to most of {count}"),
                colour,
                stroke: Stroke::Solid,
                shape: SeriesShape::Band(band.map(<[_]>::to_vec).collect()),
            },
            Series::line(
                format!("{what}, median"),
                colour,
                self.split_at_gaps(medians),
            ),
        ]
    }
}

/// A gauge of each source of a role that shows it, by id.
pub(super) fn gauges(window: &RunWindow, role: SourceRole, name: &str) -> NamedPoints {
    per_source(window, role, |series| {
        series.gauge(name).map(|s| (s.at_s, s.value)).collect()
    })
}

/// Processor time of each source of a role over time that passed: 1 is a core.
pub(super) fn cpu_cores_over_time(window: &RunWindow, role: SourceRole) -> NamedPoints {
    growth_rates(window, role, gauge::CPU)
}

/// How fast a gauge that only ever grows does, per second, of each source of a
/// role; not over a restart.
pub(super) fn growth_rates(window: &RunWindow, role: SourceRole, name: &str) -> NamedPoints {
    per_source(window, role, |series| {
        let grown: Vec<_> = series.gauge(name).collect();
        grown
            .windows(2)
            .filter(|pair| pair[1].value >= pair[0].value && pair[1].at_s > pair[0].at_s)
            .map(|pair| {
                let passed = pair[1].at_s - pair[0].at_s;
                (pair[1].at_s, (pair[1].value - pair[0].value) / passed)
            })
            .collect()
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
    lines.sort_by(|(a, _), (b, _)| -> Ordering { natural_sort_key(a).cmp(&natural_sort_key(b)) });
    lines
}
