//! The rates, counts and latencies of a run, from the intervals of workers and nodes.

use std::{collections::BTreeMap, time::Duration};

use highwater_reports::{
    histogram::LatencyHistogram,
    record::{
        Interval, SourceRole,
        names::{counter, gauge, latency},
    },
};

use super::{
    CommandProgress, ExchangeProgress, MessageProgress, NodeProgress, Progress, RecentLatency,
    TelemetryProgress,
};

/// Age of a worker's last interval, in seconds, above which its rates count as zero.
const STALE_AFTER_S: f64 = 5.0;
/// Time for which a latency is shown when no newer one follows: the length of a line of the
/// latency log in long runs.
const FRESH_FOR: Duration = Duration::from_secs(10);

/// The tracker of a run's intervals.
#[derive(Debug, Default)]
pub struct ProgressTracker {
    /// Time of the last snapshot, on the run's clock.
    now: Duration,
    heartbeats_missed: u64,
    /// The counts of commands without a reply; its rate and latency are not used.
    commands_unanswered: CommandProgress,
    exchanges_unanswered: u64,
    messages_missing: u64,
    telemetry_rejected: u64,
    /// The last line of each tag of the latency log.
    latencies: BTreeMap<String, TimedLatency>,
    workers: BTreeMap<String, WorkerSnapshot>,
    nodes: BTreeMap<String, NodeTracker>,
}

/// A latency and the time at which it was recorded.
#[derive(Debug, Clone, Copy)]
struct TimedLatency {
    recorded_at: Duration,
    latency: RecentLatency,
}

/// The values of a worker's last interval.
#[derive(Debug, Default)]
struct WorkerSnapshot {
    /// End of the interval, in seconds on the run's clock.
    interval_end_s: f64,
    sockets_open: f64,
    heartbeats_per_s: f64,
    commands_per_s: f64,
    exchanges_per_s: f64,
    messages_per_s: f64,
    telemetry_per_s: f64,
    /// Whether the worker has sent its last counts.
    is_done: bool,
}

/// A node, and the sample from which its next CPU share is computed.
#[derive(Debug)]
struct NodeTracker {
    progress: NodeProgress,
    sample: Interval,
}

impl ProgressTracker {
    /// Takes in an interval of any source.
    pub fn record_interval(&mut self, interval: &Interval) {
        match interval.source.role {
            SourceRole::Worker => self.record_worker_interval(interval),
            SourceRole::Node => self.record_node_sample(interval),
            _ => {}
        }
    }

    /// Takes in the merged histogram of a line of the latency log.
    pub fn record_latencies(&mut self, tag: &str, histogram: &LatencyHistogram) {
        let quantile = |q| Duration::from_micros(histogram.value_at_quantile(q));
        let recorded = TimedLatency {
            recorded_at: self.now,
            latency: RecentLatency {
                p50: quantile(0.5),
                p99: quantile(0.99),
            },
        };
        self.latencies.insert(tag.to_owned(), recorded);
    }

    /// Expects counts of a worker from `from` on the run's clock.
    pub fn expect_worker(&mut self, worker: &str, from: Duration) {
        let worker = self.workers.entry(worker.to_owned()).or_default();
        worker.interval_end_s = from.as_secs_f64();
    }

    /// Expects no further counts of a worker.
    pub fn finish_worker(&mut self, worker: &str) {
        if let Some(worker) = self.workers.get_mut(worker) {
            worker.is_done = true;
        }
    }

    /// Removes a lost worker and its sockets.
    pub fn remove_worker(&mut self, worker: &str) {
        self.workers.remove(worker);
    }

    /// Returns the progress at `now`, without the phase.
    pub fn snapshot(&mut self, now: Duration) -> Progress {
        self.now = now;
        // A worker that sends nothing has no known rate; its sockets stay until its link
        // ends.
        let is_fresh =
            |worker: &&WorkerSnapshot| worker.interval_end_s + STALE_AFTER_S >= now.as_secs_f64();
        let rate = |rate_of: fn(&WorkerSnapshot) -> f64| {
            let workers = self.workers.values().filter(is_fresh);
            workers.map(rate_of).sum::<f64>()
        };
        let open: f64 = self.workers.values().map(|w| w.sockets_open).sum();
        let nodes = self.nodes.iter();
        Progress {
            at: now,
            sockets_open: open as u64,
            heartbeats: super::HeartbeatProgress {
                per_s: rate(|worker| worker.heartbeats_per_s),
                missed: self.heartbeats_missed,
                response_time: self.fresh_latency(latency::HEARTBEAT_RESPONSE),
            },
            commands: Some(CommandProgress {
                per_s: rate(|worker| worker.commands_per_s),
                response_time: self.fresh_latency(latency::COMMAND_RESPONSE),
                ..self.commands_unanswered
            }),
            exchanges: Some(ExchangeProgress {
                per_s: rate(|worker| worker.exchanges_per_s),
                response_time: self.fresh_latency(latency::EXCHANGE_RESPONSE),
                unanswered: self.exchanges_unanswered,
            }),
            messages: Some(MessageProgress {
                per_s: rate(|worker| worker.messages_per_s),
                latency: self.fresh_latency(latency::MESSAGE_LATENCY),
                missing: self.messages_missing,
            }),
            telemetry: Some(TelemetryProgress {
                per_s: rate(|worker| worker.telemetry_per_s),
                response_time: self.fresh_latency(latency::TELEMETRY_RESPONSE),
                rejected: self.telemetry_rejected,
            }),
            send_lag: self.max_send_lag(),
            silent_workers: self.silent_workers(now),
            nodes: nodes
                .map(|(id, node)| (id.clone(), node.progress))
                .collect(),
            ..Progress::default()
        }
    }

