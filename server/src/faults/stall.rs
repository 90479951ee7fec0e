//! The fault that stops the whole node: no socket, no request and no timer runs.

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
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

/// Blocks the thread until an instant, on purpose: the fault is a runtime whose workers all
/// stop.
fn block_until(until: Instant) {
    let (lock, never) = (Mutex::new(()), Condvar::new());
    // Nothing notifies the condition variable, so only the time ends the wait.
    never.wait_until(&mut lock.lock(), until);
}
