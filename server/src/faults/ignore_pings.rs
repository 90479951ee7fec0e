//! Pings are read and counted, and not answered.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use tokio::time::Instant;

/// Active until an instant.
pub(crate) struct IgnorePings {
    origin: Instant,
    /// Milliseconds since `origin`; 0 when never injected.
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

    /// Asked for each ping: costs one load while there is no fault.
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
    async fn it_ends_by_itself() {
        let fault = IgnorePings::default();
        assert!(!fault.is_active());
        fault.inject(Duration::from_millis(100));
        assert!(fault.is_active());
        tokio::time::advance(Duration::from_millis(101)).await;
        assert!(!fault.is_active());
    }
}