    fn silent_workers(&self, now: Duration) -> Vec<(String, Duration)> {
        let working = self.workers.iter().filter(|(_, worker)| !worker.is_done);
        let silent = working.filter_map(|(id, worker)| {
            let silence = now.as_secs_f64() - worker.interval_end_s;
            let silence = Duration::try_from_secs_f64(silence).ok()?;
            (silence.as_secs_f64() > STALE_AFTER_S).then(|| (id.clone(), silence))
        });
        silent.collect()
    }

    fn max_send_lag(&self) -> Option<(String, Duration)> {
        // By worker and not by tag: a lost worker's last line may come after its loss.
        let lags = self.workers.keys().filter_map(|id| {
            let lag = self.fresh_latency(&format!("{}@{id}", latency::SEND_LAG))?;
            Some((id.clone(), lag.p99))
        });
        lags.max_by_key(|(_, lag)| *lag)
    }

    fn fresh_latency(&self, tag: &str) -> Option<RecentLatency> {
        let recorded = self.latencies.get(tag)?;
        (recorded.recorded_at + FRESH_FOR >= self.now).then_some(recorded.latency)
    }

    fn record_worker_interval(&mut self, interval: &Interval) {
        let counted = |name| interval.counter(name);
        // An interval of a worker covers whole seconds; only a broken one says 0.
        let rate = |name| counted(name) as f64 / interval.length.max(1.0);
        let worker = self.workers.entry(interval.source.id.clone()).or_default();
        if let Some(open) = interval.gauge(gauge::SOCKETS_OPEN) {
            worker.sockets_open = open;
        }
        // Rates are those of the last interval; counts below are sums over the run.
        worker.interval_end_s = interval.end();
        worker.heartbeats_per_s = rate(counter::HEARTBEATS_ACKNOWLEDGED);
        worker.commands_per_s = rate(counter::COMMANDS_REPLIED);
        worker.exchanges_per_s = rate(counter::EXCHANGES_SENT);
        worker.messages_per_s = rate(counter::MESSAGES_DELIVERED);
        worker.telemetry_per_s = rate(counter::TELEMETRY_ACCEPTED);
        self.heartbeats_missed += counted(counter::HEARTBEATS_MISSED);
        self.commands_unanswered.timed_out += counted(counter::COMMANDS_TIMED_OUT);
        self.commands_unanswered.not_connected += counted(counter::COMMANDS_NOT_CONNECTED);
        self.commands_unanswered.rejected += counted(counter::COMMANDS_REJECTED);
        self.commands_unanswered.failed += counted(counter::COMMANDS_FAILED);
        self.exchanges_unanswered += [
            counter::EXCHANGES_REJECTED,
            counter::EXCHANGES_TIMED_OUT,
            counter::EXCHANGES_LOST,
        ]
        .map(counted)
        .iter()
        .sum::<u64>();
        // A late message was counted as missing when a later one came first.
        let late = counted(counter::MESSAGES_REORDERED);
        let missing = self.messages_missing + counted(counter::MESSAGES_MISSING);
        self.messages_missing = missing.saturating_sub(late);
        self.telemetry_rejected += counted(counter::TELEMETRY_REJECTED);
    }

    fn record_node_sample(&mut self, sample: &Interval) {
        let id = &sample.source.id;
        let before = self.nodes.get(id).map(|node| &node.sample);
        let size = |name| sample.gauge(name).map(|value| value as u64);
        let progress = NodeProgress {
            up: sample.gauge(gauge::UP).map(|up| up > 0.0),
            sockets: size(gauge::SOCKETS_OPEN),
            rss: size(gauge::RSS),
            heap: size(gauge::HEAP),
            open_files: size(gauge::OPEN_FILES),
            cpu: before.and_then(|before| cpu_share(before, sample)),
        };
        let node = NodeTracker {
            progress,
            sample: sample.clone(),
        };
        self.nodes.insert(id.clone(), node);
    }
}

