//! The decision whether a silent member is dead.
//!
//! A member that is silent for the peer timeout is dead, with two exceptions:
//!
//! - If this process stood still itself, it counts every silence from the end of its stall.
//! - If more than half of the members are silent at once, the broker or the machine is the
//!   likelier cause. No member is removed for [`MASS_SILENCE_LEASES`] peer timeouts.
//!
//! ```text
//! frame of a member ──► LifeSigns ──┐
//! tick of this process ► OwnTicks ──┴─► judge ──► Dead, or Wait for some more time
//! ```

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

use crate::backplane::{MASS_SILENCE_LEASES, is_mass_silence};

/// The members' last signs of life, and the ticks that show that this process runs.
pub(super) struct Liveness {
    peer_timeout: Duration,
    started: Instant,
    own: Mutex<OwnTicks>,
    /// The last sign of life by generation, in microseconds after `started`.
    members: Mutex<HashMap<u64, Arc<AtomicU64>>>,
}

/// The ticks of this process.
struct OwnTicks {
    last: Instant,
    /// The end of the last stall of this process.
    late_until: Instant,
}

/// The signs of life of one member.
pub(super) struct LifeSigns {
    started: Instant,
    last_us: Arc<AtomicU64>,
}

/// The judgement of a silent member.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Dead,
    /// The member gets this much more time.
    Wait(Duration),
}

impl LifeSigns {
    pub(super) fn record(&self, now: Instant) {
        let at = now.saturating_duration_since(self.started);
        self.last_us.store(at.as_micros() as u64, Relaxed);
    }
}

impl Liveness {
    pub(super) fn new(peer_timeout: Duration) -> Self {
        let now = Instant::now();
        Self {
            peer_timeout,
            started: now,
            own: Mutex::new(OwnTicks {
                last: now,
                late_until: now,
            }),
            members: Mutex::default(),
        }
    }

    /// Adds a member. Its joining is its first sign of life.
    pub(super) fn add(&self, generation: u64) -> LifeSigns {
        let life = LifeSigns {
            started: self.started,
            last_us: Arc::default(),
        };
        life.record(Instant::now());
        let last_us = Arc::clone(&life.last_us);
        self.members.lock().insert(generation, last_us);
        life
    }

    pub(super) fn remove(&self, generation: u64) {
        self.members.lock().remove(&generation);
    }

    /// Records at every tick that this process runs, as long as the broker lives.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            sleep(self.tick_interval()).await;
            self.late_until(Instant::now());
        }
    }

    fn tick_interval(&self) -> Duration {
        self.peer_timeout / 20
    }

    /// Records that this process runs now, and returns the end of its last stall.
    fn late_until(&self, now: Instant) -> Instant {
        let mut own = self.own.lock();
        // A fifth of the timeout: a shorter stall cannot make a living member look dead.
        if now.saturating_duration_since(own.last) > self.tick_interval() + self.peer_timeout / 5 {
            tracing::warn!("the broker was late; its members get a timeout from now on");
            own.late_until = now;
        }
        own.last = now;
        own.late_until
    }

    /// Decides whether a member that was silent for the peer timeout is dead.
    pub(super) fn judge(&self, generation: u64, now: Instant) -> Verdict {
        // Checked here as well: after a stall, this may run before the tick.
        let late_until = self.late_until(now);
        let members = self.members.lock();
        let silence = |last_us: &AtomicU64| {
            let last = self.started + Duration::from_micros(last_us.load(Relaxed));
            now.saturating_duration_since(last.max(late_until))
        };
        let Some(own) = members.get(&generation).map(|last| silence(last)) else {
            return Verdict::Dead;
        };
        if own < self.peer_timeout {
            return Verdict::Wait(self.peer_timeout - own);
        }
        // Half of the timeout: members that fall silent together are some pings apart.
        let is_silent = |last: &&Arc<AtomicU64>| silence(last) >= self.peer_timeout / 2;
        let silent = members.values().filter(is_silent).count();
        let limit = self.peer_timeout * MASS_SILENCE_LEASES;
        match is_mass_silence(silent, members.len()) && own < limit {
            true => {
                let of = members.len();
                tracing::warn!("{silent} of {of} members are silent at once; removing none");
                Verdict::Wait((self.peer_timeout / 4).min(limit - own))
            }
            false => Verdict::Dead,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(5);

    fn members(liveness: &Liveness, count: u64) -> Vec<LifeSigns> {
        (0..count).map(|member| liveness.add(member)).collect()
    }

    /// Lets time pass in which the broker runs and these members give signs of life.
    async fn pass(liveness: &Liveness, seconds: u64, alive: &[LifeSigns]) {
        for _ in 0..seconds * 4 {
            advance(Duration::from_millis(250)).await;
            liveness.late_until(Instant::now());
            alive.iter().for_each(|life| life.record(Instant::now()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_silent_member_is_dead_after_its_timeout() {
        let liveness = Liveness::new(TIMEOUT);
        let alive = members(&liveness, 3);
        let _silent = liveness.add(9);
        pass(&liveness, 4, &alive).await;
        let verdict = liveness.judge(9, Instant::now());
        assert_eq!(verdict, Verdict::Wait(Duration::from_secs(1)));
        pass(&liveness, 1, &alive).await;
        assert_eq!(liveness.judge(9, Instant::now()), Verdict::Dead);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_of_most_members_removes_none_until_it_has_lasted() {
        let liveness = Liveness::new(TIMEOUT);
        let alive = members(&liveness, 2);
        let _silent = [7, 8, 9].map(|member| liveness.add(member));
        pass(&liveness, 29, &alive).await;
        assert!(matches!(
            liveness.judge(9, Instant::now()),
            Verdict::Wait(_)
        ));
        pass(&liveness, 1, &alive).await;
        assert_eq!(liveness.judge(9, Instant::now()), Verdict::Dead);
    }

    #[tokio::test(start_paused = true)]
    async fn late_broker_counts_silence_from_its_return() {
        let liveness = Liveness::new(TIMEOUT);
        let _silent = liveness.add(9);
        // Nothing ran, neither the ticks nor the reading of signs of life.
        advance(Duration::from_secs(8)).await;
        assert_eq!(liveness.judge(9, Instant::now()), Verdict::Wait(TIMEOUT));
        pass(&liveness, 5, &[]).await;
        assert_eq!(liveness.judge(9, Instant::now()), Verdict::Dead);
    }
}
