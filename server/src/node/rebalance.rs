//! Sending away what this node has above its share, since no balancer moves a
//! socket that is open.
//!
//! Guarantees: a node asks no more devices to leave than it has above the mean of
//! the nodes that take sockets, plus a band; at a bounded rate, with random
//! spacing; each is told `goaway` before its close; one with a command or a reading
//! under way is passed over. Each round looks at all nodes anew, and those who were
//! sent away in the last rounds count as if they were still on their way: so it ends
//! within the band and does not overshoot it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use rand::{SeedableRng, rngs::SmallRng, seq::SliceRandom};
use tokio::time::{Instant, sleep};

use super::Node;
use crate::{
    cluster::message::{Answer, Question, decode, encode},
    pacer::Turns,
    rate::Rate,
    session::{Session, frame},
    ws::close::CloseReason,
};

/// A round sends away what its rate gives for this long.
const ROUND: Duration = Duration::from_secs(1);
/// For so many rounds who was sent away is taken to be on its way: the close, the time
/// that `goaway` gives, and the way back. Who is back sooner counts twice meanwhile,
/// and fewer are sent away than might be.
const AWAY_ROUNDS: usize = 3;
/// A cluster that is not within the band by then is not going to be: something
/// sends its sockets back here.
const ROUNDS: usize = 600;
/// How long the other nodes may take to say how much they carry.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Order {
    band: f64,
    rate: Rate,
}

/// A band that makes no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("a band of {0} is none: expected a part of the mean, 0 to 1, such as 0.05")]
pub(crate) struct NotABand(f64);

/// At most one rebalancing of a node runs at a time.
#[derive(Default)]
pub(crate) struct Rebalancing(AtomicBool);

impl Order {
    /// The part of the mean, when nothing else is said.
    pub(crate) const BAND: f64 = 0.02;

    /// A node may have `band` more than the mean, as a part of it, and sends away at
    /// most `rate`.
    pub(crate) fn new(band: f64, rate: Rate) -> Result<Self, NotABand> {
        match (0.0..=1.0).contains(&band) {
            true => Ok(Self { band, rate }),
            false => Err(NotABand(band)),
        }
    }
}

/// Begins to send away what is above the share; while one runs, another order
/// changes nothing. It ends with a drain.
pub(crate) fn begin(node: &Arc<Node>, order: Order) {
    if node.rebalancing.0.swap(true, Relaxed) {
        return;
    }
    let node = Arc::clone(node);
    tokio::spawn(async move {
        let drain = node.drain.clone();
        let told = drain.run_until_cancelled(run(&node, order)).await;
        node.rebalancing.0.store(false, Relaxed);
        tracing::info!(?told, "rebalanced");
    });
}

/// How many were told to leave.
async fn run(node: &Node, order: Order) -> usize {
    let per_round = (ROUND.as_secs_f64() / order.rate.interval().as_secs_f64()).ceil() as usize;
    let (mut all, mut gone) = (0, Gone::default());
    for _ in 0..ROUNDS {
        let others = ask_others(node).await;
        let excess = excess(staying(node), &others, gone.away(), order.band);
        if excess == 0 && gone.away() == 0 {
            break;
        }
        let count = usize::try_from(excess).unwrap_or(usize::MAX).min(per_round);
        let began = Instant::now();
        let told = send_away(node, count, order.rate).await;
        all += told;
        gone.round(told as u64);
        sleep(ROUND.saturating_sub(began.elapsed())).await;
    }
    all
}

/// How many were sent away in each of the last rounds, the last one at the end.
#[derive(Default)]
struct Gone([u64; AWAY_ROUNDS]);

impl Gone {
    fn round(&mut self, told: u64) {
        self.0.rotate_left(1);
        self.0[AWAY_ROUNDS - 1] = told;
    }

