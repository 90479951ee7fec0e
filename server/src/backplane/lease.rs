//! The membership lease, from the side of the member that holds it.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use tokio::time::Instant;

/// Returns the time for which a member with this lease may be silent before it is suspected
/// dead.
pub(super) fn suspicion_timeout(lease: Duration) -> Duration {
    // The survivors need the other two fifths to notice the silence and to remove the member,
    // so that a dead node leaves the view within its lease.
    lease * 3 / 5
}

/// The number of leases after which a silent member is removed even if most are silent.
pub(crate) const MASS_SILENCE_LEASES: u32 = 6;

/// Whether so many of all members are silent that the observer or the broker is the
/// likelier cause.
pub(crate) fn is_mass_silence(silent: usize, members: usize) -> bool {
    // One silent member of one or two proves nothing about the others.
    silent >= 2 && silent * 2 > members
}

/// The time for which a member may be silent, and its last sign of life.
///
/// A member whose lease has expired has lost its entry, whether the others have noticed
/// or not. It must not act on what it reads then: that may be meant for the time before.
pub(super) struct Lease {
    pub(super) duration: Duration,
    started: Instant,
    /// The last renewal, in microseconds after `started`.
    renewed_us: AtomicU64,
}

/// An expired lease.
#[derive(Debug, thiserror::Error)]
#[error("the membership lease expired: this node sent nothing for {0:?}")]
pub(super) struct LeaseExpired(Duration);

impl Lease {
    /// Creates a lease that is renewed now.
    pub(super) fn new(duration: Duration) -> Self {
        Self::since(duration, Instant::now())
    }

    /// Creates a lease that was renewed when the join began to be sent.
    pub(super) fn since(duration: Duration, started: Instant) -> Self {
        Self {
            duration,
            started,
            renewed_us: AtomicU64::new(0),
        }
    }

    /// Renews the lease from `sent_at` on, when a sign of life began to be sent.
    ///
    /// The write must be complete by now. The instant before it counts, because the others
    /// cannot have received the sign of life earlier.
    pub(super) fn renew(&self, sent_at: Instant) {
        let at = sent_at.saturating_duration_since(self.started);
        self.renewed_us.fetch_max(at.as_micros() as u64, Relaxed);
    }

    /// Fails when the lease has expired. Called before anything that only a member may do.
    pub(super) fn check(&self) -> Result<(), LeaseExpired> {
        let renewed = Duration::from_micros(self.renewed_us.load(Relaxed));
        let silent = self.started.elapsed().saturating_sub(renewed);
        if silent > self.duration {
            return Err(LeaseExpired(silent));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn lease_holds_while_it_is_renewed() {
        let lease = Lease::new(Duration::from_secs(5));
        for _ in 0..3 {
            tokio::time::advance(Duration::from_secs(4)).await;
            assert!(lease.check().is_ok());
            lease.renew(Instant::now());
        }
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!(
            lease.check().unwrap_err().to_string(),
            "the membership lease expired: this node sent nothing for 6s"
        );
    }
}
