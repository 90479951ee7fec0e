//! A node: its process, and what clients and the sampler see of it.

use std::{net::SocketAddr, path::PathBuf};

use highwater_process::Child;
use tokio::sync::Mutex;

/// A node's process. An event holds the lock for as long as it works on the node, so two
/// events never work on one node at once.
#[derive(Debug)]
pub(super) struct NodeProcess {
    /// The name of the node: `n1`, `n2`, …
    pub(super) id: String,
    /// The log of the process.
    pub(super) log: PathBuf,
    /// The child; `None` before its start and after its exit.
    pub(super) process: Mutex<Option<Child>>,
}

/// The part of a node that is read without waiting for an event.
#[derive(Debug, Clone, Copy)]
pub(super) struct NodeStatus {
    /// The address at which the node listens, or did before it ended.
    pub(super) address: Option<SocketAddr>,
    /// The process id; `None` unless the process runs.
    pub(super) pid: Option<u32>,
    /// The state of the process.
    pub(super) state: ProcessState,
    /// Whether clients are sent to the node. A killed node stays routed: its clients get
    /// connection refused, as they do behind DNS.
    pub(super) is_routed: bool,
}

/// The state of a node's process.
///
/// ```text
/// Down              ─► Running     started
/// Running           ◄► Paused      pause, resume
/// Running, Paused   ─► Stopping    asked to drain or to end; a pause changes nothing then
/// Running, Paused, Stopping ─► Down
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProcessState {
    /// The process has not started, or has ended.
    Down,
    /// The process runs, and nothing asked it to end.
    Running,
    /// SIGSTOP stopped the process.
    Paused,
    /// The process was asked to end.
    Stopping,
}

/// Whether clients are still sent to a node that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoutingState {
    /// The node ended without notice, so routing is as it was.
    Unchanged,
    /// The node ended in order.
    Removed,
}

/// A key that sorts nodes by number: n2 before n10.
pub(super) type NodeSortKey = (u64, String);

impl NodeProcess {
    /// A node that does not run yet.
    pub(super) fn new(id: &str, log: PathBuf) -> Self {
        Self {
            id: id.to_owned(),
            log,
            process: Mutex::new(None),
        }
    }
}

impl Default for NodeStatus {
    fn default() -> Self {
        Self {
            address: None,
            pid: None,
            state: ProcessState::Down,
            is_routed: false,
        }
    }
}

/// Returns the sort key of a node. A name without a number sorts behind the others.
pub(super) fn node_sort_key(id: &str) -> NodeSortKey {
    let digits = id.trim_start_matches(|c: char| !c.is_ascii_digit());
    (digits.parse().unwrap_or(u64::MAX), id.to_owned())
}
