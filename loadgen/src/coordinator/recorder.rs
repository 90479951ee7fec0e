//! The lines of the run record, second by second.

use std::{collections::BTreeMap, ops::Range};

use base64::{Engine, prelude::BASE64_STANDARD};
use highwater_reports::{
    RecordWriter,
    histogram::{HistogramReader, LatencyHistogram, latency_histogram},
    record::{
        Interval, Manifest, RecordError, RecordEvent, RecordLengths, Source, SourceRole,
        TimedEvent, names::latency,
    },
};

use highwater_scenarios::Plan;

use super::{
    buckets::{BUCKETS_PER_S, PendingBuckets},
    known_names::KnownNames,
    metrics_endpoint::SharedLiveMetrics,
    progress::ProgressTracker,
};
use crate::{
    clock::RunClock,
    control::{LeftOut, WorkerInterval},
};

/// Seconds after the end of an interval by which all workers' parts should have come. A
/// later part gets a line of its own.
const GRACE_S: u64 = 3;
/// Length of a run, in seconds, above which latency lines cover [`LONG_LINE_S`]: at one
/// line a second, the log of a day would have 170 MB.
const LONG_RUN_S: u64 = 3_600;
/// Length of a latency line of a long run, in seconds.
const LONG_LINE_S: u64 = 10;
/// Seconds by which the end of a worker's interval may lie ahead of the coordinator's clock.
const MAX_AHEAD_S: u64 = 5;
/// Latency lines that may wait for workers: some for the run, and some for each worker, which
/// has a line of its own each second. One takes up to 200 KiB.
const MAX_PENDING_LINES: (usize, usize) = (1_024, 8);

/// The writer of the run record.
pub struct RunRecorder {
    writer: RecordWriter,
    manifest: Manifest,
    clock: RunClock,
    /// Length of a latency line in seconds.
    latency_line_s: u64,
    /// Lines that still wait for workers.
    latency_lines: BTreeMap<LatencyLineKey, LatencyHistogram>,
    /// Buckets of 100 ms that still wait for workers.
    buckets: PendingBuckets,
    /// The progress that a person sees.
    pub progress: ProgressTracker,
    /// The metrics that are scraped, if there is an endpoint.
    live: Option<SharedLiveMetrics>,
    /// The names in the workers' intervals.
    names: KnownNames,
    /// The parts of workers' intervals that the record does not have.
    lost_parts: LostParts,
}

/// The parts of workers' intervals that the record does not have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LostParts {
    /// Histograms that could not be decoded.
    pub undecodable_histograms: u64,
    /// Intervals of a time that has not come.
    pub impossible_times: u64,
    /// Names and values that exceeded a limit.
    pub left_out: LeftOut,
}

/// The key of a line of the latency log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct LatencyLineKey {
    second: u64,
    length: u64,
    tag: String,
}

