//! The figures of a run, from the intervals of workers and nodes.

use std::{collections::BTreeMap, time::Duration};

use highwater_reports::{
    histogram::LatencyHistogram,
    record::{
        Interval, SourceRole,
        names::{counter, gauge, latency},
    },
};

use super::{
    CommandProgress, MessageProgress, NodeProgress, Progress, RecentLatency, TelemetryProgress,
};

/// A worker that has told nothing for this many seconds has no rate now.
const STALE_AFTER_S: f64 = 5.0;
/// A response time that is not followed by another is shown this long: as long
/// as a line of the latency log may be.
const FRESH_FOR: Duration = Duration::from_secs(10);

/// Follows a run's intervals.
#[derive(Debug, Default)]
pub struct ProgressTracker {
    now: Duration,
    heartbeats_missed: u64,
    commands_unanswered: CommandProgress,
    messages_missing: u64,
    telemetry_rejected: u64,
    heartbeat_response: Option<Timestamped<RecentLatency>>,
    command_response: Option<Timestamped<RecentLatency>>,
    message_latency: Option<Timestamped<RecentLatency>>,
    telemetry_response: Option<Timestamped<RecentLatency>>,
    workers: BTreeMap<String, WorkerSnapshot>,
    nodes: BTreeMap<String, NodeTracker>,
}

/// A figure and when it came.
#[derive(Debug, Clone, Copy)]
struct Timestamped<T> {
    recorded_at: Duration,
    value: T,
}

/// What a worker told last.
#[derive(Debug, Default)]
struct WorkerSnapshot {
    /// End of its last interval, in seconds on the run's clock.
    interval_end_s: f64,
    sockets_open: f64,
    heartbeats_per_s: f64,
    commands_per_s: f64,
    messages_per_s: f64,
    telemetry_per_s: f64,
    send_lag: Option<Timestamped<Duration>>,
}

/// A node, and what the next share of CPU time is counted from.
#[derive(Debug, Default)]
struct NodeTracker {
    node: NodeProgress,
    last_cpu: Option<(f64, f64)>,
}

impl ProgressTracker {
    /// Takes an interval of any source in.
    pub fn record_interval(&mut self, interval: &Interval) {
        match interval.source.role {
            SourceRole::Worker => self.record_worker_interval(interval),
            SourceRole::Node => {
                let id = interval.source.id.clone();
                self.nodes.entry(id).or_default().record_sample(interval);
            }
            _ => {}
        }
    }

    /// Takes the merged latencies of a line of the log in.
    pub fn record_latencies(&mut self, tag: &str, histogram: &LatencyHistogram) {
        let quantile = |q| Duration::from_micros(histogram.value_at_quantile(q));
        let came = self.now;
        let response = Timestamped {
            recorded_at: came,
            value: RecentLatency {
                p50: quantile(0.5),
                p99: quantile(0.99),
            },
        };
        match tag {
            latency::HEARTBEAT_RESPONSE => self.heartbeat_response = Some(response),
            latency::COMMAND_RESPONSE => self.command_response = Some(response),
            latency::MESSAGE_LATENCY => self.message_latency = Some(response),
            latency::TELEMETRY_RESPONSE => self.telemetry_response = Some(response),
            _ => {
                let worker = send_lag_worker(tag).and_then(|id| self.workers.get_mut(id));
                if let Some(worker) = worker {
                    let value = response.value.p99;
                    worker.send_lag = Some(Timestamped {
                        recorded_at: came,
                        value,
                    });
                }
            }
        }
    }

    /// A worker and its sockets are gone.
    pub fn remove_worker(&mut self, worker: &str) {
        self.workers.remove(worker);
    }

