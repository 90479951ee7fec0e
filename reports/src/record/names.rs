//! Names of everything that a record can hold. Writers and readers use these constants, so
//! that neither spells a name.

/// Counters of a worker: numbers of things that happened during an interval.
pub mod counter {
    /// Sockets that were due to open.
    pub const SOCKETS_DUE: &str = "sockets.due";
    /// Sockets that opened for the first time.
    pub const SOCKETS_OPENED: &str = "sockets.opened";
    /// Sockets that reconnected after they had been lost.
    pub const SOCKETS_REOPENED: &str = "sockets.reopened";
    /// Openings of sockets whose server agreed to compression.
    pub const SOCKETS_COMPRESSED: &str = "sockets.compressed";
    /// Attempts after a failed one that waited for their turn in the pool's budget.
    pub const RETRIES_POSTPONED: &str = "retries.postponed";
    /// Milliseconds for which a condition of the scenario held the ramp of a worker.
    pub const RAMP_HELD_MS: &str = "ramp.held_ms";
    /// Milliseconds for which the ramp of a worker waited, because as many attempts were under
    /// way as it may have.
    pub const RAMP_FULL_MS: &str = "ramp.full_ms";
    /// Failed attempts to open, by kind: `connect.failed.KIND`.
    ///
    /// The kinds are `refused`, `reset`, `timeout`, `tls` (no TLS session), `status_NNN` (an HTTP
    /// status other than 101), `handshake` (no WebSocket answer), `subprotocol`, `dns` (no
    /// address of the host's name) and `unreachable`. `open_N` is a step of `open` whose frame
    /// did not come, and `open_closed_CODE` a close frame meanwhile. A device that could not log
    /// in is `login`, one with a value that no header field can carry `invalid_value`. The
    /// harness's own failures are `no_port` and `no_file`.
    pub const CONNECT_FAILED: &str = "connect.failed";
    /// Open sockets that ended otherwise than by the drain, by kind: `disconnect.KIND`.
    ///
    /// The kinds are `closed_CODE` (a close frame of the server; 1005 without a code), `reset`
    /// (no close frame), `protocol`, `gave_up` (closed by the client after missed heartbeats)
    /// and `message_too_large` (above the harness's own limit).
    pub const DISCONNECT: &str = "disconnect";
    /// Sockets that the server closed with 1012, which asks the client to reconnect (RFC 6455,
    /// registered close codes).
    pub const DISCONNECT_ASKED: &str = "disconnect.closed_1012";
    /// Logins that began.
    pub const LOGINS_DUE: &str = "login.due";
    /// Logins that were answered with the expected status and all values.
    pub const LOGINS_SUCCEEDED: &str = "login.succeeded";
    /// Logins that failed, in total and by kind: `login.failed.KIND`, with the kinds
    /// `status_NNN`, `timeout`, `connection`, `no_value` (a value to take was not in the answer)
    /// and `invalid_value` (a value of the device cannot stand in a header field).
    pub const LOGINS_FAILED: &str = "login.failed";
    /// Logins after a handshake that was refused with 401 or 403.
    pub const LOGINS_RENEWED: &str = "login.renewed";
    /// Heartbeats due on open sockets.
    pub const HEARTBEATS_DUE: &str = "heartbeats.due";
    /// Pings written.
    pub const HEARTBEATS_SENT: &str = "heartbeats.sent";
    /// Pings answered before the next was due.
    pub const HEARTBEATS_ACKNOWLEDGED: &str = "heartbeats.acknowledged";
    /// Heartbeats without an answer when the next was due or the socket ended.
    pub const HEARTBEATS_MISSED: &str = "heartbeats.missed";
    /// Heartbeats acknowledged after more than a second.
    pub const HEARTBEATS_LATE: &str = "heartbeats.late";
    /// Heartbeats sent for which the scenario expects no answer. They are neither acknowledged
    /// nor missed.
    pub const HEARTBEATS_ONE_WAY: &str = "heartbeats.one_way";
    /// Frames of the server that an `answer` answered.
    pub const FRAMES_ANSWERED: &str = "frames.answered";
    /// Frames of the server that an `answer` is for and that got none, because a socket
    /// answers only so many in a second.
    pub const FRAMES_UNANSWERED: &str = "frames.unanswered";
    /// Frames of the server that no part of the scenario is for.
    pub const FRAMES_UNMATCHED: &str = "frames.unmatched";
    /// Commands due.
    pub const COMMANDS_DUE: &str = "commands.due";
    /// Commands never sent, because too many were in flight.
    pub const COMMANDS_DROPPED: &str = "commands.dropped";
    /// Commands never sent, because no device was connected.
    pub const COMMANDS_NO_DEVICE: &str = "commands.no_device";
    /// Commands sent.
    pub const COMMANDS_ISSUED: &str = "commands.issued";
    /// Commands answered with 2xx and the reply.
    pub const COMMANDS_REPLIED: &str = "commands.replied";
    /// Commands answered with 504, or not at all by the timeout.
    pub const COMMANDS_TIMED_OUT: &str = "commands.timed_out";
    /// Commands answered with 404 or 409.
    pub const COMMANDS_NOT_CONNECTED: &str = "commands.not_connected";
    /// Commands answered with 429 or 503.
    pub const COMMANDS_REJECTED: &str = "commands.rejected";
    /// Commands with any other end, in total and by kind: `commands.failed.KIND`, with the
    /// kinds `status_NNN`, `connection`, `wrong_reply` and `invalid_value`.
    pub const COMMANDS_FAILED: &str = "commands.failed";
    /// Replies whose call the node that owned the socket received.
    pub const COMMANDS_SAME_NODE: &str = "commands.same_node";
    /// Replies whose call another node received.
    pub const COMMANDS_CROSS_NODE: &str = "commands.cross_node";
    /// Telemetry records due.
    pub const TELEMETRY_DUE: &str = "telemetry.due";
    /// Telemetry records sent for the first time.
    pub const TELEMETRY_SENT: &str = "telemetry.sent";
    /// Times that a telemetry record was sent again.
    pub const TELEMETRY_RESENT: &str = "telemetry.resent";
    /// Telemetry records accepted, each counted once.
    pub const TELEMETRY_ACCEPTED: &str = "telemetry.accepted";
    /// Times that a telemetry record was rejected, in total and by reason:
    /// `telemetry.rejected.REASON`, with the reasons of the protocol.
    pub const TELEMETRY_REJECTED: &str = "telemetry.rejected";
    /// Messages of `[[messages]]` due.
    pub const EXCHANGES_DUE: &str = "exchanges.due";
    /// Messages never sent, because too many were in flight or the drain began.
    pub const EXCHANGES_DROPPED: &str = "exchanges.dropped";
    /// Messages never sent, because no device of the pool was connected.
    pub const EXCHANGES_NO_DEVICE: &str = "exchanges.no_device";
    /// Messages that devices sent.
    pub const EXCHANGES_SENT: &str = "exchanges.sent";
    /// Messages that the expected frame answered.
    pub const EXCHANGES_ANSWERED: &str = "exchanges.answered";
    /// Messages that a frame of `reject` answered.
    pub const EXCHANGES_REJECTED: &str = "exchanges.rejected";
    /// Messages without an answer by the timeout.
    pub const EXCHANGES_TIMED_OUT: &str = "exchanges.timed_out";
    /// Messages whose socket ended before their answer.
    pub const EXCHANGES_LOST: &str = "exchanges.lost";
    /// Messages sent for which no answer is expected.
    pub const EXCHANGES_ONE_WAY: &str = "exchanges.one_way";
    /// Messages due to be published.
    pub const MESSAGES_SCHEDULED: &str = "messages.scheduled";
    /// Messages that the system accepted.
    pub const MESSAGES_PUBLISHED: &str = "messages.published";
    /// Messages never sent, because their publisher had no connection or the drain began.
    pub const MESSAGES_DROPPED: &str = "messages.dropped";
    /// Messages that the system rejected, so that no subscriber gets them.
    pub const MESSAGES_REJECTED: &str = "messages.rejected";
    /// Messages sent whose publication was not answered.
    pub const MESSAGES_UNCONFIRMED: &str = "messages.unconfirmed";
    /// All messages that subscribers received, or that `count_messages` counted.
    pub const MESSAGES_RECEIVED: &str = "messages.received";
    /// Messages received for the first time that were due while the subscription counted.
    pub const MESSAGES_DELIVERED: &str = "messages.delivered";
    /// Messages that a later one of the same publisher showed to be missing.
    pub const MESSAGES_MISSING: &str = "messages.missing";
    /// Messages of the plan after the last received one, missing when a socket closed in order.
    pub const MESSAGES_MISSING_AT_END: &str = "messages.missing_at_end";
    /// Missing messages that arrived later.
    pub const MESSAGES_REORDERED: &str = "messages.reordered";
    /// Messages received again.
    pub const MESSAGES_DUPLICATED: &str = "messages.duplicated";
    /// Devices that asked for their topics, each time a socket opened.
    pub const SUBSCRIPTIONS_ASKED: &str = "subscriptions.asked";
    /// Devices whose node confirmed their topics.
    pub const SUBSCRIPTIONS_CONFIRMED: &str = "subscriptions.confirmed";
}

