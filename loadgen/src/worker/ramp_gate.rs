//! The control of a worker's ramp by the attempts that are under way and that have ended.
//!
//! ```text
//! batch ── a device is due ──► decide ──► Open: the device opens
//!                               ▲  ▲  └─► Held, Full: it waits, and all after it as long
//! attempts ── begin, end ───────┘  │
//! run ── again and again ──────────┘─► Open: all batches go on
//! ```
//!
//! A ramp that goes on at its rate while the system answers more and more slowly overloads it:
//! the waiting attempts cost the system more than the served ones. A wait postpones every device
//! that is not open yet. Afterwards the ramp goes on at its rate, without a burst,
//! and the wait does not count as lateness of the harness.

use std::{
    collections::{BTreeSet, VecDeque},
    convert::Infallible,
    time::Duration,
};

use highwater_scenarios::{Plan, Segment, plan::HoldWhen};
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep},
};

use super::recorder::{Count, Recorder};

/// Time between two decisions while the ramp waits.
const RECHECK: Duration = Duration::from_millis(50);

/// Time after its end for which an attempt counts.
const WINDOW: Duration = Duration::from_secs(1);

/// Fewest attempts under way that a worker may have without a limit of the scenario's own.
const MIN_CONNECTING: u32 = 100;

/// Most ended attempts that are kept. If more end within [`WINDOW`], the newest count.
const MOST_ENDED: usize = 20_000;

/// The gate that a worker's ramp passes.
#[derive(Debug)]
pub struct RampGate {
    holds: Vec<HoldWhen>,
    max_connecting: usize,
    state: Mutex<GateState>,
    /// Whether the ramp goes on. Batches that wait follow it.
    is_open: watch::Sender<bool>,
    /// Notified when a batch begins to wait.
    held: Notify,
}

/// Whether the ramp may open its next socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RampDecision {
    /// The next socket may open.
    Open,
    /// A condition of the scenario holds the ramp.
    Held,
    /// The worker has the most attempts under way that it may have.
    Full,
}

#[derive(Debug)]
struct GateState {
    /// The attempts that have not ended, by their start. A number distinguishes attempts that
    /// started at the same instant.
    connecting: BTreeSet<(Instant, u64)>,
    /// The newest ended attempts, each with its end and its duration.
    ended: VecDeque<(Instant, Duration)>,
    next_number: u64,
    decision: RampDecision,
    decided_at: Instant,
    /// The instant up to which the time of a waiting ramp is counted.
    counted_to: Instant,
}

/// A guard of an attempt that is under way. Its drop ends the attempt.
#[derive(Debug)]
pub struct Connecting<'a> {
    gate: &'a RampGate,
    key: (Instant, u64),
}

impl RampGate {
    /// Creates the gate of a worker's share of the plan.
    pub fn new(plan: &Plan, segment: Segment) -> Self {
        let pools = || plan.devices.iter();
        let share = |count: u64, rate: f64| rate * segment.share_of(count) as f64 / count as f64;
        let per_second: f64 = pools()
            .map(|pool| share(pool.count.max(1), pool.ramp.as_per_second()))
            .sum();
        let own = pools().filter_map(|pool| pool.ramp_control.max_connecting);
        let most = own
            .min()
            .unwrap_or((per_second.ceil() as u32).max(MIN_CONNECTING));
        let holds = pools().filter_map(|pool| pool.ramp_control.hold_when);
        Self::with_limits(holds.collect(), most)
    }

    fn with_limits(holds: Vec<HoldWhen>, max_connecting: u32) -> Self {
        let now = Instant::now();
        Self {
            holds,
            max_connecting: max_connecting as usize,
            state: Mutex::new(GateState {
                connecting: BTreeSet::new(),
                ended: VecDeque::new(),
                next_number: 0,
                decision: RampDecision::Open,
                decided_at: now,
                counted_to: now,
            }),
            is_open: watch::Sender::new(true),
            held: Notify::new(),
        }
    }

    /// Returns a receiver of whether the ramp goes on, for a batch that waits.
    pub fn subscribe(&self) -> watch::Receiver<bool> {
        self.is_open.subscribe()
    }

    /// Decides again and again while batches wait. Runs as long as the worker.
    ///
    /// One task decides for all batches: a thousand of them that ask for themselves would take
    /// the CPU time that the slow system needs.
    pub async fn run(&self, recorder: &Recorder) -> Infallible {
        loop {
            self.held.notified().await;
            while !*self.is_open.borrow() {
                sleep(RECHECK).await;
                self.decide(recorder);
            }
        }
    }

    /// Records that an attempt begins.
    pub fn begin(&self) -> Connecting<'_> {
        let mut state = self.state.lock();
        state.next_number += 1;
        let key = (Instant::now(), state.next_number);
        state.connecting.insert(key);
        Connecting { gate: self, key }
    }

    /// Decides whether the ramp may go on, and counts the time for which it may not.
    pub fn decide(&self, recorder: &Recorder) -> RampDecision {
        let decision = self.next_decision(recorder);
        let is_open = decision == RampDecision::Open;
        let has_changed = self
            .is_open
            .send_if_modified(|was_open| std::mem::replace(was_open, is_open) != is_open);
        if has_changed && !is_open {
            self.held.notify_one();
        }
        decision
    }

    fn next_decision(&self, recorder: &Recorder) -> RampDecision {
        let now = Instant::now();
        let mut state = self.state.lock();
        state.count_wait(now, recorder);
        let is_full = state.connecting.len() >= self.max_connecting;
        if !self.holds.is_empty() && now.duration_since(state.decided_at) >= RECHECK {
            state.decided_at = now;
            state.forget_old(now);
            let is_held = self.holds.iter().any(|hold| state.exceeds(hold, now));
            state.decision = match is_held {
                true => RampDecision::Held,
                false => RampDecision::Open,
            };
        }
        if state.decision != RampDecision::Held {
            state.decision = match is_full {
                true => RampDecision::Full,
                false => RampDecision::Open,
            };
        }
        state.decision
    }
}

