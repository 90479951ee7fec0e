//! The configuration of the embedded broker.

use std::time::Duration;

use crate::{auth::Secret, backplane::ClusterSecret, ingest::queue::MAX_GROUPS};

/// The bounds of a broker, and its secret.
#[derive(Debug, Clone)]
pub struct BrokerConfig {
    /// The secret that peers and the broker prove to each other. `None` proves nothing: the
    /// broker then listens on loopback only.
    pub secret: Option<ClusterSecret>,
    /// The interval at which the broker pings each peer.
    pub ping_interval: Duration,
    /// The time after which a silent peer is taken for hung and leaves the view. Also the
    /// time in which a frame must be complete.
    pub peer_timeout: Duration,
    /// The time in which changes of the members become one view. The first change after a
    /// quiet time is shown at once.
    pub view_window: Duration,
    /// The time that a restarted broker gives the members of before to return, until it
    /// shows its first view.
    pub restart_window: Duration,
    /// The time that the handshake of a peer may take.
    pub handshake_timeout: Duration,
    /// The connections; further ones are closed. The open files of the process may allow
    /// fewer. Consumers and operators get a quarter of them, so that nodes find room.
    pub max_connections: usize,
    /// The connections whose handshake is in progress, at most a quarter of all; further ones
    /// are closed.
    pub max_handshakes: usize,
    /// The connections of one client address whose handshake is in progress; further ones are
    /// closed.
    pub handshakes_per_address: usize,
    /// The bytes of unfinished frames of all connections. A connection that needs more ends.
    pub partial_frame_bytes: usize,
    /// The topics to which one member may subscribe; further ones are ignored.
    pub topics_per_member: usize,
    /// The subscriptions of all members; further ones are ignored.
    pub max_subscriptions: usize,
    /// The consumer groups; a consumer of a further one is rejected.
    pub max_groups: usize,
    /// The time after which a consumer group without consumers is removed.
    pub group_expiry: Duration,
    /// The frames that may wait for one peer; further ones are dropped.
    pub queue_frames: usize,
    /// The bytes that may wait for one peer; further ones are dropped.
    pub queue_bytes: usize,
    /// The bytes that may wait for all peers together. Beyond it, the connection of the peer
    /// for which the most wait is closed.
    pub total_queue_bytes: usize,
    /// The token for `/metrics` on the admin listener; `None` leaves it open.
    pub admin_token: Option<Secret>,
    /// A function that returns the allocator's live bytes. Without a value the heap is missing
    /// from `/metrics`.
    pub heap_probe: Option<fn() -> Option<u64>>,
    /// A function that returns the number of log lines that this process could not write.
    /// Without it the metric is missing from `/metrics`.
    pub dropped_log_lines: Option<fn() -> u64>,
}

impl BrokerConfig {
    /// The default time until an abandoned consumer group is removed. A consumer that is
    /// replaced or restarted is back within it.
    pub const GROUP_EXPIRY: Duration = Duration::from_secs(15 * 60);
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            secret: None,
            ping_interval: Duration::from_secs(1),
            // Five pings, of which any answer counts.
            peer_timeout: Duration::from_secs(5),
            view_window: Duration::from_millis(250),
            // Below the time that a node waits for its first view.
            restart_window: Duration::from_secs(1),
            handshake_timeout: Duration::from_secs(5),
            // A node has two: one as a member, one for telemetry.
            max_connections: 4096,
            max_handshakes: 512,
            // The two connections of each node, for a host with as many nodes as were ever tried.
            handshakes_per_address: 128,
            // 64 peers in the middle of the longest frame.
            partial_frame_bytes: 64 * 1024 * 1024,
            topics_per_member: 100_000,
            max_subscriptions: 500_000,
            max_groups: MAX_GROUPS,
            group_expiry: Self::GROUP_EXPIRY,
            queue_frames: 16_384,
            queue_bytes: 16 * 1024 * 1024,
            // 16 peers at their own bound at once.
            total_queue_bytes: 256 * 1024 * 1024,
            admin_token: None,
            heap_probe: None,
            dropped_log_lines: None,
        }
    }
}
