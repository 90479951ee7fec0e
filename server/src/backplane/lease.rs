//! A node's own side of its lease.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use tokio::time::Instant;

/// The part of its lease that a node may be silent. The rest is for the others to
/// notice and to clear up: a dead node is gone within its lease.
pub(super) fn suspicion_timeout(lease: Duration) -> Duration {
    lease * 3 / 5
}

/// How long a node may be silent, and when it last said that it is alive.
///
/// A node that could not say so for that long has lost its seat, whether the others
/// have noticed or not: what it reads now may be meant for the time before.
pub(super) struct Lease {
    duration: Duration,
    started: Instant,
    renewed_us: AtomicU64,
}

/// The lease ran out.
#[derive(Debug, thiserror::Error)]
#[error("this node stood still for {0:?}, longer than its lease")]
pub(super) struct LeaseExpired(Duration);

impl Lease {
    /// Renewed just now.
    pub(super) fn new(duration: Duration) -> Self {
        Self {
            duration,
            started: Instant::now(),
            renewed_us: AtomicU64::new(0),
        }
    }

    /// The sign of life that was given at `said` has gone out.
    pub(super) fn renew(&self, said: Instant) {
        let at = said.saturating_duration_since(self.started);
        self.renewed_us.fetch_max(at.as_micros() as u64, Relaxed);
    }

    /// To be called before anything that only the holder may do.
    pub(super) fn check(&self) -> Result<(), LeaseExpired> {
        let renewed = Duration::from_micros(self.renewed_us.load(Relaxed));
        let silent = self.started.elapsed().saturating_sub(renewed);
        match silent > self.duration {
            true => Err(LeaseExpired(silent)),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_holds_as_long_as_it_is_renewed() {
        let lease = Lease::new(Duration::from_secs(5));
        for _ in 0..3 {
            tokio::time::advance(Duration::from_secs(4)).await;
            assert!(lease.check().is_ok());
            lease.renew(Instant::now());
        }
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!(
            lease.check().unwrap_err().to_string(),
            "this node stood still for 6s, longer than its lease"
        );
    }
}
