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
    /// `refused`, `reset`, `timeout`, `tls` (no TLS session), `rejected` (an HTTP
    /// status other than 101), `handshake` (not a WebSocket answer), `unreachable`,
    /// and, the harness's own fault, `no_port` and `no_file`.
    pub const CONNECT_FAILED: &str = "connect.failed";
    /// Open sockets that ended other than by the drain; by kind:
    /// `disconnect.KIND` with the kinds `closed_CODE` (a close frame from the
    /// server; without a code 1005), `reset` (no close frame), `protocol`,
    /// `gave_up` (by the client, after missed heartbeats).
    pub const DISCONNECT: &str = "disconnect";
    /// The one of them that the server announces: it goes, and asks to come back.
    pub const DISCONNECT_ASKED: &str = "disconnect.closed_1012";
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
    /// `status_NNN`, `connection`, `wrong_reply`.
    pub const COMMANDS_FAILED: &str = "commands.failed";
    /// Replies whose call was taken by the node that owned the socket.
    pub const COMMANDS_SAME_NODE: &str = "commands.same_node";
    /// Replies whose call was taken by another node.
    pub const COMMANDS_CROSS_NODE: &str = "commands.cross_node";
    /// Readings whose time came.
    pub const TELEMETRY_DUE: &str = "telemetry.due";
    /// Readings sent for the first time.
    pub const TELEMETRY_SENT: &str = "telemetry.sent";
    /// Times that a reading was sent again.
    pub const TELEMETRY_RESENT: &str = "telemetry.resent";
    /// Readings accepted, each once.
    pub const TELEMETRY_ACCEPTED: &str = "telemetry.accepted";
    /// Times that a reading was refused; by reason as well: `telemetry.rejected.REASON`
    /// with the reasons of the protocol.
    pub const TELEMETRY_REJECTED: &str = "telemetry.rejected";
    /// Messages whose time to be published came.
    pub const MESSAGES_SCHEDULED: &str = "messages.scheduled";
    /// Messages that the system took.
    pub const MESSAGES_PUBLISHED: &str = "messages.published";
    /// Messages that were not sent: their publisher had no connection, or the
    /// drain came.
    pub const MESSAGES_DROPPED: &str = "messages.dropped";
    /// Messages that the system refused: nobody has them.
    pub const MESSAGES_REJECTED: &str = "messages.rejected";
    /// Messages that were sent and whose publication was not answered.
    pub const MESSAGES_UNCONFIRMED: &str = "messages.unconfirmed";
    /// Messages that came, all of them.
    pub const MESSAGES_RECEIVED: &str = "messages.received";
    /// Messages that came for the first time and were due while the subscription
    /// counted.
    pub const MESSAGES_DELIVERED: &str = "messages.delivered";
    /// Messages that a later one of the same publisher showed to be missing.
    pub const MESSAGES_MISSING: &str = "messages.missing";
    /// By the plan missing when a socket closed in order, after the last one that
    /// came.
    pub const MESSAGES_MISSING_AT_END: &str = "messages.missing_at_end";
    /// Missing ones that came after all.
    pub const MESSAGES_REORDERED: &str = "messages.reordered";
    /// Messages that had come before.
    pub const MESSAGES_DUPLICATED: &str = "messages.duplicated";
    /// Devices that asked for their topics, each time a socket opened.
    pub const SUBSCRIPTIONS_ASKED: &str = "subscriptions.asked";
    /// Of these, those whose node said that it has them.
    pub const SUBSCRIPTIONS_CONFIRMED: &str = "subscriptions.confirmed";
}

