//! The bounds of a node: sizes, counts and times.

use std::time::Duration;

use crate::rate::Rate;

/// The bounds of a node. Sizes are in bytes.
#[derive(Debug, Clone)]
pub struct NodeLimits {
    /// The longest message that a device may send.
    pub device_message_bytes: usize,
    /// The bytes of incomplete messages of all devices. Beyond it, a device whose message
    /// grows is closed.
    pub partial_message_bytes: usize,
    /// The frames that may wait for one device.
    pub write_queue_frames: usize,
    /// The bytes that may wait for one device.
    pub write_queue_bytes: usize,
    /// The bytes that may wait for all devices together. Beyond it, a device for which
    /// frames wait already is a slow consumer, even within its own limits.
    pub total_write_queue_bytes: usize,
    /// The time for which a device may read nothing while frames wait for it.
    pub write_timeout: Duration,
    /// The time for which a device may send nothing, in whole seconds of the wheel. Also
    /// the time for which a client of any kind may leave sent bytes unacknowledged.
    pub idle_timeout: Duration,
    /// The silence of a device after which the node pings it; `None` never does. A browser
    /// answers pings by itself, and so a page that only listens stays connected.
    pub ping_interval: Option<Duration>,
    /// The time that a close handshake may take before the connection is dropped.
    pub close_timeout: Duration,
    /// The time that the owner directory may take to confirm a new device.
    pub register_timeout: Duration,
    /// The device sockets that are opened while the node has no backplane. They are served
    /// without an entry in the owner directory until it is back.
    pub max_unregistered: usize,
    /// The time from the end of one request to the end of the next one's head, and so the
    /// time for which a kept-alive connection may be idle. It is longer than clients keep
    /// theirs pooled (usually 90 s), so that no connection closes under a new request.
    pub header_timeout: Duration,
    /// The time for the head of a connection's first request. It is shorter, because a
    /// client that sends nothing has no claim to a pooled connection.
    pub first_request_timeout: Duration,
    /// The time that a request's body may take.
    pub body_timeout: Duration,
    /// The time that a header of the PROXY protocol may take.
    pub proxy_header_timeout: Duration,
    /// The time that a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// The TLS handshakes in progress. Each holds buffers and keys for a client that is
    /// not known yet. Connections beyond it are closed.
    pub max_concurrent_handshakes: usize,
    /// The rate of new TLS handshakes; `None` is unlimited. A handshake costs CPU before
    /// anything about the client can be checked.
    pub handshake_rate: Option<Rate>,
    /// The age at which a device socket is closed, so that the device reconnects to the
    /// node with the most room. Each socket gets a random age between three quarters and
    /// all of it. `None` leaves sockets open.
    pub max_age: Option<Duration>,
    /// The device sockets; `None` leaves the bound to their share of the open files.
    pub max_sockets: Option<usize>,
    /// The rate of new device sockets; `None` is unlimited.
    pub upgrade_rate: Option<Rate>,
    /// The burst of new device sockets under `upgrade_rate`; `None` is one second's worth.
    pub upgrade_burst: Option<u32>,
    /// The time that new device sockets may wait for the node. While the shortest wait of a
    /// second is longer, those that waited longer are rejected; `None` is unlimited.
    pub upgrade_delay: Option<Duration>,
    /// The connections of all kinds on the public listener; `None` is the process's limit
    /// of open files less a reserve. A sixteenth of them, at most 256, is never used by device
    /// sockets.
    pub max_connections: Option<usize>,
    /// The connections of one client address that are not device sockets; `None` is half of
    /// all, and at least 128. A proxy counts as one client, unless it is trusted: then each of
    /// its requests counts for its client.
    pub connections_per_address: Option<usize>,
    /// The device sockets of one client address; `None` is unlimited.
    pub sockets_per_address: Option<usize>,
    /// The longest JSON text of a session's data.
    pub session_bytes: usize,
    /// The longest HTTP request body.
    pub body_bytes: usize,
    /// The commands in flight of callers of this node.
    pub commands_in_flight: usize,
    /// The commands that may wait for one device.
    pub commands_per_device: usize,
    /// The topics that one device may subscribe to.
    pub topics_per_device: usize,
    /// The subscriptions and unsubscriptions of one device in each second. The first and
    /// the last subscriber of a topic cost a message to the other nodes.
    pub topic_changes_per_s: u32,
    /// The telemetry records of one device without an answer.
    pub telemetry_per_device: u32,
    /// The telemetry records of all devices without an answer.
    pub telemetry_unacked: usize,
    /// The bytes of all telemetry records without an answer.
    pub telemetry_unacked_bytes: usize,
    /// The frames of all kinds that one device may send in each second; `u16::MAX` is
    /// unlimited.
    pub frames_per_s: u16,
    /// The messages that one device may publish in each second.
    pub publishes_per_s: u32,
    /// The undelivered messages that one topic may queue on this node.
    pub topic_queue_messages: usize,
    /// The undelivered bytes that one topic may queue on this node.
    pub topic_queue_bytes: usize,
    /// The time for which `/readyz` fails before a drain rejects or closes its first
    /// socket.
    pub drain_delay: Duration,
    /// The rate at which a drain closes sockets.
    pub drain_rate: Rate,
    /// The longest time over which a drain spreads the reconnects of its devices.
    pub drain_reconnect_window: Duration,
    /// The time for which a drain waits for commands and telemetry in flight.
    pub drain_grace: Duration,
    /// The bounds of STOMP sessions and of their queues.
    pub stomp: StompLimits,
}

