//! The configuration of the embedded broker.

use std::time::Duration;

/// The bounds of a broker.
#[derive(Debug, Clone)]
pub struct BrokerConfig {
    /// The interval at which the broker pings each peer.
    pub ping_interval: Duration,
    /// The time after which a silent peer is taken for hung and leaves the view.
    pub peer_timeout: Duration,
    /// The frames that may wait for one peer; further ones are dropped.
    pub queue_frames: usize,
    /// The bytes that may wait for one peer; further ones are dropped.
    pub queue_bytes: usize,
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(1),
            // Five pings, of which any answer counts.
            peer_timeout: Duration::from_secs(5),
            queue_frames: 16_384,
            queue_bytes: 16 * 1024 * 1024,
        }
    }
}
