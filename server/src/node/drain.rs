//! The end of a node.
//!
//! Guarantees: no socket is refused or closed before `/readyz` has failed for the
//! notice time; every device is told `goaway` before its close; devices are asked
//! to leave at a bounded rate, in random order and with random spacing, so that
//! they do not come back as one storm; a device with a command or a reading under
//! way is closed last; both get their outcome, at most until the grace time has
//! passed.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use rand::{SeedableRng, rngs::SmallRng, seq::SliceRandom};
use tokio::time::{Instant, sleep};

use super::{Node, NodePhase};
use crate::{
    net::{pacer::Pacer, ws::close::CloseReason},
    session::{Session, frame},
};

/// Pause between two looks at a condition.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Sends every device away and waits for what is under way.
pub(super) async fn drain(node: &Arc<Node>) {
    let limits = &node.sessions.limits;
    node.advance_phase(NodePhase::Leaving);
    tracing::info!(sockets = node.sessions.metrics.open_sockets(), "leaving");
    // A balancer that looks now and then still sends sockets here: they are taken.
    sleep(limits.drain_delay).await;
    node.advance_phase(NodePhase::Draining);
    let (goaway, busy) = send_goaway_to_all(node).await;
    let deadline = Instant::now() + limits.drain_grace;
    wait_until(deadline, || {
        node.metrics.in_flight.get() == 0
            && !busy
                .iter()
                .any(|session| session.is_busy(node.sessions.wheel.now()))
    })
    .await;
    node.sessions.registry.for_each(|session| {
        let told = session.write_queue.close_reason().is_some()
            || busy.iter().any(|busy| Arc::ptr_eq(busy, session));
        // Else it was just coming in when the others were told.
        if !told {
            let _ = session.write_queue.push(goaway.clone(), limits);
        }
        session.write_queue.close(CloseReason::Drain);
    });
    let deadline = Instant::now() + limits.close_timeout + Duration::from_secs(1);
    wait_until(deadline, || node.sessions.metrics.open_sockets() == 0).await;
    tracing::info!(sockets = node.sessions.metrics.open_sockets(), "drained");
}

/// Tells each device in its turn, and closes those that are idle then; answers
/// with what they were told, and those that have something under way.
async fn send_goaway_to_all(node: &Node) -> (Bytes, Vec<Arc<Session>>) {
    let limits = &node.sessions.limits;
    let mut rng = SmallRng::from_rng(&mut rand::rng());
    let mut sessions = Vec::new();
    node.sessions
        .registry
        .for_each(|session| sessions.push(Arc::clone(session)));
    sessions.shuffle(&mut rng);
    let interval = limits.drain_rate.interval();
    // Few devices need less room to come back in than many.
    let window = limits
        .drain_reconnect_window
        .min(interval * sessions.len() as u32);
    let goaway = frame::goaway(window);
    let mut pacer = Pacer::new(interval, rng);
    let mut busy = Vec::new();
    for session in sessions {
        pacer.tick().await;
        // One that cannot take it is closing already.
        let _ = session.write_queue.push(goaway.clone(), limits);
        if session.is_busy(node.sessions.wheel.now()) {
            busy.push(session);
        } else {
            session.write_queue.close(CloseReason::Drain);
        }
    }
    (goaway, busy)
}

async fn wait_until(deadline: Instant, mut done: impl FnMut() -> bool) {
    while !done() && Instant::now() < deadline {
        sleep(POLL_INTERVAL).await;
    }
}
