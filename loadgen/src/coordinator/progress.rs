//! What a person sees while a run lasts.

use std::{collections::BTreeMap, time::Duration};

use highwater_reports::{
    histogram::LatencyHistogram,
    record::{
        Interval, Role,
        names::{counter, gauge, latency},
    },
};
use highwater_scenarios::plan::Window;

/// Something to show.
#[derive(Debug, Clone)]
pub enum Update {
    /// Once a second.
    Progress(Box<Progress>),
    /// When something happened, in words.
    Note {
        /// Seconds on the run's clock.
        at: Duration,
        /// What happened.
        text: String,
    },
}

/// How a run stands.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// On the run's clock.
    pub at: Duration,
    /// `None` while everything starts.
    pub phase: Option<Window>,
    /// Until the phase is over, as far as that is known.
    pub left: Option<Duration>,
    /// Sockets that the plan wants open by now.
    pub sockets_wanted: u64,
    /// Sockets that it wants in the end.
    pub sockets_planned: u64,
    /// Sockets open, as the clients count.
    pub sockets_open: u64,
    /// Heartbeats acknowledged per second.
    pub heartbeats_per_s: u64,
    /// Heartbeats missed so far.
    pub heartbeats_missed: u64,
    /// Heartbeats' response time, p50 and p99, during the last full second.
    pub heartbeat_response: Option<(Duration, Duration)>,
    /// Commands replied per second.
    pub commands_per_s: u64,
    /// Commands so far that ended otherwise than replied.
    pub commands_unanswered: u64,
    /// Commands' response time, p50 and p99, during the last full second.
    pub command_response: Option<(Duration, Duration)>,
    /// Nodes by name.
    pub nodes: BTreeMap<String, NodeLine>,
}

/// How a node stands; what was not measured is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct NodeLine {
    /// Whether it answers.
    pub up: Option<bool>,
    /// Sockets it holds.
    pub sockets: Option<u64>,
    /// Resident memory in bytes.
    pub rss: Option<u64>,
    /// Live heap in bytes.
    pub heap: Option<u64>,
    /// Open files.
    pub open_files: Option<u64>,
}

/// Follows a run's intervals.
#[derive(Default)]
pub struct Follower {
    state: Progress,
    workers: BTreeMap<String, WorkerLine>,
}

/// What a worker told last.
#[derive(Default)]
struct WorkerLine {
    sockets_open: f64,
    heartbeats_per_s: f64,
    commands_per_s: f64,
}

impl Follower {
    /// Takes an interval of any source in.
    pub fn follow(&mut self, interval: &Interval) {
        match interval.source.role {
            Role::Worker => self.worker(interval),
            Role::Node => {
                let line = node_line(interval);
                self.state.nodes.insert(interval.source.id.clone(), line);
            }
            _ => {}
        }
    }

    /// Takes the merged latencies of a full second in.
    pub fn latencies(&mut self, tag: &str, histogram: &LatencyHistogram) {
        let quantile = |q| Duration::from_micros(histogram.value_at_quantile(q));
        let pair = Some((quantile(0.5), quantile(0.99)));
        match tag {
            latency::HEARTBEAT_RESPONSE => self.state.heartbeat_response = pair,
            latency::COMMAND_RESPONSE => self.state.command_response = pair,
            _ => {}
        }
    }

    /// How the run stands now.
    pub fn progress(&self) -> Progress {
        let sum = |of: fn(&WorkerLine) -> f64| self.workers.values().map(of).sum::<f64>() as u64;
        Progress {
            sockets_open: sum(|worker| worker.sockets_open),
            heartbeats_per_s: sum(|worker| worker.heartbeats_per_s),
            commands_per_s: sum(|worker| worker.commands_per_s),
            ..self.state.clone()
        }
    }

    fn worker(&mut self, interval: &Interval) {
        let counted = |name| interval.counters.get(name).copied().unwrap_or(0);
        let rate = |name| counted(name) as f64 / interval.length.max(1.0);
        let line = self.workers.entry(interval.source.id.clone()).or_default();
        if let Some(open) = interval.gauges.get(gauge::SOCKETS_OPEN) {
            line.sockets_open = *open;
        }
        line.heartbeats_per_s = rate(counter::HEARTBEATS_ACKNOWLEDGED);
        line.commands_per_s = rate(counter::COMMANDS_REPLIED);
        self.state.heartbeats_missed += counted(counter::HEARTBEATS_MISSED);
        self.state.commands_unanswered += [
            counter::COMMANDS_TIMED_OUT,
            counter::COMMANDS_NOT_CONNECTED,
            counter::COMMANDS_REJECTED,
            counter::COMMANDS_FAILED,
        ]
        .into_iter()
        .map(counted)
        .sum::<u64>();
    }
}

fn node_line(interval: &Interval) -> NodeLine {
    let gauge = |name| interval.gauges.get(name).copied();
    let size = |name| gauge(name).map(|value| value as u64);
    NodeLine {
        up: gauge(gauge::UP).map(|up| up > 0.0),
        sockets: size(gauge::SOCKETS_OPEN),
        rss: size(gauge::RSS),
        heap: size(gauge::HEAP),
        open_files: size(gauge::OPEN_FILES),
    }
}
