//! The whole node stands still: no socket, no request, no timer.

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
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

/// Blocks the thread until an instant, because the fault is a runtime whose workers all
/// stop.
fn block_until(until: Instant) {
    let (lock, never) = (Mutex::new(()), Condvar::new());
    // Nothing notifies the condition variable, so only the time ends the wait.
    never.wait_until(&mut lock.lock(), until);
}