    /// How the run stands `now`, as far as its figures go.
    pub fn snapshot(&mut self, now: Duration) -> Progress {
        self.now = now;
        let speaking =
            |worker: &&WorkerSnapshot| worker.interval_end_s + STALE_AFTER_S >= now.as_secs_f64();
        let rate = |of: fn(&WorkerSnapshot) -> f64| {
            let workers = self.workers.values().filter(speaking);
            workers.map(of).sum::<f64>()
        };
        let open: f64 = self.workers.values().map(|w| w.sockets_open).sum();
        Progress {
            at: now,
            sockets_open: open as u64,
            heartbeats: super::HeartbeatProgress {
                per_s: rate(|worker| worker.heartbeats_per_s),
                missed: self.heartbeats_missed,
                response_time: fresh_value(self.heartbeat_response, now),
            },
            commands: Some(CommandProgress {
                per_s: rate(|worker| worker.commands_per_s),
                response_time: fresh_value(self.command_response, now),
                ..self.commands_unanswered
            }),
            messages: Some(MessageProgress {
                per_s: rate(|worker| worker.messages_per_s),
                latency: fresh_value(self.message_latency, now),
                missing: self.messages_missing,
            }),
            telemetry: Some(TelemetryProgress {
                per_s: rate(|worker| worker.telemetry_per_s),
                response_time: fresh_value(self.telemetry_response, now),
                rejected: self.telemetry_rejected,
            }),
            send_lag: self.send_lag(),
            nodes: self.nodes(),
            ..Progress::default()
        }
    }

    fn send_lag(&self) -> Option<(String, Duration)> {
        let lags = self.workers.iter().filter_map(|(id, worker)| {
            let lag = fresh_value(worker.send_lag, self.now)?;
            Some((id.clone(), lag))
        });
        lags.max_by_key(|(_, lag)| *lag)
    }

    fn nodes(&self) -> BTreeMap<String, NodeProgress> {
        let nodes = self.nodes.iter();
        nodes.map(|(id, node)| (id.clone(), node.node)).collect()
    }

    fn record_worker_interval(&mut self, interval: &Interval) {
        let counted = |name| interval.counter(name);
        let rate = |name| counted(name) as f64 / interval.length.max(1.0);
        let worker = self.workers.entry(interval.source.id.clone()).or_default();
        if let Some(open) = interval.gauge(gauge::SOCKETS_OPEN) {
            worker.sockets_open = open;
        }
        worker.interval_end_s = interval.end();
        worker.heartbeats_per_s = rate(counter::HEARTBEATS_ACKNOWLEDGED);
        worker.commands_per_s = rate(counter::COMMANDS_REPLIED);
        worker.messages_per_s = rate(counter::MESSAGES_DELIVERED);
        worker.telemetry_per_s = rate(counter::TELEMETRY_ACCEPTED);
        self.heartbeats_missed += counted(counter::HEARTBEATS_MISSED);
        self.commands_unanswered.timed_out += counted(counter::COMMANDS_TIMED_OUT);
        self.commands_unanswered.not_connected += counted(counter::COMMANDS_NOT_CONNECTED);
        self.commands_unanswered.rejected += counted(counter::COMMANDS_REJECTED);
        self.commands_unanswered.failed += counted(counter::COMMANDS_FAILED);
        let late = counted(counter::MESSAGES_REORDERED);
        let missing = self.messages_missing + counted(counter::MESSAGES_MISSING);
        self.messages_missing = missing.saturating_sub(late);
        self.telemetry_rejected += counted(counter::TELEMETRY_REJECTED);
    }
}

impl NodeTracker {
    fn record_sample(&mut self, interval: &Interval) {
        let gauge = |name| interval.gauge(name);
        let size = |name| gauge(name).map(|value| value as u64);
        let sampled = gauge(gauge::CPU).map(|cpu| (interval.at, cpu));
        self.node = NodeProgress {
            up: gauge(gauge::UP).map(|up| up > 0.0),
            sockets: size(gauge::SOCKETS_OPEN),
            rss: size(gauge::RSS),
            heap: size(gauge::HEAP),
            open_files: size(gauge::OPEN_FILES),
            cpu: cpu_share(self.last_cpu, sampled),
        };
        self.last_cpu = sampled;
    }
}

/// CPU time between two samples (instant, CPU time so far) as a share of the
/// time between them. A process that was started anew has none yet.
fn cpu_share(before: Option<(f64, f64)>, now: Option<(f64, f64)>) -> Option<f64> {
    let ((then, used_then), (now, used)) = before.zip(now)?;
    (now > then && used >= used_then).then(|| (used - used_then) / (now - then))
}