/// Counters of the coordinator, over all workers and for a tenth of a second of the
/// run's clock each: where new sockets went, and when lost ones came back.
pub mod conn_event {
    /// Sockets that opened, for the first time or again, by the node that the answer
    /// names: `opened.NODE`; [`OTHER_NODES`] for nodes beyond the most that are told
    /// apart. Absent where answers name no node.
    pub const OPENED: &str = "opened";
    /// Of the attempts that opened, by when they began and by the node, those that took
    /// more than a second: `delayed.NODE`.
    pub const DELAYED: &str = "delayed";
    /// The NODE of what happened at nodes that are too many to be told apart; no node's
    /// name has brackets.
    pub const OTHER_NODES: &str = "(other)";
    /// Sockets that opened again after they had been lost.
    pub const RECONNECTED: &str = "reconnected";
    /// Open sockets that ended other than by the drain.
    pub const LOST: &str = "lost";
    /// Attempts to open that failed, by when they began: that is when somebody chose the
    /// node that did not answer.
    pub const FAILED: &str = "failed";
    /// Of these, those that were answered with a pause (`Retry-After`): by somebody who
    /// lives and has no room.
    pub const REJECTED: &str = "rejected";
    /// Attempts that had waited for more than a second when the end of the run cut them
    /// off, by when they began.
    pub const UNANSWERED: &str = "unanswered";
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
    /// Messages whose publication has no answer yet (worker).
    pub const MESSAGES_IN_FLIGHT: &str = "messages.in_flight";
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
    /// Readings without an answer yet (worker).
    pub const TELEMETRY_PENDING: &str = "telemetry.pending";
    /// Readings that a node has answered since it started, accepted or not.
    pub const TELEMETRY_ANSWERED: &str = "telemetry.answered";
    /// Of these, accepted.
    pub const TELEMETRY_ACCEPTED: &str = "telemetry.accepted";
    /// Readings that a consumer has handled since it started.
    pub const TELEMETRY_HANDLED: &str = "telemetry.handled";
    /// Messages a node has put on the backplane since it started.
    pub const BACKPLANE_SENT: &str = "backplane.sent";
    /// Messages a node has taken from it since it started.
    pub const BACKPLANE_RECEIVED: &str = "backplane.received";
    /// Connections that a broker has, the sampler's among them where it has one.
    pub const BROKER_CLIENTS: &str = "broker.clients";
    /// What its clients can be sent by: channels, subscriptions or queues.
    pub const BROKER_CHANNELS: &str = "broker.channels";
    /// Messages that wait in its queues.
    pub const BROKER_BACKLOG: &str = "broker.backlog";
    /// Messages that clients have published at a broker since it started: its own count.
    pub const BROKER_PUBLISHED: &str = "broker.published";
    /// Messages that a broker was given since it started; of Redis all commands.
    pub const BROKER_MESSAGES_IN: &str = "broker.messages_in";
    /// Messages that it has given since it started.
    pub const BROKER_MESSAGES_OUT: &str = "broker.messages_out";
    /// Bytes that it was given since it started.
    pub const BROKER_BYTES_IN: &str = "broker.bytes_in";
    /// Bytes that it has given since it started.
    pub const BROKER_BYTES_OUT: &str = "broker.bytes_out";
    /// Clients that it cut off because they did not keep up.
    pub const BROKER_SLOW_CONSUMERS: &str = "broker.slow_consumers";
    /// Nodes that a node sees on its backplane, itself included.
    pub const BACKPLANE_MEMBERS: &str = "backplane.members";
    /// Sockets that a balancer forwards, by its own count.
    pub const BALANCER_SOCKETS: &str = "balancer.sockets";
    /// Sockets that it has given to a node and that are not open yet.
    pub const BALANCER_PENDING: &str = "balancer.pending";
    /// Sockets that it forwards to a node: `balancer.sockets_by_node.NODE`.
    pub const BALANCER_SOCKETS_BY_NODE: &str = "balancer.sockets_by_node";
    /// 1 while it gives new sockets to a node, 0 while it does not:
    /// `balancer.node_up.NODE`.
    pub const BALANCER_NODE_UP: &str = "balancer.node_up";
    /// Messages from one node to another that it has sent since it started.
    pub const UNICASTS_SENT: &str = "backplane.unicast.sent";
    /// Of these, received.
    pub const UNICASTS_RECEIVED: &str = "backplane.unicast.received";
    /// Topic messages that a node has put on the backplane since it started.
    pub const TOPICS_SENT: &str = "backplane.topic.sent";
    /// Topic messages that it has taken from it.
    pub const TOPICS_RECEIVED: &str = "backplane.topic.received";
    /// Commands a node has taken since it started, whatever became of them.
    pub const COMMANDS_TAKEN: &str = "commands.taken";
    /// Of these, those with a reply.
    pub const COMMANDS_ANSWERED: &str = "commands.answered";
    /// Pings a node has received since it started.
    pub const PINGS_RECEIVED: &str = "pings.received";
    /// Pongs it has sent.
    pub const PONGS_SENT: &str = "pongs.sent";
    /// Topic messages that a node has taken from publishers since it started.
    pub const MESSAGES_TAKEN: &str = "messages.taken";
    /// Topic messages that it has handed to devices, once for each.
    pub const MESSAGES_HANDED_OUT: &str = "messages.handed_out";
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
    /// From when a message was due to when a subscriber had it.
    pub const MESSAGE_LATENCY: &str = "messages.latency";
    /// From when it was sent.
    pub const MESSAGE_SERVICE: &str = "messages.service";
    /// From when a reading was due to its acceptance.
    pub const TELEMETRY_RESPONSE: &str = "telemetry.response";
    /// From when it was last sent to its acceptance.
    pub const TELEMETRY_SERVICE: &str = "telemetry.service";
    /// From losing a socket to having it open again.
    pub const RECONNECT: &str = "reconnect";
    /// Service time of replies by the node that owned the socket; one tag a node:
    /// `commands.owner@n1`.
    pub const COMMAND_OWNER: &str = "commands.owner";
    /// From when an action was due to when the harness began it; one tag a
    /// worker: `send_lag@w1`.
    pub const SEND_LAG: &str = "send_lag";
}
