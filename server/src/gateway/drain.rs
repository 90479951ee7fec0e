//! The drain of a gateway.
//!
//! Guarantees: no connection is refused and no socket closed before `/readyz` has failed for the
//! drain delay. Sockets are closed at a bounded rate, in random order and with random spacing.
//! They end without a close frame, because a gateway does not parse what it forwards, and cannot
//! insert a frame. Their devices come back through another gateway, with backoff.

use std::{sync::Arc, time::Duration};

use rand::{SeedableRng, rngs::SmallRng, seq::SliceRandom};
use tokio::time::sleep;

use super::state::GatewayState;
use crate::net::pacer::Pacer;

/// Pause before the open sockets are listed again.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Fails `/readyz` for the drain delay.
pub(super) async fn announce_drain(gateway: &GatewayState) {
    gateway.leaving.cancel();
    tracing::info!(sockets = gateway.tunnels.count(), "the drain begins");
    // New sockets are still accepted, because a balancer in front polls `/readyz` only at times.
    sleep(gateway.config.limits.drain_delay).await;
}

/// Closes all sockets one after the other. No new connections are accepted meanwhile.
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
        // Listed again, because upgrades under way may have opened sockets meanwhile.
        sleep(POLL_INTERVAL).await;
    }
    tracing::info!("all sockets are closed");
}