/// The worker whose send lag has this tag.
fn send_lag_worker(tag: &str) -> Option<&str> {
    tag.strip_prefix(latency::SEND_LAG)?.strip_prefix('@')
}

fn fresh_value<T>(figure: Option<Timestamped<T>>, now: Duration) -> Option<T> {
    figure
        .filter(|figure| figure.recorded_at + FRESH_FOR >= now)
        .map(|figure| figure.value)
}

#[cfg(test)]
mod tests {
    use highwater_reports::{histogram, record::Source};

    use super::*;

    fn interval(role: SourceRole, id: &str, at: f64, length: f64) -> Interval {
        Interval {
            at,
            length,
            source: Source::new(role, id),
            counters: BTreeMap::new(),
            gauges: BTreeMap::new(),
        }
    }

    fn worker(follower: &mut ProgressTracker, id: &str, second: f64, sockets: f64, beats: u64) {
        let mut told = interval(SourceRole::Worker, id, second, 1.0);
        told.gauges.insert(gauge::SOCKETS_OPEN.to_owned(), sockets);
        for (name, count) in [
            (counter::HEARTBEATS_ACKNOWLEDGED, beats),
            (counter::HEARTBEATS_MISSED, 1),
        ] {
            told.counters.insert(name.to_owned(), count);
        }
        follower.record_interval(&told);
    }

    #[test]
    fn rates_are_of_the_last_interval_and_counts_of_all() {
        let mut follower = ProgressTracker::default();
        worker(&mut follower, "w1", 0.0, 10.0, 4);
        worker(&mut follower, "w1", 1.0, 20.0, 7);
        worker(&mut follower, "w2", 1.0, 30.0, 3);
        let progress = follower.snapshot(Duration::from_secs(2));
        assert_eq!(progress.sockets_open, 50);
        assert_eq!(progress.heartbeats.per_s, 10.0);
        assert_eq!(progress.heartbeats.missed, 3);
    }

    #[test]
    fn a_silent_worker_has_sockets_and_no_rate_and_a_lost_one_has_neither() {
        let mut follower = ProgressTracker::default();
        worker(&mut follower, "w1", 0.0, 10.0, 4);
        let silent = follower.snapshot(Duration::from_secs(30));
        assert_eq!((silent.sockets_open, silent.heartbeats.per_s), (10, 0.0));
        follower.remove_worker("w1");
        assert_eq!(follower.snapshot(Duration::from_secs(31)).sockets_open, 0);
    }

    #[test]
    fn cpu_is_a_share_of_the_time_between_samples_of_one_process() {
        let mut follower = ProgressTracker::default();
        let mut cpu = |at, used| {
            let mut sample = interval(SourceRole::Node, "n1", at, 0.0);
            sample.gauges.insert(gauge::CPU.to_owned(), used);
            follower.record_interval(&sample);
            follower.snapshot(Duration::from_secs_f64(at)).nodes["n1"].cpu
        };
        assert_eq!(cpu(1.0, 5.0), None);
        assert_eq!(cpu(3.0, 6.0), Some(0.5));
        assert_eq!(cpu(4.0, 0.1), None);
    }

    #[test]
    fn a_response_time_that_nothing_follows_is_forgotten() {
        let mut follower = ProgressTracker::default();
        let mut histogram = histogram::latency_histogram();
        for millis in 1..=100 {
            histogram::record(&mut histogram, Duration::from_millis(millis));
        }
        worker(&mut follower, "w1", 9.0, 1.0, 1);
        follower.snapshot(Duration::from_secs(10));
        follower.record_latencies(latency::HEARTBEAT_RESPONSE, &histogram);
        follower.record_latencies("send_lag@w1", &histogram);
        let soon = follower.snapshot(Duration::from_secs(11));
        let response = soon.heartbeats.response_time.unwrap();
        assert_eq!(response.p50.as_millis(), 50);
        assert_eq!(soon.send_lag.unwrap().1, response.p99);
        let later = follower.snapshot(Duration::from_secs(25));
        assert_eq!(
            (later.heartbeats.response_time, later.send_lag),
            (None, None)
        );
    }
}
