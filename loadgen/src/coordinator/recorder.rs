//! What goes into the run record, second by second.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use highwater_reports::{
    RecordWriter,
    histogram::{HistogramReader, LatencyHistogram},
    record::{
        Interval, Manifest, RecordError, RecordEvent, Source, SourceRole, TimedEvent,
        names::latency,
    },
};

use super::{buckets::PendingBuckets, progress::ProgressTracker};
use crate::{clock::RunClock, control::WorkerInterval};

/// A worker's interval should have come this many seconds after its end; what
/// comes later gets a line of its own.
const GRACE_S: u64 = 3;
/// Runs longer than this have latency lines of [`LONG_LINE_S`].
const LONG_RUN_S: u64 = 3_600;
const LONG_LINE_S: u64 = 10;

/// Writes the record.
pub struct RunRecorder {
    writer: RecordWriter,
    manifest: Manifest,
    clock: RunClock,
    /// Length of a latency line in seconds.
    latency_line_s: u64,
    /// Lines that are still coming together.
    latency_lines: BTreeMap<LatencyLineKey, LatencyHistogram>,
    /// Likewise.
    buckets: PendingBuckets,
    /// What a person sees of it.
    pub progress: ProgressTracker,
    undecodable_histograms: u64,
}

/// A line of the latency log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct LatencyLineKey {
    second: u64,
    length: u64,
    tag: String,
}

impl RunRecorder {
    /// Writes to `writer`, which has this manifest, for a run of about `length_s`
    /// seconds.
    pub fn new(writer: RecordWriter, manifest: Manifest, clock: RunClock, length_s: u64) -> Self {
        Self {
            writer,
            manifest,
            clock,
            latency_line_s: if length_s > LONG_RUN_S {
                LONG_LINE_S
            } else {
                1
            },
            latency_lines: BTreeMap::new(),
            buckets: PendingBuckets::default(),
            progress: ProgressTracker::default(),
            undecodable_histograms: 0,
        }
    }

    /// The system stands: what its balancers were started with, and versions of programs
    /// that are not this project's.
    pub fn record_system(
        &mut self,
        balancer_configuration: Option<String>,
        versions: BTreeMap<String, String>,
    ) -> Result<(), RecordError> {
        if balancer_configuration.is_none() && versions.is_empty() {
            return Ok(());
        }
        self.manifest.balancer_configuration = balancer_configuration;
        self.manifest.versions.extend(versions);
        self.writer.replace_manifest(&self.manifest)
    }

    /// Something happens now.
    pub fn record_event(&mut self, what: RecordEvent) -> Result<(), RecordError> {
        self.record_event_at(self.clock.now().as_secs_f64(), what)
    }

    /// Something happens at `at` on the run's clock.
    pub fn record_event_at(&mut self, at: f64, what: RecordEvent) -> Result<(), RecordError> {
        self.writer.append_event(&TimedEvent { at, kind: what })
    }

    /// A process was sampled, or the coordinator counted.
    pub fn record_interval(&mut self, interval: &Interval) -> Result<(), RecordError> {
        self.progress.record_interval(interval);
        self.writer.append_interval(interval)
    }

    /// A worker told what it counted.
    pub fn record_worker_interval(
        &mut self,
        id: &str,
        told: WorkerInterval,
    ) -> Result<(), RecordError> {
        for (tag, text) in &told.latencies {
            match decode_histogram(text) {
                Some(histogram) => {
                    self.merge_latency(id, tag, told.second, told.length, &histogram)
                }
                None => self.undecodable_histograms += 1,
            }
        }
        self.buckets.add(told.buckets);
        self.record_interval(&Interval {
            at: told.second as f64,
            length: told.length as f64,
            source: Source::new(SourceRole::Worker, id),
            counters: told.counters.into_iter().collect(),
            gauges: told.gauges.into_iter().collect(),
        })
    }

    /// Writes the latency lines that are complete by now and hands everything
    /// to the kernel.
    pub fn flush(&mut self) -> Result<(), RecordError> {
        let now = self.clock.now().as_secs();
        while let Some(line) = self.latency_lines.first_entry() {
            let end = line.key().second + line.key().length;
            if end + GRACE_S > now {
                break;
            }
            let (line, histogram) = line.remove_entry();
            self.write_latency(&line, &histogram)?;
        }
        self.write_buckets(now.saturating_sub(GRACE_S))?;
        self.writer.flush()
    }

    /// Writes everything that is left. Says how many latencies of workers
    /// could not be read.
    pub fn finish(&mut self) -> Result<u64, RecordError> {
        for (line, histogram) in std::mem::take(&mut self.latency_lines) {
            self.write_latency(&line, &histogram)?;
        }
        self.write_buckets(u64::MAX)?;
        self.writer.flush()?;
        Ok(self.undecodable_histograms)
    }

    fn merge_latency(
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
        let line = if length <= self.latency_line_s {
            let second = second / self.latency_line_s * self.latency_line_s;
            LatencyLineKey {
                second,
                length: self.latency_line_s,
                tag,
            }
        } else {
            LatencyLineKey {
                second,
                length,
                tag,
            }
        };
        match self.latency_lines.get_mut(&line) {
            // Both have the crate's own bounds, so adding cannot fail.
            Some(merged) => merged.add(histogram).unwrap_or(()),
            None => {
                self.latency_lines.insert(line, histogram.clone());
            }
        }
    }

    /// Those that lie before a second.
    fn write_buckets(&mut self, second: u64) -> Result<(), RecordError> {
        for line in self.buckets.take_before(second) {
            self.writer.append_interval(&line)?;
        }
        Ok(())
    }

    fn write_latency(
        &mut self,
        line: &LatencyLineKey,
        histogram: &LatencyHistogram,
    ) -> Result<(), RecordError> {
        self.progress.record_latencies(&line.tag, histogram);
        let (at, length) = (line.second as f64, line.length as f64);
        self.writer.append_latency(&line.tag, at, length, histogram)
    }
}

fn decode_histogram(text: &str) -> Option<LatencyHistogram> {
    let bytes = BASE64_STANDARD.decode(text).ok()?;
    HistogramReader::new().read(&bytes).ok()
}
