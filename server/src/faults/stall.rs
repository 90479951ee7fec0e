//! The fault that stops the whole node: no socket, no request and no timer runs.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::runtime::Handle;

/// Delay before the stall, in which the answer to the request leaves.
const RESPONSE_DELAY: Duration = Duration::from_millis(20);

/// Blocks every worker of the runtime until the same instant.
pub(super) fn inject(length: Duration) {
    tokio::spawn(async move {
        tokio::time::sleep(RESPONSE_DELAY).await;
        let until = Instant::now() + length;
        // A blocked worker runs no further task, so each of these blocks another worker.
        // One that runs late returns at once.
        for _ in 0..Handle::current().metrics().num_workers() {
            tokio::spawn(async move { block_until(until) });
        }
    });
}

/// Blocks the thread, on purpose. A condition variable that nothing notifies, because
/// `std::thread::sleep` is not allowed in this crate.
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
