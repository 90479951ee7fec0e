//! Names of everything that a record can hold. Writers and readers use these;
//! neither spells a name.

/// Counters of a worker: how often something happened during an interval.
pub mod counter {
    /// Sockets whose time to open came.
    pub const SOCKETS_DUE: &str = "sockets.due";
    /// Sockets that opened for the first time.
    pub const SOCKETS_OPENED: &str = "sockets.opened";
    /// Sockets that opened again after they had been lost.
    pub const SOCKETS_REOPENED: &str = "sockets.reopened";
    /// Attempts to open that failed; by kind: `connect.failed.KIND` with the kinds
    /// `refused`, `reset`, `timeout`, `rejected` (an HTTP status other than 101),
    /// `handshake` (not a WebSocket answer), `unreachable`, and, the harness's
    /// own fault, `no-port` and `no-file`.
    pub const CONNECT_FAILED: &str = "connect.failed";
    /// Open sockets that ended other than by the drain; by kind:
    /// `disconnect.KIND` with the kinds `closed-CODE` (a close frame from the
    /// server; without a code 1005), `reset` (no close frame), `protocol`,
    /// `gave-up` (by the client, after missed heartbeats).
    pub const DISCONNECT: &str = "disconnect";
    /// Heartbeats whose time came on an open socket.
    pub const HEARTBEATS_DUE: &str = "heartbeats.due";
    /// Pings written.
    pub const HEARTBEATS_SENT: &str = "heartbeats.sent";
    /// Pings answered before the next was due.
    pub const HEARTBEATS_ACKNOWLEDGED: &str = "heartbeats.acknowledged";
    /// Heartbeats without an answer when the next was due or the socket ended.
    pub const HEARTBEATS_MISSED: &str = "heartbeats.missed";
    /// Acknowledged, but after more than a second.
    pub const HEARTBEATS_LATE: &str = "heartbeats.late";
    /// Commands whose time came.
    pub const COMMANDS_DUE: &str = "commands.due";
    /// Arrivals that found the most commands in flight already.
    pub const COMMANDS_DROPPED: &str = "commands.dropped";
    /// Commands sent.
    pub const COMMANDS_ISSUED: &str = "commands.issued";
    /// 2xx with the reply.
    pub const COMMANDS_REPLIED: &str = "commands.replied";
    /// 504, or nothing by the timeout.
    pub const COMMANDS_TIMED_OUT: &str = "commands.timed_out";
    /// 404, or 409.
    pub const COMMANDS_NOT_CONNECTED: &str = "commands.not_connected";
    /// 429 or 503.
    pub const COMMANDS_REJECTED: &str = "commands.rejected";
    /// Any other end; by kind as well: `commands.failed.KIND` with the kinds
    /// `status-NNN`, `connection`, `wrong-reply`.
    pub const COMMANDS_FAILED: &str = "commands.failed";
    /// Replies whose call was taken by the node that owned the socket.
    pub const COMMANDS_SAME_NODE: &str = "commands.same_node";
    /// Replies whose call was taken by another node.
    pub const COMMANDS_CROSS_NODE: &str = "commands.cross_node";
}

/// Gauges: what was the case at an instant. Sizes in bytes, times in seconds.
pub mod gauge {
    /// Sockets asked for so far (coordinator: what the plan wants open by now).
    pub const SOCKETS_WANTED: &str = "sockets.wanted";
    /// Sockets open: a worker's as the client counts, a node's as the server does.
    pub const SOCKETS_OPEN: &str = "sockets.open";
    /// Sockets a node has accepted since it started.
    pub const SOCKETS_ACCEPTED: &str = "sockets.accepted";
    /// Heartbeats without an answer yet (worker).
    pub const HEARTBEATS_PENDING: &str = "heartbeats.pending";
    /// Commands without an answer yet (worker).
    pub const COMMANDS_IN_FLIGHT: &str = "commands.in_flight";
    /// Resident memory of the process.
    pub const RSS: &str = "rss";
    /// Live bytes of its allocator.
    pub const HEAP: &str = "heap";
    /// Open file descriptors.
    pub const OPEN_FILES: &str = "open_files";
    /// CPU time used since the process started, in seconds.
    pub const CPU: &str = "cpu_s";
    /// When the process started, seconds since 1970; a change is a restart.
    pub const STARTED_AT: &str = "started_at_s";
    /// 1 while the process answers, 0 while it does not (node).
    pub const UP: &str = "up";
    /// Messages a node has put on the backplane since it started.
    pub const BACKPLANE_SENT: &str = "backplane.sent";
    /// Messages a node has taken from it since it started.
    pub const BACKPLANE_RECEIVED: &str = "backplane.received";
    /// Host: kernel slab memory.
    pub const KERNEL_SLAB: &str = "kernel.slab";
    /// Host: kernel memory in TCP buffers.
    pub const KERNEL_TCP: &str = "kernel.tcp";
    /// Host: memory available.
    pub const MEMORY_AVAILABLE: &str = "memory.available";
    /// Host: CPU time used by everything since boot, in seconds.
    pub const HOST_CPU: &str = "host.cpu_s";
}

/// Tags of `latency.hlog`.
pub mod latency {
    /// From the start of an attempt to the 101.
    pub const CONNECT: &str = "connect";
    /// From when a heartbeat was due to its pong.
    pub const HEARTBEAT_RESPONSE: &str = "heartbeats.response";
    /// From when its ping was written to its pong.
    pub const HEARTBEAT_SERVICE: &str = "heartbeats.service";
    /// From when a command was due to its reply (`replied` only).
    pub const COMMAND_RESPONSE: &str = "commands.response";
    /// From when it was sent to its reply.
    pub const COMMAND_SERVICE: &str = "commands.service";
    /// Service time of replies whose call was taken by the owner's node.
    pub const COMMAND_SAME_NODE: &str = "commands.same_node";
    /// Service time of replies whose call was taken by another node.
    pub const COMMAND_CROSS_NODE: &str = "commands.cross_node";
    /// From when an action was due to when the harness began it; one tag a
    /// worker: `send_lag@w1`.
    pub const SEND_LAG: &str = "send_lag";
}
