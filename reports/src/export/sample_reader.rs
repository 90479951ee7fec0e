//! Samples from the lines of a record, in the order of its files.

use std::{fmt::Write as _, io, ops::ControlFlow};

use super::{
    latency_merger::LatencyMerger,
    samples::{Sample, SampleInstant, SampleSink, SampleValue},
    source::ExportSource,
};
use crate::{
    metric_table::{
        PARTS, SeriesKind, find_counter, find_gauge, latency_name, part_values, source_kind,
    },
    record::{IntervalRow, RecordError, RecordStream, hlog::HlogLine},
};

/// The samples that an export has written.
#[derive(Debug, Default)]
pub(super) struct SampleCount {
    /// Number of samples.
    pub(super) rows: u64,
    /// End of the last one, in seconds on the run's clock.
    pub(super) until_s: f64,
}

/// Reads the record line by line and hands every sample to `sink`.
///
/// # Errors
/// When the record cannot be read. An error of the sink is inside.
pub(super) fn read_samples(
    source: &ExportSource,
    problems: &mut Vec<String>,
    sink: &mut dyn SampleSink,
) -> Result<io::Result<SampleCount>, RecordError> {
    let mut reader = SampleReader {
        source,
        sink,
        count: SampleCount::default(),
        name: String::new(),
        failed: None,
    };
    let stream = RecordStream::new(&source.dir, &source.manifest);
    stream.intervals(problems, |row| {
        let written = reader.interval(&row);
        reader.go_on(written)
    })?;
    let mut merger = LatencyMerger::default();
    if reader.failed.is_none() {
        stream.latencies(problems, |line| {
            let written = merger
                .add(line)
                .iter()
                .try_for_each(|line| reader.latency(line));
            Ok(reader.go_on(written))
        })?;
    }
    if reader.failed.is_none() {
        let written = merger.finish().try_for_each(|line| reader.latency(&line));
        // Nothing follows, so there is nothing to break off.
        let _ = reader.go_on(written);
    }
    Ok(match reader.failed {
        Some(error) => Err(error),
        None => Ok(reader.count),
    })
}

struct SampleReader<'s> {
    source: &'s ExportSource,
    sink: &'s mut dyn SampleSink,
    count: SampleCount,
    /// Name of the present part of a latency.
    name: String,
    /// The error of the sink, which ends the reading.
    failed: Option<io::Error>,
}

impl SampleReader<'_> {
    fn go_on(&mut self, written: io::Result<()>) -> ControlFlow<()> {
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    fn interval(&mut self, row: &IntervalRow) -> io::Result<()> {
        let time = self.source.instant(row.at, row.length);
        for (name, count) in row.counters() {
            let value = SampleValue::Single {
                name,
                id: find_counter(name),
                fallback: SeriesKind::Count,
                value: count as f64,
            };
            self.single(row, time, value, true)?;
        }
        for (name, value) in row.gauges() {
            let value = SampleValue::Single {
                name,
                id: find_gauge(name),
                fallback: SeriesKind::Gauge,
                value,
            };
            self.single(row, time, value, false)?;
        }
        Ok(())
    }

    fn single(
        &mut self,
        row: &IntervalRow,
        time: SampleInstant,
        value: SampleValue<'_>,
        is_counter: bool,
    ) -> io::Result<()> {
        let source = &row.source;
        let (source_kind, source) = source_kind(source.role, &source.id, value.name(), is_counter);
        self.take(&Sample {
            time,
            source_kind,
            source,
            value,
        })
    }

    fn latency(&mut self, line: &HlogLine) -> io::Result<()> {
        // An empty histogram has no percentiles.
        if line.histogram.is_empty() {
            return Ok(());
        }
        let time = self.source.instant(line.at_s, line.length_s);
        let latency = latency_name(&line.tag);
        for (part, value) in part_values(&line.histogram).into_iter().enumerate() {
            let mut name = std::mem::take(&mut self.name);
            name.clear();
            // A text takes whatever is written.
            let _ = write!(name, "{}.{}", latency.name, PARTS[part]);
            let taken = self.take(&Sample {
                time,
                source_kind: latency.source_kind,
                source: latency.source,
                value: SampleValue::Part {
                    latency,
                    part,
                    name: &name,
                    value,
                },
            });
            self.name = name;
            taken?;
        }
        Ok(())
    }

    fn take(&mut self, sample: &Sample<'_>) -> io::Result<()> {
        self.count.rows += 1;
        self.count.until_s = self.count.until_s.max(sample.time.t);
        self.sink.sample(sample)
    }
}