    fn away(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// The sockets of this node, but those that are closing: a device that is slow with
/// its close is on its way, and not here.
fn staying(node: &Node) -> u64 {
    let mut closing = 0;
    node.registry.for_each(|session| {
        closing += u64::from(session.outbox.closing().is_some());
    });
    let open = u64::try_from(node.metrics.sockets.get()).unwrap_or(0);
    open.saturating_sub(closing)
}

/// How many sockets a node has above its share, where `others` are those of the
/// other nodes, and `away` is on its way to any.
fn excess(here: u64, others: &[u64], away: u64, band: f64) -> u64 {
    if others.is_empty() {
        return 0;
    }
    let all = here + others.iter().sum::<u64>() + away;
    let mean = all as f64 / (others.len() + 1) as f64;
    here.saturating_sub((mean * (1.0 + band)).ceil() as u64)
}

/// The sockets of the other nodes that take sockets. Who does not answer in time
/// takes none.
async fn ask_others(node: &Node) -> Vec<u64> {
    let deadline = Instant::now() + ANSWER_WITHIN;
    let question = encode(&Question::Load);
    let answers = node.cluster.others().into_iter().map(|other| {
        let backplane = &node.cluster.backplane;
        backplane.request(&other, question.clone(), deadline)
    });
    let answers = futures_util::future::join_all(answers).await;
    let reports = answers
        .into_iter()
        .filter_map(|answer| match decode::<Answer>(&answer.ok()?)? {
            Answer::Load(report) => report,
            _ => None,
        });
    reports
        .filter(|report| report.accepts)
        .map(|report| report.sockets)
        .collect()
}

/// Asks `count` idle devices to leave, whichever; how many were asked.
async fn send_away(node: &Node, count: usize, rate: Rate) -> usize {
    let limits = &node.config.limits;
    let mut rng = SmallRng::from_rng(&mut rand::rng());
    let chosen = idle(node, count, &mut rng);
    let window = limits
        .drain_window
        .min(rate.interval() * chosen.len() as u32);
    let goaway = frame::goaway(window);
    let mut turns = Turns::new(rate.interval(), rng);
    let mut told = 0;
    for session in chosen {
        turns.next().await;
        if session.is_busy(node.wheel.now()) {
            continue;
        }
        // One that cannot take it is closing already.
        if session.outbox.push(goaway.clone(), limits).is_ok()
            && session.outbox.close(CloseReason::Rebalance)
        {
            told += 1;
        }
    }
    told
}

fn idle(node: &Node, count: usize, rng: &mut SmallRng) -> Vec<Arc<Session>> {
    if count == 0 {
        return Vec::new();
    }
    let now = node.wheel.now();
    let mut idle = Vec::new();
    node.registry.for_each(|session| {
        if session.outbox.closing().is_none() && !session.is_busy(now) {
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
        assert!(Order::new(0.0, rate).is_ok() && Order::new(1.0, rate).is_ok());
        for bad in [-0.1, 1.1, f64::NAN] {
            assert!(Order::new(bad, rate).is_err(), "{bad}");
        }
    }

    /// Three nodes, of which one has all sockets; who is sent away is back at the others
    /// only some rounds later. What the first has at the end.
    fn left_after(rounds_away: usize) -> u64 {
        let (mut here, mut others) = (3000, [0, 0]);
        let mut on_the_way: VecDeque<u64> = VecDeque::from(vec![0; rounds_away]);
        let mut gone = Gone::default();
        loop {
            let excess = excess(here, &others, gone.away(), 0.02);
            if excess == 0 && gone.away() == 0 {
                return here;
            }
            let told = excess.min(200);
            here -= told;
            gone.round(told);
            on_the_way.push_back(told);
            let back = on_the_way.pop_front().unwrap_or(0);
            others[0] += back / 2;
            others[1] += back - back / 2;
        }
    }

    #[test]
    fn who_takes_its_time_to_come_back_is_not_replaced_by_another() {
        for rounds_away in 0..=AWAY_ROUNDS {
            let left = left_after(rounds_away);
            assert!((1000..=1020).contains(&left), "{rounds_away}: {left}");
        }
    }

    proptest! {
        /// What leaves never brings a node below the mean, and once it has left
        /// nothing is above the band.
        #[test]
        fn nobody_falls_below_the_mean(
            here in 0u64..100_000,
            others in prop::collection::vec(0u64..100_000, 1..20),
            away in 0u64..1000,
            band in 0.0..1.0f64,
        ) {
            let excess = excess(here, &others, away, band);
            prop_assert!(excess <= here);
            let all = here + others.iter().sum::<u64>() + away;
            let mean = all as f64 / (others.len() + 1) as f64;
            let left = (here - excess) as f64;
            prop_assert!(excess == 0 || left >= mean);
            prop_assert!(left < mean * (1.0 + band) + 1.0 || excess == 0);
            prop_assert!(excess > 0 || here as f64 <= (mean * (1.0 + band)).ceil());
        }
    }
}
