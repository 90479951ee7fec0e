//! The figures of a run, from the intervals of workers and nodes.

use std::{collections::BTreeMap, time::Duration};

use highwater_reports::{
    histogram::LatencyHistogram,
    record::{
        Interval, Role,
        names::{counter, gauge, latency},
    },
};

use super::{Commands, Messages, Node, Progress, Readings, Response};

/// A worker that has told nothing for this many seconds has no rate now.
const SILENT_AFTER_S: f64 = 5.0;
/// A response time that is not followed by another is shown this long: as long
/// as a line of the latency log may be.
const SHOWN_FOR: Duration = Duration::from_secs(10);

/// Follows a run's intervals.
#[derive(Debug, Default)]
pub struct Follower {
    now: Duration,
    missed: u64,
    unanswered: Commands,
    messages_missing: u64,
    readings_refused: u64,
    heartbeat_response: Option<Fresh<Response>>,
    command_response: Option<Fresh<Response>>,
    message_latency: Option<Fresh<Response>>,
    reading_response: Option<Fresh<Response>>,
    workers: BTreeMap<String, Worker>,
    nodes: BTreeMap<String, Watched>,
}

/// A figure and when it came.
#[derive(Debug, Clone, Copy)]
struct Fresh<T> {
    came: Duration,
    value: T,
}

/// What a worker told last.
#[derive(Debug, Default)]
struct Worker {
    /// End of its last interval, in seconds on the run's clock.
    told: f64,
    sockets_open: f64,
    heartbeats_per_s: f64,
    commands_per_s: f64,
    messages_per_s: f64,
    readings_per_s: f64,
    send_lag: Option<Fresh<Duration>>,
}

/// A node, and what the next share of CPU time is counted from.
#[derive(Debug, Default)]
struct Watched {
    node: Node,
    sampled: Option<(f64, f64)>,
}

impl Follower {
    /// Takes an interval of any source in.
    pub fn follow(&mut self, interval: &Interval) {
        match interval.source.role {
            Role::Worker => self.worker(interval),
            Role::Node => {
                let id = interval.source.id.clone();
                self.nodes.entry(id).or_default().sample(interval);
            }
            _ => {}
        }
    }

    /// Takes the merged latencies of a line of the log in.
    pub fn latencies(&mut self, tag: &str, histogram: &LatencyHistogram) {
        let quantile = |q| Duration::from_micros(histogram.value_at_quantile(q));
        let came = self.now;
        let response = Fresh {
            came,
            value: Response {
                p50: quantile(0.5),
                p99: quantile(0.99),
            },
        };
        match tag {
            latency::HEARTBEAT_RESPONSE => self.heartbeat_response = Some(response),
            latency::COMMAND_RESPONSE => self.command_response = Some(response),
            latency::MESSAGE_LATENCY => self.message_latency = Some(response),
            latency::READING_RESPONSE => self.reading_response = Some(response),
            _ => {
                let worker = lagging(tag).and_then(|id| self.workers.get_mut(id));
                if let Some(worker) = worker {
                    let value = response.value.p99;
                    worker.send_lag = Some(Fresh { came, value });
                }
            }
        }
    }

    /// A worker and its sockets are gone.
    pub fn lost(&mut self, worker: &str) {
        self.workers.remove(worker);
    }

    /// How the run stands `now`, as far as its figures go.
    pub fn progress(&mut self, now: Duration) -> Progress {
        self.now = now;
        let speaking = |worker: &&Worker| worker.told + SILENT_AFTER_S >= now.as_secs_f64();
        let rate = |of: fn(&Worker) -> f64| {
            let workers = self.workers.values().filter(speaking);
            workers.map(of).sum::<f64>()
        };
        let open: f64 = self.workers.values().map(|w| w.sockets_open).sum();
        Progress {
            at: now,
            sockets_open: open as u64,
            heartbeats: super::Heartbeats {
                per_s: rate(|worker| worker.heartbeats_per_s),
                missed: self.missed,
                response: fresh(self.heartbeat_response, now),
            },
            commands: Some(Commands {
                per_s: rate(|worker| worker.commands_per_s),
                response: fresh(self.command_response, now),
                ..self.unanswered
            }),
            messages: Some(Messages {
                per_s: rate(|worker| worker.messages_per_s),
                latency: fresh(self.message_latency, now),
                missing: self.messages_missing,
            }),
            readings: Some(Readings {
                per_s: rate(|worker| worker.readings_per_s),
                response: fresh(self.reading_response, now),
                refused: self.readings_refused,
            }),
            send_lag: self.send_lag(),
            nodes: self.nodes(),
            ..Progress::default()
        }
    }

    fn send_lag(&self) -> Option<(String, Duration)> {
        let lags = self.workers.iter().filter_map(|(id, worker)| {
            let lag = fresh(worker.send_lag, self.now)?;
            Some((id.clone(), lag))
        });
        lags.max_by_key(|(_, lag)| *lag)
    }

    fn nodes(&self) -> BTreeMap<String, Node> {
        let nodes = self.nodes.iter();
        nodes.map(|(id, node)| (id.clone(), node.node)).collect()
    }

