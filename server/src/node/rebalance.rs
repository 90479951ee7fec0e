//! The rebalancing of a node: it closes the sockets that it has above its share. No
//! balancer moves a socket that is open.
//!
//! Guarantees:
//!
//! - A node closes no more sockets than it has above the mean of the nodes that accept
//!   sockets, plus a tolerance.
//! - Devices leave at a bounded rate with random spacing. Each gets `goaway` before its
//!   close. A device with a command or telemetry in flight stays.
//! - Each round asks all nodes again. Devices of the last rounds count as still on their
//!   way, so the rebalancing ends within the tolerance and does not overshoot it.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use rand::{SeedableRng, rngs::SmallRng, seq::SliceRandom};
use tokio::time::{Instant, sleep};

use super::{Node, drain::goaway_for};
use crate::{
    message::{ClusterRequest, ClusterResponse},
    net::{pacer::Pacer, ws::close::CloseReason},
    rate::Rate,
    session::Session,
};

/// Time of one round. A round closes as many sockets as its rate allows in this time.
const ROUND_INTERVAL: Duration = Duration::from_secs(1);
/// Rounds for which a device counts as on its way: the close, the delay that `goaway`
/// asks for, and the reconnect. A device that is back sooner counts twice meanwhile, so
/// that a round closes too few sockets rather than too many.
const RETURN_ROUNDS: usize = 3;
/// Rounds after which the rebalancing gives up. A cluster that needs more sends the
/// sockets back to this node.
const MAX_ROUNDS: usize = 600;
/// Time in which the other nodes must return their load.
const LOAD_TIMEOUT: Duration = Duration::from_secs(2);

/// The tolerance of a request without one, as a part of the mean.
pub(crate) const DEFAULT_TOLERANCE: f64 = 0.02;

/// The parameters of a rebalancing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RebalanceRequest {
    tolerance: f64,
    rate: Rate,
}

/// A number that is not a tolerance.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("invalid tolerance {0}: expected a part of the mean, 0 to 1, such as 0.05")]
pub(crate) struct InvalidTolerance(f64);

impl RebalanceRequest {
    /// Returns a request that leaves a node up to `tolerance` above the mean, as a part of
    /// it, and closes sockets at most at `rate`.
    pub(crate) fn new(tolerance: f64, rate: Rate) -> Result<Self, InvalidTolerance> {
        match (0.0..=1.0).contains(&tolerance) {
            true => Ok(Self { tolerance, rate }),
            false => Err(InvalidTolerance(tolerance)),
        }
    }
}

/// Starts a rebalancing. While one runs, another request changes nothing. A drain ends
/// it.
pub(crate) fn start(node: &Arc<Node>, request: RebalanceRequest) {
    if node.rebalancing.swap(true, Relaxed) {
        return;
    }
    let node = Arc::clone(node);
    tokio::spawn(async move {
        let drain = node.drain.clone();
        let closed = drain.run_until_cancelled(run(&node, request)).await;
        node.rebalancing.store(false, Relaxed);
        match closed {
            Some(closed) => tracing::info!(closed, "rebalancing ended"),
            None => tracing::info!("rebalancing ended by a drain"),
        }
    });
}

/// Runs the rounds. Returns the number of sockets closed.
async fn run(node: &Node, request: RebalanceRequest) -> usize {
    let per_round =
        (ROUND_INTERVAL.as_secs_f64() / request.rate.interval().as_secs_f64()).ceil() as usize;
    let (mut closed, mut recent) = (0, RecentRounds::default());
    for _ in 0..MAX_ROUNDS {
        let others = request_other_loads(node).await;
        let here = open_sockets(node);
        let excess = excess(here, &others, recent.total(), request.tolerance);
        // With devices on their way the count is not final yet.
        if excess == 0 && recent.total() == 0 {
            break;
        }
        let count = usize::try_from(excess).unwrap_or(usize::MAX).min(per_round);
        let began = Instant::now();
        let closed_now = close_idle(node, count, request.rate).await;
        closed += closed_now;
        recent.push(closed_now as u64);
        sleep(ROUND_INTERVAL.saturating_sub(began.elapsed())).await;
    }
    closed
}

/// The sockets closed in each of the last rounds, oldest first.
#[derive(Default)]
struct RecentRounds([u64; RETURN_ROUNDS]);

impl RecentRounds {
    fn push(&mut self, closed: u64) {
        self.0.rotate_left(1);
        self.0[RETURN_ROUNDS - 1] = closed;
    }

    fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// Returns the open sockets of this node that are not closing: a device with a slow
/// close counts as on its way.
fn open_sockets(node: &Node) -> u64 {
    let mut closing = 0;
    node.sessions.for_each(|session| {
        closing += u64::from(session.write_queue.close_reason().is_some());
    });
    let open = node.sessions.metrics.open_sockets();
    open.saturating_sub(closing)
}

/// Returns the sockets that a node with `here` sockets has above its share. `others` are
/// the sockets of the other nodes, `away` the devices on their way to any node.
fn excess(here: u64, others: &[u64], away: u64, tolerance: f64) -> u64 {
    if others.is_empty() {
        return 0;
    }
    let all = here + others.iter().sum::<u64>() + away;
    let mean = all as f64 / (others.len() + 1) as f64;
    here.saturating_sub((mean * (1.0 + tolerance)).ceil() as u64)
}

/// Returns the sockets of each other node that accepts sockets. A node without an answer
/// in time counts as one that accepts none.
async fn request_other_loads(node: &Node) -> Vec<u64> {
    let deadline = Instant::now() + LOAD_TIMEOUT;
    let others = node.cluster.other_nodes();
    let request = |other| node.cluster.request(other, &ClusterRequest::Load, deadline);
    let responses = futures_util::future::join_all(others.iter().map(request)).await;
    let reports = responses.into_iter().filter_map(|response| match response {
        Ok(ClusterResponse::Load(report)) => report,
        _ => None,
    });
    reports
        .filter(|report| report.accepts_sockets)
        .map(|report| report.sockets)
        .collect()
}

/// Closes up to `count` idle devices, chosen at random. Returns the number closed.
async fn close_idle(node: &Node, count: usize, rate: Rate) -> usize {
    let limits = &node.sessions.limits;
    let mut rng = SmallRng::from_rng(&mut rand::rng());
    let chosen = pick_idle(node, count, &mut rng);
    let goaway = goaway_for(limits, rate, chosen.len());
    let mut pacer = Pacer::new(rate.interval(), rng);
    let mut closed = 0;
    for session in chosen {
        pacer.tick().await;
        // It was idle when it was chosen, and may have got a command since.
        if session.is_busy(node.sessions.wheel.now()) {
            continue;
        }
        // A session that rejects the frame is closing already, and does not count.
        if session.push_goaway(&goaway, limits) && session.write_queue.close(CloseReason::Rebalance)
        {
            closed += 1;
        }
    }
    closed
}

fn pick_idle(node: &Node, count: usize, rng: &mut SmallRng) -> Vec<Arc<Session>> {
    let now = node.sessions.wheel.now();
    let mut idle = Vec::new();
    node.sessions.for_each(|session| {
        if session.write_queue.close_reason().is_none() && !session.is_busy(now) {
            idle.push(Arc::clone(session));
        }
    });
    idle.shuffle(rng);
    idle.truncate(count);
    idle
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn excess_of_node_without_peers_is_zero() {
        assert_eq!(excess(1000, &[], 0, 0.0), 0);
        assert_eq!(excess(1000, &[0], 0, 0.0), 500);
        assert_eq!(excess(1000, &[1000, 0], 0, 0.05), 300);
    }

    #[test]
    fn tolerance_is_between_0_and_1() {
        let rate = Rate::whole(1);
        assert!(
            RebalanceRequest::new(0.0, rate).is_ok() && RebalanceRequest::new(1.0, rate).is_ok()
        );
        for bad in [-0.1, 1.1, f64::NAN] {
            assert!(RebalanceRequest::new(bad, rate).is_err(), "{bad}");
        }
    }

    /// Simulates three nodes of which one has all sockets. A closed device reconnects to
    /// another node `rounds_away` rounds later. Returns the sockets left at the first node.
    fn sockets_left(rounds_away: usize) -> u64 {
        let (mut here, mut others) = (3000, [0, 0]);
        let mut on_the_way: VecDeque<u64> = VecDeque::from(vec![0; rounds_away]);
        let mut recent = RecentRounds::default();
        loop {
            let excess = excess(here, &others, recent.total(), 0.02);
            if excess == 0 && recent.total() == 0 {
                return here;
            }
            let closed = excess.min(200);
            here -= closed;
            recent.push(closed);
            on_the_way.push_back(closed);
            let back = on_the_way.pop_front().unwrap_or(0);
            others[0] += back / 2;
            others[1] += back - back / 2;
        }
    }

    #[test]
    fn device_that_returns_late_is_not_counted_as_missing() {
        for rounds_away in 0..=RETURN_ROUNDS {
            let left = sockets_left(rounds_away);
            assert!((1000..=1020).contains(&left), "{rounds_away}: {left}");
        }
    }

    proptest! {
        /// Checks that the excess never brings a node below the mean, and that without it
        /// the node is within the tolerance.
        #[test]
        fn node_without_its_excess_is_between_mean_and_tolerance(
            here in 0u64..100_000,
            others in prop::collection::vec(0u64..100_000, 1..20),
            away in 0u64..1000,
            tolerance in 0.0..1.0f64,
        ) {
            let excess = excess(here, &others, away, tolerance);
            prop_assert!(excess <= here);
            let all = here + others.iter().sum::<u64>() + away;
            let mean = all as f64 / (others.len() + 1) as f64;
            let left = (here - excess) as f64;
            prop_assert!(excess == 0 || left >= mean);
            prop_assert!(left < mean * (1.0 + tolerance) + 1.0 || excess == 0);
            prop_assert!(excess > 0 || here as f64 <= (mean * (1.0 + tolerance)).ceil());
        }
    }
}