/// Returns the CPU time between two samples over the time between them; `None` for a
/// process that was restarted, whose CPU time is smaller than before.
fn cpu_share(before: &Interval, now: &Interval) -> Option<f64> {
    let used = now.gauge(gauge::CPU)? - before.gauge(gauge::CPU)?;
    let elapsed = now.at - before.at;
    (elapsed > 0.0 && used >= 0.0).then(|| used / elapsed)
}

#[cfg(test)]
mod tests {
    use highwater_reports::{histogram, record::Source};

    use super::*;
    use crate::sampling::gauges::sample_interval;

    fn worker(tracker: &mut ProgressTracker, id: &str, second: f64, sockets: f64, beats: u64) {
        let counters = [
            (counter::HEARTBEATS_ACKNOWLEDGED, beats),
            (counter::HEARTBEATS_MISSED, 1),
        ];
        tracker.record_interval(&Interval {
            at: second,
            length: 1.0,
            source: Source::new(SourceRole::Worker, id),
            counters: counters
                .map(|(name, count)| (name.to_owned(), count))
                .into(),
            gauges: [(gauge::SOCKETS_OPEN.to_owned(), sockets)].into(),
        });
    }

    #[test]
    fn rates_come_from_the_last_interval_and_counts_from_all() {
        let mut tracker = ProgressTracker::default();
        worker(&mut tracker, "w1", 0.0, 10.0, 4);
        worker(&mut tracker, "w1", 1.0, 20.0, 7);
        worker(&mut tracker, "w2", 1.0, 30.0, 3);
        let progress = tracker.snapshot(Duration::from_secs(2));
        assert_eq!(progress.sockets_open, 50);
        assert_eq!(progress.heartbeats.per_s, 10.0);
        assert_eq!(progress.heartbeats.missed, 3);
    }

    #[test]
    fn stale_worker_keeps_its_sockets_until_it_is_lost() {
        let mut tracker = ProgressTracker::default();
        worker(&mut tracker, "w1", 0.0, 10.0, 4);
        assert_eq!(tracker.snapshot(Duration::from_secs(5)).silent_workers, []);
        let stale = tracker.snapshot(Duration::from_secs(30));
        assert_eq!((stale.sockets_open, stale.heartbeats.per_s), (10, 0.0));
        let silence = ("w1".to_owned(), Duration::from_secs(29));
        assert_eq!(stale.silent_workers, [silence]);
        tracker.remove_worker("w1");
        assert_eq!(tracker.snapshot(Duration::from_secs(31)).sockets_open, 0);
    }

    #[test]
    fn worker_that_never_sent_is_silent_and_one_that_is_done_is_not() {
        let mut tracker = ProgressTracker::default();
        tracker.expect_worker("w1", Duration::from_secs(40));
        tracker.expect_worker("w2", Duration::from_secs(40));
        tracker.finish_worker("w2");
        let silent = |second, tracker: &mut ProgressTracker| {
            tracker.snapshot(Duration::from_secs(second)).silent_workers
        };
        assert_eq!(silent(44, &mut tracker), []);
        let silence = ("w1".to_owned(), Duration::from_secs(10));
        assert_eq!(silent(50, &mut tracker), [silence]);
    }

    #[test]
    fn cpu_share_covers_the_time_between_samples_of_one_process() {
        let mut tracker = ProgressTracker::default();
        let mut cpu = |at, used| {
            let gauges = [(gauge::CPU.to_owned(), used)].into();
            let source = Source::new(SourceRole::Node, "n1");
            tracker.record_interval(&sample_interval(at, source, gauges));
            tracker.snapshot(Duration::from_secs_f64(at)).nodes["n1"].cpu
        };
        assert_eq!(cpu(1.0, 5.0), None);
        assert_eq!(cpu(3.0, 6.0), Some(0.5));
        assert_eq!(cpu(4.0, 0.1), None);
    }

    #[test]
    fn latency_without_a_newer_one_expires() {
        let mut tracker = ProgressTracker::default();
        let mut histogram = histogram::latency_histogram();
        for millis in 1..=100 {
            histogram::record(&mut histogram, Duration::from_millis(millis));
        }
        worker(&mut tracker, "w1", 9.0, 1.0, 1);
        tracker.snapshot(Duration::from_secs(10));
        tracker.record_latencies(latency::HEARTBEAT_RESPONSE, &histogram);
        tracker.record_latencies("send_lag@w1", &histogram);
        let soon = tracker.snapshot(Duration::from_secs(11));
        let response = soon.heartbeats.response_time.unwrap();
        assert_eq!(response.p50.as_millis(), 50);
        assert_eq!(soon.send_lag.unwrap().1, response.p99);
        let later = tracker.snapshot(Duration::from_secs(25));
        assert_eq!(later.heartbeats.response_time, None);
        assert_eq!(later.send_lag, None);
    }
}
