//! The end of a node.
//!
//! Guarantees: no socket is closed before `/readyz` has failed for the notice
//! time; every device is told `goaway` before its close; closes are spread over the
//! window, so that they do not come back as one storm; a device with a command
//! or a reading under way is closed last; both get their outcome, at most until the
//! grace time has passed.

use std::{sync::Arc, time::Duration};

use rand::seq::SliceRandom;
use tokio::time::{Instant, sleep, sleep_until};

use super::Node;
use crate::{
    session::{Session, frame},
    ws::close::CloseReason,
};

/// Closes are made in steps of this length.
const STEP: Duration = Duration::from_millis(50);
/// Sockets a second that the other nodes are expected to take: few sockets are
/// closed in less than the window.
const CLOSES_PER_S: f64 = 500.0;
/// When a device should come back at the earliest.
const RETRY_MS: u64 = 100;

/// Sends every device away and waits for commands in flight.
pub(super) async fn drain(node: &Arc<Node>) {
    node.begin_drain();
    let limits = &node.config.limits;
    tracing::info!(sockets = node.metrics.sockets.get(), "draining");
    sleep(limits.drain_notice).await;
    let mut sessions = Vec::new();
    node.registry
        .for_each(|session| sessions.push(Arc::clone(session)));
    sessions.shuffle(&mut rand::rng());
    let window = limits.drain_window.min(Duration::from_secs_f64(
        sessions.len() as f64 / CLOSES_PER_S,
    ));
    let goaway = frame::goaway(RETRY_MS, window.as_millis() as u64);
    for session in &sessions {
        let _ = session.outbox.push(goaway.clone(), limits);
    }
    let busy = close_paced(node, sessions, window).await;
    let deadline = Instant::now() + limits.drain_grace;
    wait_until(deadline, || {
        node.metrics.in_flight.get() == 0
            && !busy.iter().any(|session| session.is_busy(node.wheel.now()))
    })
    .await;
    node.registry.for_each(|session| {
        session.outbox.close(CloseReason::Drain);
    });
    let deadline = Instant::now() + limits.close_timeout + Duration::from_secs(1);
    wait_until(deadline, || node.metrics.sockets.get() == 0).await;
    tracing::info!(sockets = node.metrics.sockets.get(), "drained");
}

/// Closes idle sessions evenly over the window; answers those that had a command
/// under way when their turn came.
async fn close_paced(
    node: &Node,
    sessions: Vec<Arc<Session>>,
    window: Duration,
) -> Vec<Arc<Session>> {
    let started = Instant::now();
    let (count, mut busy) = (sessions.len(), Vec::new());
    for (index, session) in sessions.into_iter().enumerate() {
        let due = window.mul_f64(index as f64 / count as f64);
        // In steps, so that a short window does not need a timer for each socket.
        if due > started.elapsed() + STEP {
            sleep_until(started + due).await;
        }
        if session.is_busy(node.wheel.now()) {
            busy.push(session);
        } else {
            session.outbox.close(CloseReason::Drain);
        }
    }
    busy
}

async fn wait_until(deadline: Instant, mut done: impl FnMut() -> bool) {
    while !done() && Instant::now() < deadline {
        sleep(STEP / 5).await;
    }
}