impl GateState {
    /// Counts the time since the last decision, if the ramp has waited. All batches ask the same
    /// gate, so the time is counted once, and not once for each batch.
    fn count_wait(&mut self, now: Instant, recorder: &Recorder) {
        let count = match self.decision {
            RampDecision::Open => {
                self.counted_to = now;
                return;
            }
            RampDecision::Held => Count::RampHeldMs,
            RampDecision::Full => Count::RampFullMs,
        };
        let waited = now.saturating_duration_since(self.counted_to);
        // If no batch asked for longer, no device was due: the ramp did not wait.
        let millis = waited.min(2 * RECHECK).as_millis() as u64;
        recorder.add(count, millis);
        self.counted_to = match waited > 2 * RECHECK {
            true => now,
            // Only the counted milliseconds, so that the rest of one counts the next time.
            false => self.counted_to + Duration::from_millis(millis),
        };
    }

    fn end(&mut self, key: (Instant, u64), now: Instant) {
        self.connecting.remove(&key);
        self.ended.push_back((now, now.duration_since(key.0)));
        if self.ended.len() > MOST_ENDED {
            self.ended.pop_front();
        }
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some((ended, _)) = self.ended.front()
            && now.duration_since(*ended) > WINDOW
        {
            self.ended.pop_front();
        }
    }

    /// Whether the quantile of the times of the last second is above the limit. An attempt
    /// under way counts with its time so far.
    fn exceeds(&self, hold: &HoldWhen, now: Instant) -> bool {
        let total = self.ended.len() + self.connecting.len();
        let ended = self.ended.iter().filter(|(_, took)| *took > hold.above);
        let pending = self.connecting.iter();
        let pending = pending.take_while(|(start, _)| now.duration_since(*start) > hold.above);
        let above = ended.count() + pending.count();
        // The 99th percentile is above the limit if more than 1 % of the attempts took longer.
        // The longest time is above it if one attempt did.
        above > 0 && above as f64 > total as f64 * (1.0 - hold.percentile / 100.0)
    }
}

impl Drop for Connecting<'_> {
    fn drop(&mut self) {
        self.gate.state.lock().end(self.key, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(1);

    fn gate(percentile: f64) -> RampGate {
        let above = LIMIT;
        RampGate::with_limits(vec![HoldWhen { percentile, above }], 1_000)
    }

    #[tokio::test(start_paused = true)]
    async fn ramp_holds_while_attempts_are_slow_and_goes_on_after() {
        let (gate, recorder) = (gate(99.0), Recorder::default());
        let slow = gate.begin();
        assert_eq!(gate.decide(&recorder), RampDecision::Open);
        advance(LIMIT).await;
        assert_eq!(gate.decide(&recorder), RampDecision::Open);
        advance(RECHECK).await;
        assert_eq!(gate.decide(&recorder), RampDecision::Held);
        // Its end does not free the ramp: it counts for a second.
        drop(slow);
        for _ in 0..20 {
            advance(RECHECK).await;
            assert_eq!(gate.decide(&recorder), RampDecision::Held);
        }
        advance(RECHECK).await;
        assert_eq!(gate.decide(&recorder), RampDecision::Open);
        advance(RECHECK).await;
        gate.decide(&recorder);
        assert_eq!(recorder.value(Count::RampHeldMs), 21 * 50);
        assert_eq!(recorder.value(Count::RampFullMs), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn batches_that_wait_learn_that_the_ramp_goes_on() {
        let (gate, recorder) = (RampGate::with_limits(Vec::new(), 1), Recorder::default());
        let mut is_open = gate.subscribe();
        let first = gate.begin();
        assert_eq!(gate.decide(&recorder), RampDecision::Full);
        assert!(!*is_open.borrow_and_update());
        let running = gate.run(&recorder);
        let waiting = async {
            sleep(5 * RECHECK).await;
            assert!(!is_open.has_changed().unwrap());
            drop(first);
            is_open.wait_for(|is_open| *is_open).await.unwrap();
        };
        tokio::select! {
            never = running => match never {},
            () = waiting => {}
        }
        assert_eq!(gate.decide(&recorder), RampDecision::Open);
    }

    #[tokio::test(start_paused = true)]
    async fn quantile_of_the_last_second_decides() {
        for (slow, percentile, held) in [
            (1, 99.0, false),
            (2, 99.0, true),
            (1, 99.9, true),
            (1, 100.0, true),
            (0, 100.0, false),
            (49, 50.0, false),
            (51, 50.0, true),
        ] {
            let (gate, recorder) = (gate(percentile), Recorder::default());
            let pending: Vec<_> = (0..slow).map(|_| gate.begin()).collect();
            advance(LIMIT + RECHECK).await;
            (slow..100).for_each(|_| drop(gate.begin()));
            let is_held = gate.decide(&recorder) == RampDecision::Held;
            assert_eq!(is_held, held, "{slow} of 100, {percentile}");
            drop(pending);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_under_way_are_bounded() {
        let (gate, recorder) = (RampGate::with_limits(Vec::new(), 2), Recorder::default());
        let first = gate.begin();
        assert_eq!(gate.decide(&recorder), RampDecision::Open);
        let _second = gate.begin();
        assert_eq!(gate.decide(&recorder), RampDecision::Full);
        advance(RECHECK).await;
        drop(first);
        assert_eq!(gate.decide(&recorder), RampDecision::Open);
        assert_eq!(recorder.value(Count::RampFullMs), 50);
    }
}
