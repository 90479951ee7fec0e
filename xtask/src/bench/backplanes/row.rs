//! The figures of one backplane.

/// A row of the table.
pub(super) struct Row {
    /// The name of the backplane.
    pub(super) name: &'static str,
    /// The figures, or the reason for their absence.
    pub(super) outcome: Result<Figures, String>,
}

/// The figures of a backplane; `None` for those that were not measured.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Figures {
    /// The median service time of commands to a device of the other node, in ms.
    pub(super) command_p50_ms: Option<f64>,
    /// The 99th percentile of it, in ms.
    pub(super) command_p99_ms: Option<f64>,
    /// The CPU time of both nodes for each command, half of which cross the backplane, in µs.
    pub(super) node_us_per_command: Option<f64>,
    /// The CPU time of the broker for each command, in µs.
    pub(super) broker_us_per_command: Option<f64>,
    /// The provider's list price of a million commands, half of which cross the backplane.
    pub(super) usd_per_million_commands: Option<f64>,
    /// The deliveries to subscribers per second.
    pub(super) deliveries_per_s: Option<f64>,
    /// The 99th percentile from the instant at which a message was due to its delivery, in ms.
    pub(super) delivery_p99_ms: Option<f64>,
    /// The messages that an idle node sends to the broker in an hour; commands of any kind for
    /// Redis, and billed requests for a provider's service.
    pub(super) idle_requests_per_hour: Option<f64>,
    /// The effect of a node's death.
    pub(super) node_kill: Option<Outage>,
    /// The effect of the broker's death and return after five seconds.
    pub(super) broker_kill: Option<Outage>,
}

/// The effect of an event on clients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Outage {
    /// The commands without a reply.
    pub(super) unreplied: u64,
    /// All commands.
    pub(super) issued: u64,
    /// The sockets that ended.
    pub(super) dropped_sockets: u64,
}
