//! The arrivals of the open model: work on a fixed schedule, whether or not earlier work has
//! ended.

use tokio::time::{Instant, sleep_until};

use super::context::Context;

/// Calls `begin` with each of the `arrivals` when it is due, until the drain.
///
/// Arrivals that were due before the drain begin in any case, late as they are. Their times count
/// from the instants at which they were due.
pub async fn follow(
    context: &Context,
    arrivals: impl Iterator<Item = Instant>,
    mut begin: impl FnMut(Instant),
) {
    let mut arrivals = arrivals.peekable();
    while let Some(due) = arrivals.peek().copied() {
        tokio::select! {
            // The drain first: what is due in the same instant does not begin.
            biased;
            () = context.signals.drain.cancelled() => break,
            () = sleep_until(due) => {}
        }
        arrivals.next();
        begin(due);
    }
    let drain = context.drain_at();
    let is_due = |due: &Instant| drain.is_some_and(|drain| *due < drain);
    arrivals.take_while(is_due).for_each(begin);
}