/// The bounds of STOMP sessions and of their queues. Sizes are in bytes.
#[derive(Debug, Clone)]
pub struct StompLimits {
    /// The longest command and headers of a frame.
    pub head_bytes: usize,
    /// The most headers of a frame.
    pub headers: usize,
    /// The longest body of a frame.
    pub body_bytes: usize,
    /// The time from the upgrade to the CONNECT of a client.
    pub connect_timeout: Duration,
    /// The interval of heart-beats that a node offers and asks for; at least 2 s, because the
    /// wheel counts whole seconds.
    pub heart_beat: Duration,
    /// The subscriptions of one session.
    pub subscriptions: usize,
    /// The open transactions of one session.
    pub transactions: usize,
    /// The frames of all open transactions of one session.
    pub transaction_frames: usize,
    /// The bytes of these frames.
    pub transaction_bytes: usize,
    /// The messages of a queue that one subscription may have unacknowledged.
    pub prefetch: u32,
    /// The messages to queues and to `/app` of one session that have no outcome yet.
    pub in_flight: u32,
    /// The time after which a message of a queue that was not acknowledged is delivered again.
    pub ack_timeout: Duration,
    /// The deliveries of one message of a queue. It is dropped after the last.
    pub deliveries: u32,
    /// The queues of the cluster that one node stores.
    pub queues: usize,
    /// The messages that wait in one queue.
    pub queue_messages: usize,
    /// The bytes that wait in one queue.
    pub queue_bytes: usize,
    /// The bytes of all queues that one node stores, unacknowledged messages included.
    pub total_queue_bytes: usize,
    /// The time for which messages of a queue without subscribers are kept.
    pub queue_retention: Duration,
}

impl Default for StompLimits {
    fn default() -> Self {
        Self {
            head_bytes: 16 * 1024,
            headers: 64,
            body_bytes: 64 * 1024,
            connect_timeout: Duration::from_secs(10),
            heart_beat: Duration::from_secs(10),
            subscriptions: 64,
            transactions: 16,
            transaction_frames: 256,
            transaction_bytes: 256 * 1024,
            prefetch: 32,
            in_flight: 256,
            ack_timeout: Duration::from_secs(600),
            deliveries: 16,
            queues: 10_000,
            queue_messages: 1024,
            queue_bytes: 4 * 1024 * 1024,
            total_queue_bytes: 64 * 1024 * 1024,
            queue_retention: Duration::from_secs(600),
        }
    }
}

impl Default for NodeLimits {
    fn default() -> Self {
        Self {
            device_message_bytes: 64 * 1024,
            partial_message_bytes: 256 * 1024 * 1024,
            write_queue_frames: 256,
            write_queue_bytes: 1024 * 1024,
            // 256 devices at their own limit at once.
            total_write_queue_bytes: 256 * 1024 * 1024,
            write_timeout: Duration::from_secs(10),
            // More than four heartbeats of the usual 20 s, so that one lost does no harm.
            idle_timeout: Duration::from_secs(90),
            ping_interval: None,
            close_timeout: Duration::from_secs(5),
            register_timeout: Duration::from_secs(5),
            max_unregistered: 10_000,
            // Longer than the 90 s for which clients usually pool a connection.
            header_timeout: Duration::from_secs(120),
            first_request_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            // A proxy sends it with its first bytes. This is more than one lost packet costs.
            proxy_header_timeout: Duration::from_secs(5),
            handshake_timeout: Duration::from_secs(10),
            max_concurrent_handshakes: 4096,
            // Rates and numbers that depend on the machine are unlimited unless configured.
            handshake_rate: None,
            max_age: None,
            max_sockets: None,
            upgrade_rate: None,
            upgrade_burst: None,
            upgrade_delay: Some(Duration::from_secs(1)),
            max_connections: None,
            connections_per_address: None,
            sockets_per_address: None,
            session_bytes: 16 * 1024,
            body_bytes: 64 * 1024,
            commands_in_flight: 20_000,
            commands_per_device: 64,
            topics_per_device: 64,
            topic_changes_per_s: 100,
            telemetry_per_device: 16,
            telemetry_unacked: 10_000,
            telemetry_unacked_bytes: 32 * 1024 * 1024,
            // More than a device needs that answers one command after the other.
            frames_per_s: 20_000,
            publishes_per_s: 100,
            topic_queue_messages: 1024,
            topic_queue_bytes: 16 * 1024 * 1024,
            drain_delay: Duration::from_secs(1),
            drain_rate: Rate::whole(500),
            drain_reconnect_window: Duration::from_secs(1),
            drain_grace: Duration::from_secs(5),
            stomp: StompLimits::default(),
        }
    }
}

#[cfg(feature = "stomp")]
impl From<&StompLimits> for highwater_stomp::Limits {
    fn from(limits: &StompLimits) -> Self {
        Self {
            max_head_bytes: limits.head_bytes,
            max_headers: limits.headers,
            max_body_bytes: limits.body_bytes,
        }
    }
}
