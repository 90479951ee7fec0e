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
use rand::{Rng, SeedableRng, rngs::SmallRng, seq::SliceRandom};
use tokio::time::{Instant, sleep, sleep_until};

use super::{Node, Phase};
use crate::{
    session::{Session, frame},
    ws::close::CloseReason,
};

/// Pause between two looks at a condition.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Turns that are this close are taken at once, so that a high rate does not need
/// a timer for each of them.
const AT_ONCE: Duration = Duration::from_millis(2);
/// When a device should come back at the earliest.
const RETRY_MS: u64 = 100;

/// Sends every device away and waits for what is under way.
pub(super) async fn drain(node: &Arc<Node>) {
    let limits = &node.config.limits;
    node.enter(Phase::Leaving);
    tracing::info!(sockets = node.metrics.sockets.get(), "leaving");
    // A balancer that looks now and then still sends sockets here: they are taken.
    sleep(limits.drain_notice).await;
    node.enter(Phase::Draining);
    let (goaway, busy) = ask_to_leave(node).await;
    let deadline = Instant::now() + limits.drain_grace;
    wait_until(deadline, || {
        node.metrics.in_flight.get() == 0
            && !busy.iter().any(|session| session.is_busy(node.wheel.now()))
    })
    .await;
    node.registry.for_each(|session| {
        let told = session.outbox.closing().is_some()
            || busy.iter().any(|busy| Arc::ptr_eq(busy, session));
        // Else it was just coming in when the others were told.
        if !told {
            let _ = session.outbox.push(goaway.clone(), limits);
        }
        session.outbox.close(CloseReason::Drain);
    });
    let deadline = Instant::now() + limits.close_timeout + Duration::from_secs(1);
    wait_until(deadline, || node.metrics.sockets.get() == 0).await;
    tracing::info!(sockets = node.metrics.sockets.get(), "drained");
}

/// Tells each device in its turn, and closes those that are idle then; answers
/// with what they were told, and those that have something under way.
async fn ask_to_leave(node: &Node) -> (Bytes, Vec<Arc<Session>>) {
    let limits = &node.config.limits;
    let mut rng = SmallRng::from_rng(&mut rand::rng());
    let mut sessions = Vec::new();
    node.registry
        .for_each(|session| sessions.push(Arc::clone(session)));
    sessions.shuffle(&mut rng);
    let interval = limits.drain_rate.interval();
    // Few devices need less room to come back in than many.
    let window = limits.drain_window.min(interval * sessions.len() as u32);
    let goaway = frame::goaway(RETRY_MS, window.as_millis() as u64);
    let mut turns = Turns::new(interval, rng);
    let mut busy = Vec::new();
    for session in sessions {
        turns.next().await;
        // One that cannot take it is closing already.
        let _ = session.outbox.push(goaway.clone(), limits);
        if session.is_busy(node.wheel.now()) {
            busy.push(session);
        } else {
            session.outbox.close(CloseReason::Drain);
        }
    }
    (goaway, busy)
}

/// Turns at random intervals of half to one and a half of `interval`. One that
/// comes late makes the others later, not closer.
struct Turns {
    interval: Duration,
    next: Instant,
    rng: SmallRng,
}

impl Turns {
    fn new(interval: Duration, rng: SmallRng) -> Self {
        Self {
            interval,
            next: Instant::now(),
            rng,
        }
    }

    async fn next(&mut self) {
        let now = Instant::now();
        if self.next > now + AT_ONCE {
            sleep_until(self.next).await;
        }
        let gap = self.interval.mul_f64(self.rng.random_range(0.5..1.5));
        self.next = self.next.max(now) + gap;
    }
}

async fn wait_until(deadline: Instant, mut done: impl FnMut() -> bool) {
    while !done() && Instant::now() < deadline {
        sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When each of 1,000 turns comes, in seconds; `late` stops for that long
    /// before the 500th.
    async fn thousand(per_s: u32, late: Duration) -> Vec<f64> {
        let started = Instant::now();
        let mut turns = Turns::new(Duration::from_secs(1) / per_s, SmallRng::seed_from_u64(7));
        let mut times = Vec::new();
        for number in 0..1_000 {
            if number == 500 {
                sleep(late).await;
            }
            turns.next().await;
            times.push(started.elapsed().as_secs_f64());
        }
        times
    }

    fn most_within(times: &[f64], length: f64) -> usize {
        let within = |from: f64| {
            let range = from..from + length;
            times.iter().filter(|at| range.contains(at)).count()
        };
        times.iter().map(|from| within(*from)).max().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn turns_keep_to_their_rate_and_are_not_even() {
        let times = thousand(500, Duration::ZERO).await;
        let last = times.last().unwrap();
        assert!((1.8..2.2).contains(last), "{last}");
        assert!(most_within(&times, 0.2) <= 130, "no burst");
        let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let (least, most) = gaps.iter().fold((f64::MAX, 0.0_f64), |(least, most), gap| {
            (least.min(*gap), most.max(*gap))
        });
        assert!(most - least > 0.001, "{least} {most}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_missed_is_not_caught_up_with() {
        let times = thousand(500, Duration::from_secs(3)).await;
        assert!(*times.last().unwrap() > 4.8, "{:?}", times.last());
        assert!(most_within(&times, 0.2) <= 130, "no burst");
    }
}
