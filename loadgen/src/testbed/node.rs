//! The status of a node, as far as clients and the sampler see it.

/// The status of a node, which is read without waiting for an event.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct NodeStatus {
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum ProcessState {
    /// The process has not started, or has ended.
    #[default]
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

/// Returns the sort key of a node. A name without a number sorts behind the others.
pub(super) fn node_sort_key(id: &str) -> NodeSortKey {
    let digits = id.trim_start_matches(|c: char| !c.is_ascii_digit());
    (digits.parse().unwrap_or(u64::MAX), id.to_owned())
}