/// Counters of the coordinator over all workers, each for a tenth of a second of the run's
/// clock: sockets opened, lost and reconnected.
pub mod conn_event {
    /// Sockets that opened or reconnected, by the node that the answer names: `opened.NODE`;
    /// `opened` alone where the answer names no node.
    pub const OPENED: &str = "opened";
    /// Attempts that took more than a second to open, by their start and by node:
    /// `delayed.NODE`.
    pub const DELAYED: &str = "delayed";
    /// Name in place of NODE for nodes beyond the most that are counted separately. The name of
    /// a node has no brackets.
    pub const OTHER_NODES: &str = "(other)";
    /// Sockets that reconnected after they had been lost.
    pub const RECONNECTED: &str = "reconnected";
    /// Open sockets that ended otherwise than by the drain.
    pub const LOST: &str = "lost";
    /// Failed attempts to open, by their start: the instant at which the client or the balancer
    /// chose the node.
    pub const FAILED: &str = "failed";
    /// Failed attempts that were answered with a pause (`Retry-After`), so by a process that is
    /// alive and at a limit.
    pub const REJECTED: &str = "rejected";
    /// Attempts that had waited for more than a second when the run ended, by their start.
    pub const UNANSWERED: &str = "unanswered";
}

/// Gauges: values at an instant. Sizes are in bytes, times in seconds.
pub mod gauge {
    /// Sockets that the plan wants open by now (coordinator).
    pub const SOCKETS_WANTED: &str = "sockets.wanted";
    /// Open sockets: at a worker as the clients count, at a node as the server does.
    pub const SOCKETS_OPEN: &str = "sockets.open";
    /// Sockets that a node accepted since it started.
    pub const SOCKETS_ACCEPTED: &str = "sockets.accepted";
    /// Heartbeats without an answer yet (worker).
    pub const HEARTBEATS_PENDING: &str = "heartbeats.pending";
    /// Commands without an answer yet (worker).
    pub const COMMANDS_IN_FLIGHT: &str = "commands.in_flight";
    /// Messages of `[[messages]]` without an answer yet (worker).
    pub const EXCHANGES_IN_FLIGHT: &str = "exchanges.in_flight";
    /// Messages whose publication has no answer yet (worker).
    pub const MESSAGES_IN_FLIGHT: &str = "messages.in_flight";
    /// Resident memory of the process.
    pub const RSS: &str = "rss";
    /// Live bytes of the process's allocator.
    pub const HEAP: &str = "heap";
    /// Open file descriptors of the process.
    pub const OPEN_FILES: &str = "open_files";
    /// CPU time since the process started, in seconds.
    pub const CPU: &str = "cpu_s";
    /// Start time of the process in seconds since 1970. A change is a restart.
    pub const STARTED_AT: &str = "started_at_s";
    /// 1 while the process answers, 0 while it does not (node).
    pub const UP: &str = "up";
    /// Microseconds by which the coordinator's clock is ahead of a worker's (worker on a bus).
    pub const CLOCK_OFFSET_US: &str = "clock.offset_us";
    /// Most by which that offset may be wrong, in microseconds (worker on a bus).
    pub const CLOCK_BOUND_US: &str = "clock.bound_us";
    /// Telemetry records without an answer yet (worker).
    pub const TELEMETRY_PENDING: &str = "telemetry.pending";
    /// Telemetry records that a node accepted or rejected since it started.
    pub const TELEMETRY_ANSWERED: &str = "telemetry.answered";
    /// Telemetry records that a node accepted since it started.
    pub const TELEMETRY_ACCEPTED: &str = "telemetry.accepted";
    /// Telemetry records that a consumer handled since it started.
    pub const TELEMETRY_HANDLED: &str = "telemetry.handled";
    /// Messages that a node sent over the backplane since it started.
    pub const BACKPLANE_SENT: &str = "backplane.sent";
    /// Messages that a node received over the backplane since it started.
    pub const BACKPLANE_RECEIVED: &str = "backplane.received";
    /// Requests and deliveries that the backplane's provider bills to a node, since it started.
    pub const BILLED: &str = "backplane.billed";
    /// Requests that publish on the topic of SNS.
    pub const BILLED_SNS_PUBLISH: &str = "backplane.billed.sns_publish";
    /// Messages that SNS delivered to the queue of a node.
    pub const BILLED_SNS_DELIVERY: &str = "backplane.billed.sns_delivery";
    /// Requests that send to queues of SQS.
    pub const BILLED_SQS_SEND: &str = "backplane.billed.sqs_send";
    /// Requests for messages of SQS, with and without an answer.
    pub const BILLED_SQS_RECEIVE: &str = "backplane.billed.sqs_receive";
    /// Requests that delete messages of SQS.
    pub const BILLED_SQS_DELETE: &str = "backplane.billed.sqs_delete";
    /// Requests that read an item of DynamoDB.
    pub const BILLED_DYNAMODB_READ: &str = "backplane.billed.dynamodb_read";
    /// Requests that write an item of DynamoDB.
    pub const BILLED_DYNAMODB_WRITE: &str = "backplane.billed.dynamodb_write";
    /// Connections of a broker, including the sampler's where it has one.
    pub const BROKER_CLIENTS: &str = "broker.clients";
    /// Channels (Redis), subscriptions (NATS), queues (RabbitMQ) or groups (Kafka) of a broker.
    pub const BROKER_CHANNELS: &str = "broker.channels";
    /// Messages that wait in the queues of a broker.
    pub const BROKER_BACKLOG: &str = "broker.backlog";
    /// Messages that clients published at a broker since it started, by its own count.
    pub const BROKER_PUBLISHED: &str = "broker.published";
    /// Messages that a broker received since it started; commands of any kind for Redis.
    pub const BROKER_MESSAGES_IN: &str = "broker.messages_in";
    /// Messages that a broker sent since it started.
    pub const BROKER_MESSAGES_OUT: &str = "broker.messages_out";
    /// Bytes that a broker received since it started.
    pub const BROKER_BYTES_IN: &str = "broker.bytes_in";
    /// Bytes that a broker sent since it started.
    pub const BROKER_BYTES_OUT: &str = "broker.bytes_out";
    /// Clients that a broker disconnected because they did not keep up.
    pub const BROKER_SLOW_CONSUMERS: &str = "broker.slow_consumers";
    /// Nodes that a node sees on its backplane, including itself.
    pub const BACKPLANE_MEMBERS: &str = "backplane.members";
    /// Sockets that a balancer forwards, by its own count.
    pub const BALANCER_SOCKETS: &str = "balancer.sockets";
    /// Sockets that a balancer assigned to a node and that are not open yet.
    pub const BALANCER_PENDING: &str = "balancer.pending";
    /// Sockets that a balancer forwards to a node: `balancer.sockets_by_node.NODE`.
    pub const BALANCER_SOCKETS_BY_NODE: &str = "balancer.sockets_by_node";
    /// 1 while a balancer assigns new sockets to a node, 0 while it does not:
    /// `balancer.node_up.NODE`.
    pub const BALANCER_NODE_UP: &str = "balancer.node_up";
    /// Messages to a single node that a node sent since it started.
    pub const UNICASTS_SENT: &str = "backplane.unicast.sent";
    /// Messages to a single node that a node received since it started.
    pub const UNICASTS_RECEIVED: &str = "backplane.unicast.received";
    /// Topic messages that a node sent over the backplane since it started.
    pub const TOPICS_SENT: &str = "backplane.topic.sent";
    /// Topic messages that a node received over the backplane since it started.
    pub const TOPICS_RECEIVED: &str = "backplane.topic.received";
    /// Commands that a node accepted since it started, whatever their outcome.
    pub const COMMANDS_TAKEN: &str = "commands.taken";
    /// Commands that a node answered with a reply since it started.
    pub const COMMANDS_ANSWERED: &str = "commands.answered";
    /// Pings that a node received since it started.
    pub const PINGS_RECEIVED: &str = "pings.received";
    /// Pongs that a node sent since it started.
    pub const PONGS_SENT: &str = "pongs.sent";
    /// Topic messages that a node accepted from publishers since it started.
    pub const MESSAGES_TAKEN: &str = "messages.taken";
    /// Topic messages that a node sent to devices since it started, one for each device.
    pub const MESSAGES_HANDED_OUT: &str = "messages.handed_out";
    /// Most memory of a control group since it was made, page cache included.
    pub const CGROUP_MEMORY_PEAK: &str = "cgroup.memory_peak";
    /// Anonymous memory of a control group.
    pub const CGROUP_ANON: &str = "cgroup.anon";
    /// Time for which tasks of a control group had to wait because its CPU quota was used up,
    /// in seconds, since the group was made.
    pub const CGROUP_THROTTLED: &str = "cgroup.throttled_s";
    /// Processes and threads in a control group.
    pub const CGROUP_PIDS: &str = "cgroup.pids";
    /// Time for which a task of a control group waited for a CPU, in seconds, since the group
    /// was made.
    pub const CGROUP_CPU_PRESSURE: &str = "cgroup.cpu_pressure_s";
    /// Time for which a task of a control group waited for memory, in seconds, since the group
    /// was made.
    pub const CGROUP_MEMORY_PRESSURE: &str = "cgroup.memory_pressure_s";
    /// Time for which a task of a control group waited for a disk, in seconds, since the group
    /// was made.
    pub const CGROUP_IO_PRESSURE: &str = "cgroup.io_pressure_s";
    /// A metric that the scenario names: `observed.METRIC`.
    pub const OBSERVED: &str = "observed";
    /// A count that the scenario names, since the process started: `observed_total.METRIC`.
    pub const OBSERVED_TOTAL: &str = "observed_total";
    /// Kernel slab memory (host).
    pub const KERNEL_SLAB: &str = "kernel.slab";
    /// Kernel memory in TCP buffers (host).
    pub const KERNEL_TCP: &str = "kernel.tcp";
    /// Available memory (host).
    pub const MEMORY_AVAILABLE: &str = "memory.available";
    /// CPU time of all processes since boot, in seconds (host).
    pub const HOST_CPU: &str = "host.cpu_s";
}

