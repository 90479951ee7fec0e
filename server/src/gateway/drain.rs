//! The end of a gateway.
//!
//! Guarantees: no connection is refused and no socket closed before `/readyz` has
//! failed for the notice time; sockets are closed at a bounded rate, in random order
//! and with random spacing. They end without a close frame: a gateway does not read
//! what it forwards, and cannot put a word of its own between two frames. Their
//! devices come back by another gateway, with backoff.

use std::{sync::Arc, time::Duration};

use rand::{SeedableRng, rngs::SmallRng, seq::SliceRandom};
use tokio::time::sleep;

use super::state::GatewayState;
use crate::net::pacer::Pacer;

/// Pause between two looks at what is still open.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Says that it leaves. A balancer that looks now and then still sends sockets here:
/// they are taken.
pub(super) async fn announce_drain(gateway: &GatewayState) {
    gateway.start_leaving();
    tracing::info!(sockets = gateway.tunnels.count(), "leaving");
    sleep(gateway.config.limits.drain_delay).await;
}

/// Closes every socket in its turn, when no new connections are let in any more.
pub(super) async fn close_sockets(gateway: &Arc<GatewayState>) {
    loop {
        let mut open = gateway.tunnels.abort_handles();
        if open.is_empty() {
            break;
        }
        let mut rng = SmallRng::from_rng(&mut rand::rng());
        open.shuffle(&mut rng);
        let mut pacer = Pacer::new(gateway.config.limits.drain_rate.interval(), rng);
        for tunnel in open {
            pacer.tick().await;
            tunnel.abort();
        }
        // Until they are gone; some that were just opening come after them.
        sleep(POLL_INTERVAL).await;
    }
    tracing::info!("drained");
}
