//! What goes into the run record, second by second.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use highwater_reports::{
    RecordWriter,
    histogram::{HistogramReader, LatencyHistogram},
    record::{
        Interval, Manifest, Occurrence, RecordError, Role, Source, TimedEvent, names::latency,
    },
};

use super::{buckets::Tenths, progress::Follower};
use crate::{clock::RunClock, control::WorkerInterval};

/// A worker's interval should have come this many seconds after its end; what
/// comes later gets a line of its own.
const GRACE_S: u64 = 3;
/// Runs longer than this have latency lines of [`LONG_LINE_S`].
const LONG_RUN_S: u64 = 3_600;
const LONG_LINE_S: u64 = 10;

/// Writes the record.
pub struct Ledger {
    writer: RecordWriter,
    manifest: Manifest,
    clock: RunClock,
    /// Length of a latency line in seconds.
    line_s: u64,
    /// Lines that are still coming together.
    lines: BTreeMap<Line, LatencyHistogram>,
    /// Likewise.
    tenths: Tenths,
    /// What a person sees of it.
    pub follower: Follower,
    undecodable: u64,
}

/// A line of the latency log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    second: u64,
    length: u64,
    tag: String,
}

impl Ledger {
    /// Writes to `writer`, which has this manifest, for a run of about `length_s`
    /// seconds.
    pub fn new(writer: RecordWriter, manifest: Manifest, clock: RunClock, length_s: u64) -> Self {
        Self {
            writer,
            manifest,
            clock,
            line_s: if length_s > LONG_RUN_S {
                LONG_LINE_S
            } else {
                1
            },
            lines: BTreeMap::new(),
            tenths: Tenths::default(),
            follower: Follower::default(),
            undecodable: 0,
        }
    }

    /// The system stands: what its balancers were started with, and versions of programs
    /// that are not this project's.
    pub fn system(
        &mut self,
        balancer_configuration: Option<String>,
        versions: BTreeMap<String, String>,
    ) -> Result<(), RecordError> {
        if balancer_configuration.is_none() && versions.is_empty() {
            return Ok(());
        }
        self.manifest.balancer_configuration = balancer_configuration;
        self.manifest.versions.extend(versions);
        self.writer.manifest(&self.manifest)
    }

    /// Something happens now.
    pub fn event(&mut self, what: Occurrence) -> Result<(), RecordError> {
        self.event_at(self.clock.now().as_secs_f64(), what)
    }

    /// Something happens at `at` on the run's clock.
    pub fn event_at(&mut self, at: f64, what: Occurrence) -> Result<(), RecordError> {
        self.writer.event(&TimedEvent { at, what })
    }

    /// A process was sampled, or the coordinator counted.
    pub fn interval(&mut self, interval: &Interval) -> Result<(), RecordError> {
        self.follower.follow(interval);
        self.writer.interval(interval)
    }

    /// A worker told what it counted.
    pub fn worker(&mut self, id: &str, told: WorkerInterval) -> Result<(), RecordError> {
        for (tag, text) in &told.latencies {
            match decode(text) {
                Some(histogram) => self.merge(id, tag, told.second, told.length, &histogram),
                None => self.undecodable += 1,
            }
        }
        self.tenths.add(told.tenths);
        self.interval(&Interval {
            at: told.second as f64,
            length: told.length as f64,
            source: Source::new(Role::Worker, id),
            counters: told.counters.into_iter().collect(),
            gauges: told.gauges.into_iter().collect(),
        })
    }

    /// Writes the latency lines that are complete by now and hands everything
    /// to the kernel.
    pub fn flush(&mut self) -> Result<(), RecordError> {
        let now = self.clock.now().as_secs();
        while let Some(line) = self.lines.first_entry() {
            let end = line.key().second + line.key().length;
            if end + GRACE_S > now {
                break;
            }
            let (line, histogram) = line.remove_entry();
            self.write(&line, &histogram)?;
        }
        self.write_tenths(now.saturating_sub(GRACE_S))?;
        self.writer.flush()
    }

    /// Writes everything that is left. Says how many latencies of workers
    /// could not be read.
    pub fn finish(&mut self) -> Result<u64, RecordError> {
        for (line, histogram) in std::mem::take(&mut self.lines) {
            self.write(&line, &histogram)?;
        }
        self.write_tenths(u64::MAX)?;
        self.writer.flush()?;
        Ok(self.undecodable)
    }

    fn merge(
        &mut self,
        worker: &str,
        tag: &str,
        second: u64,
        length: u64,
        histogram: &LatencyHistogram,
    ) {
        let tag = match tag {
            latency::SEND_LAG => format!("{tag}@{worker}"),
            _ => tag.to_owned(),
        };
        let line = if length <= self.line_s {
            let second = second / self.line_s * self.line_s;
            Line {
                second,
                length: self.line_s,
                tag,
            }
        } else {
            Line {
                second,
                length,
                tag,
            }
        };
        match self.lines.get_mut(&line) {
            // Both have the crate's own bounds, so adding cannot fail.
            Some(merged) => merged.add(histogram).unwrap_or(()),
            None => {
                self.lines.insert(line, histogram.clone());
            }
        }
    }

    /// Those that lie before a second.
    fn write_tenths(&mut self, second: u64) -> Result<(), RecordError> {
        for line in self.tenths.before(second) {
            self.writer.interval(&line)?;
        }
        Ok(())
    }

    fn write(&mut self, line: &Line, histogram: &LatencyHistogram) -> Result<(), RecordError> {
        self.follower.latencies(&line.tag, histogram);
        let (at, length) = (line.second as f64, line.length as f64);
        self.writer.latency(&line.tag, at, length, histogram)
    }
}

fn decode(text: &str) -> Option<LatencyHistogram> {
    let bytes = BASE64_STANDARD.decode(text).ok()?;
    HistogramReader::new().read(&bytes).ok()
}
