//! What a person sees while a run lasts.
//!
//! - [`stage`]: the phase, how far it has come, and what comes next;
//! - [`follower`]: the figures, from the intervals of workers and nodes.

use std::{collections::BTreeMap, time::Duration};

pub mod phase_progress;
pub mod tracker;

pub use phase_progress::{PhaseProgress, UpcomingAction};
pub use tracker::ProgressTracker;

/// Something to show.
#[derive(Debug, Clone)]
pub enum Update {
    /// Once a second.
    Progress(Box<Progress>),
    /// When something happened.
    Note(ProgressNote),
}

/// Something that happened, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgressNote {
    /// On the run's clock.
    pub at: Duration,
    /// Whether somebody wanted it.
    pub kind: NoteKind,
    /// What happened, on one line or more.
    pub text: String,
}

/// Whether somebody wanted what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteKind {
    /// The scenario or a person asked for it.
    Event,
    /// Nobody did.
    Problem,
}

/// How a run stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// On the run's clock.
    pub at: Duration,
    /// The phase and how far it has come.
    pub phase: PhaseProgress,
    /// Sockets that the plan wants open by now.
    pub sockets_wanted: u64,
    /// Sockets of all pools.
    pub sockets_planned: u64,
    /// Sockets open, as the clients count.
    pub sockets_open: u64,
    /// Heartbeats of all sockets.
    pub heartbeats: HeartbeatProgress,
    /// Commands; `None` when the scenario sends none.
    pub commands: Option<CommandProgress>,
    /// Deliveries of messages; `None` when the scenario publishes none.
    pub messages: Option<MessageProgress>,
    /// Readings; `None` when the scenario has none.
    pub telemetry: Option<TelemetryProgress>,
    /// The worker whose send lag has the highest p99, and that p99.
    pub send_lag: Option<(String, Duration)>,
    /// Nodes by name.
    pub nodes: BTreeMap<String, NodeProgress>,
}

/// How heartbeats go.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct HeartbeatProgress {
    /// Acknowledged per second.
    pub per_s: f64,
    /// Missed so far.
    pub missed: u64,
    /// Response time lately.
    pub response_time: Option<RecentLatency>,
}

/// How commands go.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CommandProgress {
    /// Replied per second.
    pub per_s: f64,
    /// Response time of replies lately.
    pub response_time: Option<RecentLatency>,
    /// So far: without an answer in time.
    pub timed_out: u64,
    /// So far: the device was not connected.
    pub not_connected: u64,
    /// So far: turned away under load.
    pub rejected: u64,
    /// So far: any other end without a reply.
    pub failed: u64,
}

/// How messages come to their subscribers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MessageProgress {
    /// Delivered per second.
    pub per_s: f64,
    /// From when a message was due to a subscriber, lately.
    pub latency: Option<RecentLatency>,
    /// Missing so far: a later message of the same publisher has come.
    pub missing: u64,
}

/// How readings go.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TelemetryProgress {
    /// Accepted per second.
    pub per_s: f64,
    /// From when a reading was due to its acceptance, lately.
    pub response_time: Option<RecentLatency>,
    /// Times that one was refused so far.
    pub rejected: u64,
}

/// A response time during the last full second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecentLatency {
    /// Half of all took at most this.
    pub p50: Duration,
    /// 99 of 100 took at most this.
    pub p99: Duration,
}

/// How a node stands; what was not measured is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct NodeProgress {
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
    /// CPU time since the sample before, as a share of one processor.
    pub cpu: Option<f64>,
}