impl RunRecorder {
    /// Creates a recorder for a run of about `length_s` seconds. `writer` has written
    /// `manifest`.
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
            live: None,
            names: KnownNames::default(),
            lost_parts: LostParts::default(),
        }
    }

    /// Updates metrics that are scraped with everything that is recorded from now on.
    pub fn update_live(&mut self, live: SharedLiveMetrics) {
        self.live = Some(live);
    }

    /// Adds to the manifest, once the system is started, the balancers' configuration and
    /// the versions of other projects' programs.
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

    /// Records an event that happens now.
    pub fn record_event(&mut self, event: RecordEvent) -> Result<(), RecordError> {
        self.record_event_at(self.clock.now().as_secs_f64(), event)
    }

    /// Records an event that happens at `at`, in seconds on the run's clock.
    pub fn record_event_at(&mut self, at: f64, event: RecordEvent) -> Result<(), RecordError> {
        let event = TimedEvent { at, kind: event };
        if let Some(live) = &self.live {
            live.lock().record_event(&event);
        }
        self.writer.append_event(&event)
    }

    /// Records a sample of a process, or counts of the coordinator.
    pub fn record_interval(&mut self, interval: &Interval) -> Result<(), RecordError> {
        self.progress.record_interval(interval);
        self.append_interval(interval)
    }

    /// Forgets the sockets of a worker that is lost.
    pub fn remove_worker(&mut self, id: &str) {
        self.progress.remove_worker(id);
        if let Some(live) = &self.live {
            live.lock().remove_worker(id);
        }
    }

    /// Records the counts of a worker, as far as they are within the limits. Returns what was
    /// left out.
    pub fn record_worker_interval(
        &mut self,
        id: &str,
        mut interval: WorkerInterval,
    ) -> Result<LeftOut, RecordError> {
        let latest_end = self.clock.now().as_secs() + MAX_AHEAD_S;
        let end = interval.second.checked_add(interval.length);
        if end.is_none_or(|end| end > latest_end) {
            self.lost_parts.impossible_times += 1;
            return Ok(LeftOut::default());
        }
        interval
            .buckets
            .retain(|bucket| bucket.number <= latest_end * BUCKETS_PER_S);
        self.names.admit(id, &mut interval);
        self.lost_parts.left_out.add(interval.left_out);
        for (tag, text) in &interval.latencies {
            match decode_histogram(text) {
                Some(histogram) => self.merge_latency(id, tag, &interval, &histogram),
                // Counted, and reported as a problem at the end: latencies are missing.
                None => self.lost_parts.undecodable_histograms += 1,
            }
        }
        self.write_excess_latencies()?;
        self.buckets.add(interval.buckets);
        self.record_interval(&Interval {
            at: interval.second as f64,
            length: interval.length as f64,
            source: Source::new(SourceRole::Worker, id),
            counters: interval.counters.into_iter().collect(),
            gauges: interval.gauges.into_iter().collect(),
        })?;
        // At once: a row that waited for the next tick would be a second older when a kill
        // takes it.
        self.writer.flush()?;
        Ok(interval.left_out)
    }

    /// Records durations that the coordinator found itself, of these seconds of the run's clock,
    /// as one line.
    pub fn record_latency(
        &mut self,
        tag: &str,
        seconds: Range<u64>,
        histogram: &LatencyHistogram,
    ) -> Result<(), RecordError> {
        let line = LatencyLineKey {
            second: seconds.start,
            length: seconds.end.saturating_sub(seconds.start),
            tag: tag.to_owned(),
        };
        self.write_latency(&line, histogram)
    }

    /// Writes the lines that are complete by now and hands everything to the kernel, so that
    /// a run that is killed can be reported.
    pub fn flush(&mut self) -> Result<(), RecordError> {
        let now = self.clock.now().as_secs();
        while let Some(line) = self.latency_lines.first_entry() {
            let end = line.key().second.saturating_add(line.key().length);
            // Lines are ordered by second: all further ones are newer.
            if end + GRACE_S > now {
                break;
            }
            let (line, histogram) = line.remove_entry();
            self.write_latency(&line, &histogram)?;
        }
        self.write_buckets(now.saturating_sub(GRACE_S))?;
        self.writer.flush()
    }

    /// Writes all lines, also those that still wait for workers, and hands everything to the
    /// kernel. What comes later gets lines of its own. Returns the lengths of the files.
    pub fn flush_all(&mut self) -> Result<RecordLengths, RecordError> {
        self.finish()?;
        Ok(self.writer.lengths())
    }

    /// Whether lines of the latency log are complete at `second` of the run's clock, apart from
    /// what comes late.
    pub fn is_line_end(&self, second: u64) -> bool {
        // The intervals of a line's last second come within the second after it.
        let line_s = self.latency_line_s;
        second % line_s == 2 % line_s
    }

    /// Writes everything that is left. Returns what the record does not have.
    pub fn finish(&mut self) -> Result<LostParts, RecordError> {
        for (line, histogram) in std::mem::take(&mut self.latency_lines) {
            self.write_latency(&line, &histogram)?;
        }
        self.write_buckets(u64::MAX)?;
        self.writer.flush()?;
        Ok(self.lost_parts)
    }

    /// Writes the oldest lines while too many wait. What comes later gets lines of its own.
    fn write_excess_latencies(&mut self) -> Result<(), RecordError> {
        let (of_run, of_worker) = MAX_PENDING_LINES;
        let most = of_run + of_worker * self.manifest.workers as usize;
        while self.latency_lines.len() > most
            && let Some((line, histogram)) = self.latency_lines.pop_first()
        {
            self.write_latency(&line, &histogram)?;
        }
        Ok(())
    }

    fn merge_latency(
        &mut self,
        worker: &str,
        tag: &str,
        interval: &WorkerInterval,
        histogram: &LatencyHistogram,
    ) {
        let tag = match tag {
            // Per worker: the lag of one must not hide behind the others'.
            latency::SEND_LAG => format!("{tag}@{worker}"),
            _ => tag.to_owned(),
        };
        // An interval that is longer than a line, of a worker that could not run, gets its
        // own line.
        let line_s = self.latency_line_s;
        let (second, length) = match interval.length <= line_s {
            true => (interval.second / line_s * line_s, line_s),
            false => (interval.second, interval.length),
        };
        let line = self.latency_lines.entry(LatencyLineKey {
            second,
            length,
            tag,
        });
        // Both have the bounds of `latency_histogram`, so that adding cannot fail.
        let _ = line.or_insert_with(latency_histogram).add(histogram);
    }

    /// Writes the buckets before `second`.
    fn write_buckets(&mut self, second: u64) -> Result<(), RecordError> {
        for line in self.buckets.take_before(second) {
            self.append_interval(&line)?;
        }
        Ok(())
    }

    fn append_interval(&mut self, interval: &Interval) -> Result<(), RecordError> {
        if let Some(live) = &self.live {
            live.lock().record_interval(interval);
        }
        self.writer.append_interval(interval)
    }

    fn write_latency(
        &mut self,
        line: &LatencyLineKey,
        histogram: &LatencyHistogram,
    ) -> Result<(), RecordError> {
        self.progress.record_latencies(&line.tag, histogram);
        let (at, length) = (line.second as f64, line.length as f64);
        if let Some(live) = &self.live {
            let mut live = live.lock();
            live.record_latency(&line.tag, at, length, histogram);
        }
        self.writer.append_latency(&line.tag, at, length, histogram)
    }
}

/// Returns about how many seconds the record of a plan covers.
pub fn record_length_s(plan: &Plan) -> u64 {
    (plan.planned_ramp() + plan.duration).as_secs()
}

fn decode_histogram(text: &str) -> Option<LatencyHistogram> {
    let bytes = BASE64_STANDARD.decode(text).ok()?;
    HistogramReader::default().read(&bytes).ok()
}

#[cfg(test)]
mod tests;
