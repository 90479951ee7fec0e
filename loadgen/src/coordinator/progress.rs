//! The progress of a run as a person sees it.
//!
//! - [`phase_progress`]: the phase, its position in time, and the next event;
//! - [`tracker`]: rates, counts and latencies, from the intervals of workers and nodes.

use std::{collections::BTreeMap, time::Duration};

pub mod phase_progress;
pub mod tracker;

pub use phase_progress::{PhaseProgress, UpcomingAction};
pub use tracker::ProgressTracker;

/// An update for the person who watches the run.
#[derive(Debug, Clone)]
pub enum Update {
    /// The state of the run, once a second.
    Progress(Box<Progress>),
    /// A note, when something happened.
    Note(ProgressNote),
}

/// A note that something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgressNote {
    /// Time on the run's clock.
    pub at: Duration,
    /// Whether the scenario or a person requested it.
    pub kind: NoteKind,
    /// The text, of one line or more.
    pub text: String,
}

/// The kind of a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteKind {
    /// The scenario or a person requested what happened.
    Event,
    /// A failure, or an event that was not requested.
    Problem,
}

/// The state of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// Time on the run's clock.
    pub at: Duration,
    /// The phase and its position in time.
    pub phase: PhaseProgress,
    /// Sockets that the plan wants open now.
    pub sockets_wanted: u64,
    /// Sockets of all pools.
    pub sockets_planned: u64,
    /// Open sockets, as the workers count them.
    pub sockets_open: u64,
    /// Heartbeats of all sockets.
    pub heartbeats: HeartbeatProgress,
    /// Commands; `None` if the scenario sends none.
    pub commands: Option<CommandProgress>,
    /// Messages of devices; `None` if the scenario has no `[[messages]]`.
    pub exchanges: Option<ExchangeProgress>,
    /// Deliveries of messages; `None` if the scenario publishes none.
    pub messages: Option<MessageProgress>,
    /// Telemetry; `None` if the scenario sends none.
    pub telemetry: Option<TelemetryProgress>,
    /// The worker with the highest p99 of send lag, and that p99.
    pub send_lag: Option<(String, Duration)>,
    /// The workers that have sent no counts for some seconds, and for how long. Their sockets
    /// are those of their last counts.
    pub silent_workers: Vec<(String, Duration)>,
    /// The nodes by name.
    pub nodes: BTreeMap<String, NodeProgress>,
}

/// The progress of heartbeats.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct HeartbeatProgress {
    /// Acknowledged per second.
    pub per_s: f64,
    /// Missed so far.
    pub missed: u64,
    /// Response time during the last second.
    pub response_time: Option<RecentLatency>,
}

/// The progress of commands.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CommandProgress {
    /// Replied per second.
    pub per_s: f64,
    /// Response time of replies during the last second.
    pub response_time: Option<RecentLatency>,
    /// Commands so far without a reply in time.
    pub timed_out: u64,
    /// Commands so far whose device was not connected.
    pub not_connected: u64,
    /// Commands so far that the system rejected under load.
    pub rejected: u64,
    /// Commands so far that failed otherwise.
    pub failed: u64,
}

/// The progress of messages that devices send on their own sockets.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ExchangeProgress {
    /// Sent per second.
    pub per_s: f64,
    /// Response time of answers during the last second.
    pub response_time: Option<RecentLatency>,
    /// Messages so far without an answer: rejected, timed out, or lost with their socket.
    pub unanswered: u64,
}

/// The progress of messages to topics.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MessageProgress {
    /// Delivered per second.
    pub per_s: f64,
    /// Time from when a message was due until a subscriber had it, during the last second.
    pub latency: Option<RecentLatency>,
    /// Messages missing so far: a later one of the same publisher has come.
    pub missing: u64,
}

/// The progress of telemetry.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TelemetryProgress {
    /// Accepted per second.
    pub per_s: f64,
    /// Time from when a record was due until its acceptance, during the last second.
    pub response_time: Option<RecentLatency>,
    /// Rejections so far.
    pub rejected: u64,
}

/// A latency during the last full second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecentLatency {
    /// Half of all values are at most this.
    pub p50: Duration,
    /// 99 of 100 values are at most this.
    pub p99: Duration,
}

/// The state of a node. What was not measured is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct NodeProgress {
    /// Whether it answers.
    pub up: Option<bool>,
    /// Sockets that it holds.
    pub sockets: Option<u64>,
    /// Resident memory, in bytes.
    pub rss: Option<u64>,
    /// Live heap, in bytes.
    pub heap: Option<u64>,
    /// Open files.
    pub open_files: Option<u64>,
    /// CPU time since the last sample, in cores.
    pub cpu: Option<f64>,
}
