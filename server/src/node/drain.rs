//! The drain: the orderly end of a node.
//!
//! Guarantees:
//!
//! - No socket is rejected or closed before `/readyz` has failed for the drain delay.
//! - Every device gets `goaway` before its close.
//! - Devices leave at a bounded rate, in random order and with random spacing. Otherwise
//!   all would reconnect as one storm.
//! - A device with a command or telemetry in flight is closed last. Both get their
//!   outcome, as long as it comes within the grace time.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use rand::{SeedableRng, rngs::SmallRng, seq::SliceRandom};
use tokio::time::{Instant, sleep};

use super::{Node, NodePhase};
use crate::{
    limits::NodeLimits,
    net::{pacer::Pacer, ws::close::CloseReason},
    rate::Rate,
    session::{Session, frame},
};

/// Interval at which a condition is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// Time beyond the close timeout. The wheel counts whole seconds and rounds up, so a
/// close may end up to a second after its timeout.
const CLOSE_SLACK: Duration = Duration::from_secs(1);

/// Closes every device socket and waits for what is in flight.
pub(super) async fn drain(node: &Arc<Node>) {
    let sessions = &node.sessions;
    let limits = &sessions.limits;
    node.advance_phase(NodePhase::Leaving);
    tracing::info!(
        sockets = sessions.metrics.open_sockets(),
        "drain begins; the node is not ready any more"
    );
    // A balancer that polls readiness still sends sockets here. They are accepted.
    sleep(limits.drain_delay).await;
    node.advance_phase(NodePhase::Draining);
    let (goaway, busy) = send_goaway_to_all(node).await;
    let deadline = Instant::now() + limits.drain_grace;
    wait_until(deadline, || {
        node.metrics.in_flight.get() == 0
            && !busy
                .iter()
                .any(|session| session.is_busy(sessions.wheel.now()))
    })
    .await;
    sessions.for_each(|session| {
        let has_goaway = session.write_queue.close_reason().is_some()
            || busy.iter().any(|busy| Arc::ptr_eq(busy, session));
        // A device without one connected while the others got theirs.
        if !has_goaway {
            session.push_goaway(&goaway, limits);
        }
        session.write_queue.close(CloseReason::Drain);
    });
    let deadline = Instant::now() + limits.close_timeout + CLOSE_SLACK;
    wait_until(deadline, || sessions.metrics.open_sockets() == 0).await;
    tracing::info!(
        sockets = sessions.metrics.open_sockets(),
        "drain ended; remaining sockets are aborted"
    );
}

/// Sends `goaway` to one device after the other, and closes those that are idle. Returns
/// the frame, and the sessions that have something in flight.
async fn send_goaway_to_all(node: &Node) -> (Bytes, Vec<Arc<Session>>) {
    let limits = &node.sessions.limits;
    let mut rng = SmallRng::from_rng(&mut rand::rng());
    let mut sessions = Vec::new();
    node.sessions
        .for_each(|session| sessions.push(Arc::clone(session)));
    sessions.shuffle(&mut rng);
    let goaway = goaway_for(limits, limits.drain_rate, sessions.len());
    let mut pacer = Pacer::new(limits.drain_rate.interval(), rng);
    let mut busy = Vec::new();
    for session in sessions {
        pacer.tick().await;
        session.push_goaway(&goaway, limits);
        if session.is_busy(node.sessions.wheel.now()) {
            busy.push(session);
        } else {
            session.write_queue.close(CloseReason::Drain);
        }
    }
    (goaway, busy)
}

/// Returns the frame for `count` devices that leave at `rate`.
pub(super) fn goaway_for(limits: &NodeLimits, rate: Rate, count: usize) -> Bytes {
    // Few devices need a shorter time to reconnect than many.
    let spread = rate.interval() * count as u32;
    frame::goaway(limits.drain_reconnect_window.min(spread))
}

async fn wait_until(deadline: Instant, mut done: impl FnMut() -> bool) {
    while !done() && Instant::now() < deadline {
        sleep(POLL_INTERVAL).await;
    }
}