/// Tags of `latency.hlog`.
pub mod latency {
    /// Time from the start of an attempt to the 101 response.
    pub const CONNECT: &str = "connect";
    /// Time from the start of an attempt to the end of the last step of `open`.
    pub const CONNECT_OPEN: &str = "connect.open";
    /// Time from when a login was due to its whole answer (succeeded only).
    pub const LOGIN_RESPONSE: &str = "login.response";
    /// Time from when a login was sent to its whole answer.
    pub const LOGIN_SERVICE: &str = "login.service";
    /// Time from when a heartbeat was due to its pong.
    pub const HEARTBEAT_RESPONSE: &str = "heartbeats.response";
    /// Time from when a ping was written to its pong.
    pub const HEARTBEAT_SERVICE: &str = "heartbeats.service";
    /// Time from when a command was due to its reply (`replied` only).
    pub const COMMAND_RESPONSE: &str = "commands.response";
    /// Time from when a command was sent to its reply.
    pub const COMMAND_SERVICE: &str = "commands.service";
    /// Service time of replies whose call the owner's node received.
    pub const COMMAND_SAME_NODE: &str = "commands.same_node";
    /// Service time of replies whose call another node received.
    pub const COMMAND_CROSS_NODE: &str = "commands.cross_node";
    /// Time from when a message of `[[messages]]` was due to its answer (`answered` only).
    pub const EXCHANGE_RESPONSE: &str = "exchanges.response";
    /// Time from when such a message was sent to its answer.
    pub const EXCHANGE_SERVICE: &str = "exchanges.service";
    /// Time from when a message was due to the system's acceptance (`published` only).
    pub const MESSAGE_RESPONSE: &str = "messages.response";
    /// Time from when a message was due to its delivery.
    pub const MESSAGE_LATENCY: &str = "messages.latency";
    /// Time from when a message was sent to its delivery.
    pub const MESSAGE_SERVICE: &str = "messages.service";
    /// Time between two messages of one socket that `count_messages` counted.
    pub const MESSAGE_GAP: &str = "messages.gap";
    /// Time from when a telemetry record was due to its acceptance.
    pub const TELEMETRY_RESPONSE: &str = "telemetry.response";
    /// Time from when a telemetry record was last sent to its acceptance.
    pub const TELEMETRY_SERVICE: &str = "telemetry.service";
    /// Time from when a telemetry record was due to when a consumer had handled it.
    pub const TELEMETRY_LATENCY: &str = "telemetry.latency";
    /// Time from losing a socket to having it open again.
    pub const RECONNECT: &str = "reconnect";
    /// Service time of replies by the node that owned the socket, one tag for each node:
    /// `commands.owner@n1`.
    pub const COMMAND_OWNER: &str = "commands.owner";
    /// Time from when an action was due to when the harness began it, one tag for each worker:
    /// `send_lag@w1`.
    pub const SEND_LAG: &str = "send_lag";
}
