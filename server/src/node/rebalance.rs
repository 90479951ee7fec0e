//! Sending away what this node has above its share, since no balancer moves a
//! socket that is open.
//!
//! Guarantees: a node asks no more devices to leave than it has above the mean of
//! the nodes that take sockets, plus a tolerance; at a bounded rate, with random
//! spacing; each is told `goaway` before its close; one with a command or a reading
//! under way is passed over. Each round looks at all nodes anew, and those who were
//! sent away in the last rounds count as if they were still on their way: so it ends
//! within the tolerance and does not overshoot it.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use rand::{SeedableRng, rngs::SmallRng, seq::SliceRandom};
use tokio::time::{Instant, sleep};

use super::Node;
use crate::{
    message::{ClusterRequest, ClusterResponse, decode, encode},
    net::{pacer::Pacer, ws::close::CloseReason},
    rate::Rate,
    session::{Session, frame},
};

/// A round sends away what its rate gives for this long.
const ROUND_INTERVAL: Duration = Duration::from_secs(1);
/// For so many rounds who was sent away is taken to be on its way: the close, the time
/// that `goaway` gives, and the way back. Who is back sooner counts twice meanwhile,
/// and fewer are sent away than might be.
const RETURN_ROUNDS: usize = 3;
/// A cluster that is not within the tolerance by then is not going to be: something
/// sends its sockets back here.
const MAX_ROUNDS: usize = 600;
/// How long the other nodes may take to say how much they carry.
const LOAD_TIMEOUT: Duration = Duration::from_secs(2);

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RebalanceRequest {
    tolerance: f64,
    rate: Rate,
}

/// A tolerance that makes no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("invalid tolerance {0}: expected a part of the mean, 0 to 1, such as 0.05")]
pub(crate) struct InvalidTolerance(f64);

impl RebalanceRequest {
    /// The part of the mean, when nothing else is said.
    pub(crate) const DEFAULT_TOLERANCE: f64 = 0.02;

    /// A node may have `tolerance` more than the mean, as a part of it, and sends away at
    /// most `rate`.
    pub(crate) fn new(tolerance: f64, rate: Rate) -> Result<Self, InvalidTolerance> {
        match (0.0..=1.0).contains(&tolerance) {
            true => Ok(Self { tolerance, rate }),
            false => Err(InvalidTolerance(tolerance)),
        }
    }
}

/// Begins to send away what is above the share; while one runs, another order
/// changes nothing. It ends with a drain.
pub(crate) fn start(node: &Arc<Node>, request: RebalanceRequest) {
    if node.rebalancing.swap(true, Relaxed) {
        return;
    }
    let node = Arc::clone(node);
    tokio::spawn(async move {
        let drain = node.drain.clone();
        let told = drain.run_until_cancelled(run(&node, request)).await;
        node.rebalancing.store(false, Relaxed);
        tracing::info!(?told, "rebalanced");
    });
}

/// How many were told to leave.
async fn run(node: &Node, request: RebalanceRequest) -> usize {
    let per_round =
        (ROUND_INTERVAL.as_secs_f64() / request.rate.interval().as_secs_f64()).ceil() as usize;
    let (mut all, mut recently_sent) = (0, RecentRounds::default());
    for _ in 0..MAX_ROUNDS {
        let others = request_other_loads(node).await;
        let excess = excess(
            open_sockets(node),
            &others,
            recently_sent.total(),
            request.tolerance,
        );
        if excess == 0 && recently_sent.total() == 0 {
            break;
        }
        let count = usize::try_from(excess).unwrap_or(usize::MAX).min(per_round);
        let began = Instant::now();
        let told = send_goaways(node, count, request.rate).await;
        all += told;
        recently_sent.push(told as u64);
        sleep(ROUND_INTERVAL.saturating_sub(began.elapsed())).await;
    }
    all
}

/// How many were sent away in each of the last rounds, the last one at the end.
#[derive(Default)]
struct RecentRounds([u64; RETURN_ROUNDS]);

impl RecentRounds {
    fn push(&mut self, told: u64) {
        self.0.rotate_left(1);
        self.0[RETURN_ROUNDS - 1] = told;
    }

    fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// The sockets of this node, but those that are closing: a device that is slow with
/// its close is on its way, and not here.
fn open_sockets(node: &Node) -> u64 {
    let mut closing = 0;
    node.sessions.registry.for_each(|session| {
        closing += u64::from(session.write_queue.close_reason().is_some());
    });
    let open = node.sessions.metrics.open_sockets();
    open.saturating_sub(closing)
}

/// How many sockets a node has above its share, where `others` are those of the
/// other nodes, and `away` is on its way to any.
fn excess(here: u64, others: &[u64], away: u64, tolerance: f64) -> u64 {
    if others.is_empty() {
        return 0;
    }
    let all = here + others.iter().sum::<u64>() + away;
    let mean = all as f64 / (others.len() + 1) as f64;
    here.saturating_sub((mean * (1.0 + tolerance)).ceil() as u64)
}

/// The sockets of the other nodes that take sockets. Who does not answer in time
/// takes none.
async fn request_other_loads(node: &Node) -> Vec<u64> {
    let deadline = Instant::now() + LOAD_TIMEOUT;
    let request = encode(&ClusterRequest::Load);
    let answers = node.cluster.other_nodes().into_iter().map(|other| {
        let backplane = &node.cluster.backplane;
        backplane.request(&other, request.clone(), deadline)
    });
    let answers = futures_util::future::join_all(answers).await;
    let reports =
        answers
            .into_iter()
            .filter_map(|answer| match decode::<ClusterResponse>(&answer.ok()?)? {
                ClusterResponse::Load(report) => report,
                _ => None,
            });
    reports
        .filter(|report| report.accepts_sockets)
        .map(|report| report.sockets)
        .collect()
}

/// Asks `count` idle devices to leave, whichever; how many were asked.
async fn send_goaways(node: &Node, count: usize, rate: Rate) -> usize {
    let limits = &node.sessions.limits;
    let mut rng = SmallRng::from_rng(&mut rand::rng());
    let chosen = pick_idle(node, count, &mut rng);
    let window = limits
        .drain_reconnect_window
        .min(rate.interval() * chosen.len() as u32);
    let goaway = frame::goaway(window);
    let mut pacer = Pacer::new(rate.interval(), rng);
    let mut told = 0;
    for session in chosen {
        pacer.tick().await;
        if session.is_busy(node.sessions.wheel.now()) {
            continue;
        }
        // One that cannot take it is closing already.
        if session.write_queue.push(goaway.clone(), limits).is_ok()
            && session.write_queue.close(CloseReason::Rebalance)
        {
            told += 1;
        }
    }
    told
}

fn pick_idle(node: &Node, count: usize, rng: &mut SmallRng) -> Vec<Arc<Session>> {
    if count == 0 {
        return Vec::new();
    }
    let now = node.sessions.wheel.now();
    let mut idle = Vec::new();
    node.sessions.registry.for_each(|session| {
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
    fn a_node_alone_has_its_share() {
        assert_eq!(excess(1000, &[], 0, 0.0), 0);
        assert_eq!(excess(1000, &[0], 0, 0.0), 500);
        assert_eq!(excess(1000, &[1000, 0], 0, 0.05), 300);
    }

    #[test]
    fn bands() {
        let rate = Rate::per_second(1);
        assert!(
            RebalanceRequest::new(0.0, rate).is_ok() && RebalanceRequest::new(1.0, rate).is_ok()
        );
        for bad in [-0.1, 1.1, f64::NAN] {
            assert!(RebalanceRequest::new(bad, rate).is_err(), "{bad}");
        }
    }

    /// Three nodes, of which one has all sockets; who is sent away is back at the others
    /// only some rounds later. What the first has at the end.
    fn left_after(rounds_away: usize) -> u64 {
        let (mut here, mut others) = (3000, [0, 0]);
        let mut on_the_way: VecDeque<u64> = VecDeque::from(vec![0; rounds_away]);
        let mut gone = RecentRounds::default();
        loop {
            let excess = excess(here, &others, gone.total(), 0.02);
            if excess == 0 && gone.total() == 0 {
                return here;
            }
            let told = excess.min(200);
            here -= told;
            gone.push(told);
            on_the_way.push_back(told);
            let back = on_the_way.pop_front().unwrap_or(0);
            others[0] += back / 2;
            others[1] += back - back / 2;
        }
    }

    #[test]
    fn who_takes_its_time_to_come_back_is_not_replaced_by_another() {
        for rounds_away in 0..=RETURN_ROUNDS {
            let left = left_after(rounds_away);
            assert!((1000..=1020).contains(&left), "{rounds_away}: {left}");
        }
    }

    proptest! {
        /// What leaves never brings a node below the mean, and once it has left
        /// nothing is above the tolerance.
        #[test]
        fn nobody_falls_below_the_mean(
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
