//! The table of samples: one row for each second, source and metric.

use std::io;

use chrono::{DateTime, Utc};

use super::column::{Cell, Column, ColumnType, TableWriter, nullable, required};
use crate::metric_table::{LatencyName, MetricId, RecordUnit, SeriesKind, SourceKind};

use ColumnType::{Label, Number, Time};

/// Columns of the table.
#[rustfmt::skip]
pub(super) const COLUMNS: &[Column] = &[
    required("time", Time, "end of the interval, or instant of the sample, in UTC"),
    required("t", Number, "the same in seconds since the run's start"),
    nullable("interval_s", Number, "seconds before `time` that the value covers; empty for a value at an instant"),
    nullable("phase", Label, "phase of the run: ramp, steady or drain; empty before the ramp"),
    required("source_kind", Label, "client, node, balancer, broker, consumer, host or harness"),
    required("source", Label, "name of the process or machine; `all` for all workers together"),
    required("metric", Label, "name of the metric"),
    required("type", Label, "count: number in the interval; gauge: value at an instant; total: since the process started; latency: of the durations in the interval"),
    nullable("unit", Label, "unit of the value; empty for a metric that this version does not know"),
    required("value", Number, "value; what was not measured has no row"),
];

/// A value of one metric at one time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample<'r> {
    /// Time of the row.
    pub(super) time: SampleInstant,
    /// Sort of source.
    pub(super) source_kind: SourceKind,
    /// Name of the source.
    pub(super) source: &'r str,
    /// Metric and value.
    pub(super) value: SampleValue<'r>,
}

/// The time that a row covers.
#[derive(Debug, Clone, Copy)]
pub(super) struct SampleInstant {
    /// End, in UTC.
    pub(super) utc: DateTime<Utc>,
    /// End, in seconds on the run's clock.
    pub(super) t: f64,
    /// Length in seconds; 0 for a sample at an instant.
    pub(super) length_s: f64,
    /// Phase that it belongs to.
    pub(super) phase: Option<&'static str>,
}

/// The metric and the value of a row.
#[derive(Debug, Clone, Copy)]
pub(super) enum SampleValue<'r> {
    /// A counter or a gauge of the record.
    Single {
        /// Name in the record.
        name: &'r str,
        /// Description.
        id: MetricId<'r>,
        /// Kind of a name without a description.
        fallback: SeriesKind,
        /// Value in the unit of the description.
        value: f64,
    },
    /// A part of a latency.
    Part {
        /// Name and description.
        latency: LatencyName<'r>,
        /// Number of the part in [`PARTS`](crate::metric_table::PARTS).
        part: usize,
        /// Full name: `heartbeats.response.p99`.
        name: &'r str,
        /// Value: milliseconds, or a count.
        value: f64,
    },
}

/// A receiver of all samples of a run.
pub(super) trait SampleSink {
    /// Takes the next sample.
    fn sample(&mut self, sample: &Sample<'_>) -> io::Result<()>;

    /// Writes what is left, and hands everything to the kernel.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// Samples as rows of a table.
pub(super) struct SampleTable<'w>(pub(super) Box<dyn TableWriter + 'w>);

impl SampleSink for SampleTable<'_> {
    fn sample(&mut self, sample: &Sample<'_>) -> io::Result<()> {
        let time = sample.time;
        let length = (time.length_s > 0.0).then_some(time.length_s);
        let value = &sample.value;
        let interval = length.filter(|_| value.covers_an_interval());
        self.0.row(&[
            Cell::Time(time.utc),
            Cell::number(time.t),
            Cell::optional_number(interval),
            Cell::optional_text(time.phase),
            Cell::Text(sample.source_kind.into()),
            Cell::Text(sample.source),
            Cell::Text(value.name()),
            Cell::Text(value.kind_label()),
            Cell::optional_text(value.unit().map(RecordUnit::label)),
            Cell::number(value.number()),
        ])
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.0.finish()
    }
}

impl<'r> SampleValue<'r> {
    /// Returns the name of the metric.
    pub(super) fn name(&self) -> &'r str {
        match self {
            Self::Single { name, .. } | Self::Part { name, .. } => name,
        }
    }

    /// Returns the value in the metric's unit.
    pub(super) fn number(&self) -> f64 {
        match self {
            Self::Single { value, .. } | Self::Part { value, .. } => *value,
        }
    }

    /// Returns the meaning of the values over time.
    pub(super) fn kind(&self) -> SeriesKind {
        match self {
            Self::Single { id, fallback, .. } => id.metric.map_or(*fallback, |metric| metric.kind),
            Self::Part { .. } => SeriesKind::Latency,
        }
    }

    fn covers_an_interval(&self) -> bool {
        matches!(self.kind(), SeriesKind::Count | SeriesKind::Latency)
    }

    fn kind_label(&self) -> &'static str {
        match self.kind() {
            SeriesKind::Count => "count",
            SeriesKind::Gauge => "gauge",
            SeriesKind::Total => "total",
            SeriesKind::Latency => "latency",
        }
    }

    fn unit(&self) -> Option<RecordUnit> {
        match self {
            Self::Single { id, .. } => id.metric.map(|metric| metric.unit),
            // The first part is the number of durations.
            Self::Part { part: 0, .. } => Some(RecordUnit::Count),
            Self::Part { .. } => Some(RecordUnit::Millis),
        }
    }
}