    fn worker(&mut self, interval: &Interval) {
        let counted = |name| interval.counter(name);
        let rate = |name| counted(name) as f64 / interval.length.max(1.0);
        let worker = self.workers.entry(interval.source.id.clone()).or_default();
        if let Some(open) = interval.gauge(gauge::SOCKETS_OPEN) {
            worker.sockets_open = open;
        }
        worker.told = interval.end();
        worker.heartbeats_per_s = rate(counter::HEARTBEATS_ACKNOWLEDGED);
        worker.commands_per_s = rate(counter::COMMANDS_REPLIED);
        worker.messages_per_s = rate(counter::MESSAGES_DELIVERED);
        worker.readings_per_s = rate(counter::READINGS_ACCEPTED);
        self.missed += counted(counter::HEARTBEATS_MISSED);
        self.unanswered.timed_out += counted(counter::COMMANDS_TIMED_OUT);
        self.unanswered.not_connected += counted(counter::COMMANDS_NOT_CONNECTED);
        self.unanswered.rejected += counted(counter::COMMANDS_REJECTED);
        self.unanswered.failed += counted(counter::COMMANDS_FAILED);
        let late = counted(counter::MESSAGES_REORDERED);
        let missing = self.messages_missing + counted(counter::MESSAGES_MISSING);
        self.messages_missing = missing.saturating_sub(late);
        self.readings_refused += counted(counter::READINGS_REFUSED);
    }
}

impl Watched {
    fn sample(&mut self, interval: &Interval) {
        let gauge = |name| interval.gauge(name);
        let size = |name| gauge(name).map(|value| value as u64);
        let sampled = gauge(gauge::CPU).map(|cpu| (interval.at, cpu));
        self.node = Node {
            up: gauge(gauge::UP).map(|up| up > 0.0),
            sockets: size(gauge::SOCKETS_OPEN),
            rss: size(gauge::RSS),
            heap: size(gauge::HEAP),
            open_files: size(gauge::OPEN_FILES),
            cpu: share(self.sampled, sampled),
        };
        self.sampled = sampled;
    }
}

/// CPU time between two samples (instant, CPU time so far) as a share of the
/// time between them. A process that was started anew has none yet.
fn share(before: Option<(f64, f64)>, now: Option<(f64, f64)>) -> Option<f64> {
    let ((then, used_then), (now, used)) = before.zip(now)?;
    (now > then && used >= used_then).then(|| (used - used_then) / (now - then))
}

/// The worker whose send lag has this tag.
fn lagging(tag: &str) -> Option<&str> {
    tag.strip_prefix(latency::SEND_LAG)?.strip_prefix('@')
}

fn fresh<T>(figure: Option<Fresh<T>>, now: Duration) -> Option<T> {
    figure
        .filter(|figure| figure.came + SHOWN_FOR >= now)
        .map(|figure| figure.value)
}

#[cfg(test)]
mod tests {
    use highwater_reports::{histogram, record::Source};

    use super::*;

    fn interval(role: Role, id: &str, at: f64, length: f64) -> Interval {
        Interval {
            at,
            length,
            source: Source::new(role, id),
            counters: BTreeMap::new(),
            gauges: BTreeMap::new(),
        }
    }

    fn worker(follower: &mut Follower, id: &str, second: f64, sockets: f64, beats: u64) {
        let mut told = interval(Role::Worker, id, second, 1.0);
        told.gauges.insert(gauge::SOCKETS_OPEN.to_owned(), sockets);
        for (name, count) in [
            (counter::HEARTBEATS_ACKNOWLEDGED, beats),
            (counter::HEARTBEATS_MISSED, 1),
        ] {
            told.counters.insert(name.to_owned(), count);
        }
        follower.follow(&told);
    }

    #[test]
    fn rates_are_of_the_last_interval_and_counts_of_all() {
        let mut follower = Follower::default();
        worker(&mut follower, "w1", 0.0, 10.0, 4);
        worker(&mut follower, "w1", 1.0, 20.0, 7);
        worker(&mut follower, "w2", 1.0, 30.0, 3);
        let progress = follower.progress(Duration::from_secs(2));
        assert_eq!(progress.sockets_open, 50);
        assert_eq!(progress.heartbeats.per_s, 10.0);
        assert_eq!(progress.heartbeats.missed, 3);
    }

    #[test]
    fn a_silent_worker_has_sockets_and_no_rate_and_a_lost_one_has_neither() {
        let mut follower = Follower::default();
        worker(&mut follower, "w1", 0.0, 10.0, 4);
        let silent = follower.progress(Duration::from_secs(30));
        assert_eq!((silent.sockets_open, silent.heartbeats.per_s), (10, 0.0));
        follower.lost("w1");
        assert_eq!(follower.progress(Duration::from_secs(31)).sockets_open, 0);
    }

    #[test]
    fn cpu_is_a_share_of_the_time_between_samples_of_one_process() {
        let mut follower = Follower::default();
        let mut cpu = |at, used| {
            let mut sample = interval(Role::Node, "n1", at, 0.0);
            sample.gauges.insert(gauge::CPU.to_owned(), used);
            follower.follow(&sample);
            follower.progress(Duration::from_secs_f64(at)).nodes["n1"].cpu
        };
        assert_eq!(cpu(1.0, 5.0), None);
        assert_eq!(cpu(3.0, 6.0), Some(0.5));
        assert_eq!(cpu(4.0, 0.1), None);
    }

    #[test]
    fn a_response_time_that_nothing_follows_is_forgotten() {
        let mut follower = Follower::default();
        let mut histogram = histogram::latency_histogram();
        for millis in 1..=100 {
            histogram::record(&mut histogram, Duration::from_millis(millis));
        }
        worker(&mut follower, "w1", 9.0, 1.0, 1);
        follower.progress(Duration::from_secs(10));
        follower.latencies(latency::HEARTBEAT_RESPONSE, &histogram);
        follower.latencies("send_lag@w1", &histogram);
        let soon = follower.progress(Duration::from_secs(11));
        let response = soon.heartbeats.response.unwrap();
        assert_eq!(response.p50.as_millis(), 50);
        assert_eq!(soon.send_lag.unwrap().1, response.p99);
        let later = follower.progress(Duration::from_secs(25));
        assert_eq!((later.heartbeats.response, later.send_lag), (None, None));
    }
}
