//! The bounds of a node: sizes, counts and times.

use std::time::Duration;

use crate::rate::Rate;

/// Bounds of a node. Sizes are bytes.
#[derive(Debug, Clone)]
pub struct NodeLimits {
    /// The longest message a device may send.
    pub device_message_bytes: usize,
    /// Bytes of messages of all devices whose rest has not come. Beyond it, a device
    /// that sends the beginning of one is closed.
    pub partial_message_bytes: usize,
    /// Frames that may wait for one device to read.
    pub write_queue_frames: usize,
    /// Bytes that may wait for one device to read.
    pub write_queue_bytes: usize,
    /// Bytes that may wait for all devices together. Beyond it, a device for which
    /// something waits already is a slow consumer, whatever it has left of its own.
    pub total_write_queue_bytes: usize,
    /// How long a device may leave its receive window closed.
    pub write_timeout: Duration,
    /// How long a device may be silent. Whole seconds, as the wheel turns. Also how
    /// long a client of any kind may leave what the kernel sends it unacknowledged.
    pub idle_timeout: Duration,
    /// How long a close handshake may take before the connection is dropped.
    pub close_timeout: Duration,
    /// How long the owner directory may take to confirm a new device.
    pub register_timeout: Duration,
    /// How long a client may take to send a request's head, counted from the end of
    /// the request before it: so also how long a kept-alive connection may idle. It
    /// is longer than clients keep theirs pooled (90 s is usual), so that it is not
    /// closed under a request that is just leaving.
    pub header_timeout: Duration,
    /// The same for the first request of a connection: who says nothing at all does
    /// not hold a place for as long as a client that was served.
    pub first_request_timeout: Duration,
    /// How long a request's body may take.
    pub body_timeout: Duration,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// TLS handshakes under way: each has buffers and keys, and nobody knows yet whose
    /// they are. What comes beyond them is closed.
    pub max_concurrent_handshakes: usize,
    /// New TLS handshakes a second; `None` takes what comes. They cost processor time
    /// before anything else can be asked of a client.
    pub handshake_rate: Option<Rate>,
    /// How long a device socket may be open before it is sent away, to come back where
    /// there is room: each between three quarters and all of this. `None` leaves it
    /// open.
    pub max_age: Option<Duration>,
    /// Device sockets; `None` leaves it to the open files.
    pub max_sockets: Option<usize>,
    /// New device sockets a second; `None` takes what comes.
    pub upgrade_rate: Option<Rate>,
    /// New device sockets at once, under `upgrades`; `None` is a second's worth.
    pub upgrade_burst: Option<u32>,
    /// Connections of all kinds on the public listener; `None` is the process's
    /// limit of open files, less a reserve for everything else.
    pub max_connections: Option<usize>,
    /// The longest JSON text of a session's data.
    pub session_bytes: usize,
    /// The longest HTTP request body.
    pub body_bytes: usize,
    /// Commands in flight that this node took.
    pub commands_in_flight: usize,
    /// Commands waiting for one device.
    pub commands_per_device: usize,
    /// Topics one device may subscribe to.
    pub topics_per_device: usize,
    /// How often one device may subscribe or unsubscribe in each second: the other
    /// nodes are told of a topic's first and last subscriber.
    pub topic_changes_per_s: u32,
    /// Readings of one device that have no answer yet.
    pub telemetry_per_device: u32,
    /// Readings in this node's custody.
    pub telemetry_unacked: usize,
    /// Their bytes.
    pub telemetry_unacked_bytes: usize,
    /// Messages one device may publish in each second.
    pub publishes_per_s: u32,
    /// Messages of one topic that may wait to be handed to devices of this node.
    pub topic_queue_messages: usize,
    /// The same in bytes.
    pub topic_queue_bytes: usize,
    /// How long `/readyz` fails before a drain refuses or closes its first socket.
    pub drain_delay: Duration,
    /// Devices that a drain asks to leave, a second.
    pub drain_rate: Rate,
    /// The longest time over which devices are asked to spread their return.
    pub drain_reconnect_window: Duration,
    /// How long a drain waits, after the closes, for commands in flight.
    pub drain_grace: Duration,
}

impl Default for NodeLimits {
    fn default() -> Self {
        Self {
            device_message_bytes: 64 * 1024,
            partial_message_bytes: 256 * 1024 * 1024,
            write_queue_frames: 256,
            write_queue_bytes: 1024 * 1024,
            total_write_queue_bytes: 256 * 1024 * 1024,
            write_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(90),
            close_timeout: Duration::from_secs(5),
            register_timeout: Duration::from_secs(5),
            header_timeout: Duration::from_secs(120),
            first_request_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            handshake_timeout: Duration::from_secs(10),
            max_concurrent_handshakes: 4096,
            handshake_rate: None,
            max_age: None,
            max_sockets: None,
            upgrade_rate: None,
            upgrade_burst: None,
            max_connections: None,
            session_bytes: 16 * 1024,
            body_bytes: 64 * 1024,
            commands_in_flight: 20_000,
            commands_per_device: 64,
            topics_per_device: 64,
            topic_changes_per_s: 100,
            telemetry_per_device: 16,
            telemetry_unacked: 10_000,
            telemetry_unacked_bytes: 32 * 1024 * 1024,
            publishes_per_s: 100,
            topic_queue_messages: 1024,
            topic_queue_bytes: 16 * 1024 * 1024,
            drain_delay: Duration::from_secs(1),
            drain_rate: Rate::per_second(500),
            drain_reconnect_window: Duration::from_secs(1),
            drain_grace: Duration::from_secs(5),
        }
    }
}
