//! The fault that leaves pings unanswered. They are read and counted.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use tokio::time::Instant;

/// The fault, which is active until an instant.
pub(crate) struct IgnorePings {
    origin: Instant,
    /// Milliseconds since `origin`; 0 before the first injection.
    until_ms: AtomicU64,
}

impl Default for IgnorePings {
    fn default() -> Self {
        Self {
            origin: Instant::now(),
            until_ms: AtomicU64::new(0),
        }
    }
}

impl IgnorePings {
    pub(super) fn inject(&self, length: Duration) {
        self.until_ms
            .store(self.elapsed_ms() + length.as_millis() as u64, Relaxed);
    }

    /// Whether the fault is active. Called for each ping, so without a fault it costs one
    /// load and no clock.
    pub(crate) fn is_active(&self) -> bool {
        match self.until_ms.load(Relaxed) {
            0 => false,
            until_ms => self.elapsed_ms() < until_ms,
        }
    }

    fn elapsed_ms(&self) -> u64 {
        self.origin.elapsed().as_millis() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn fault_ends_after_its_duration() {
        let fault = IgnorePings::default();
        assert!(!fault.is_active());
        fault.inject(Duration::from_millis(100));
        assert!(fault.is_active());
        tokio::time::advance(Duration::from_millis(101)).await;
        assert!(!fault.is_active());
    }
}
