//! The whole node stands still: no socket, no request, no timer.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::runtime::Handle;

/// Time for the answer to the request to leave.
const RESPONSE_DELAY: Duration = Duration::from_millis(20);

/// Blocks every worker of the runtime until one common instant.
pub(super) fn inject(length: Duration) {
    tokio::spawn(async move {
        tokio::time::sleep(RESPONSE_DELAY).await;
        let until = Instant::now() + length;
        // Blocked workers take no further task, so each of these ends up on a
        // worker of its own; one that comes late returns at once.
        for _ in 0..Handle::current().metrics().num_workers() {
            tokio::spawn(async move { block_until(until) });
        }
    });
}

/// A blocking wait is what is wanted here.
fn block_until(until: Instant) {
    let (lock, never) = (Mutex::new(()), Condvar::new());
    let mut guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        if left.is_zero() {
            return;
        }
        (guard, _) = never
            .wait_timeout(guard, left)
            .unwrap_or_else(PoisonError::into_inner);
    }
}
