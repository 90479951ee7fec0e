//! A worker's drain: results are awaited first, then sockets close.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};

use super::{context::Context, recorder::Level};

/// Time without a message after which a worker's sockets have received all messages.
const RECEIVE_IDLE_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest wait for messages. The coordinator's deadline for the drain has room for it.
const MAX_RECEIVE_WAIT: Duration = Duration::from_secs(10);
/// Time that results may take in addition to the plan's longest timeout.
const RESULT_SLACK: Duration = Duration::from_secs(1);
/// Interval at which a draining worker checks whether it still awaits results.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Drains the worker: no new work begins from `second` on, and sockets close once every
/// command, message and telemetry record has its result.
///
/// Closing earlier would fail commands that the system has answered correctly.
pub(super) async fn drain(context: Arc<Context>, second: u64) {
    let start = context.clock.instant_of_second(second);
    sleep_until(start).await;
    // Set before the signal: users that see the signal read the time.
    context.set_drain_at(start);
    context.signals.drain.cancel();
    wait_for_results(&context).await;
    // After the results: only messages that were sent can still arrive.
    if !context.plan.publish.is_empty() {
        wait_for_messages(&context).await;
    }
    context.signals.close.cancel();
}

async fn wait_for_results(context: &Context) {
    let deadline = Instant::now() + context.plan.longest_response_wait() + RESULT_SLACK;
    loop {
        // At least once: users begin what fell due in the last instant before the drain.
        sleep(POLL_INTERVAL).await;
        // The users first: what they begin counts as a result that is awaited.
        let is_done = context.arrival_users.count() == 0 && awaited_results(context) <= 0;
        if is_done || Instant::now() >= deadline {
            return;
        }
    }
}

fn awaited_results(context: &Context) -> i64 {
    [
        Level::CommandsInFlight,
        Level::ExchangesInFlight,
        Level::MessagesInFlight,
        Level::TelemetryPending,
    ]
    .iter()
    .map(|level| context.recorder.level(*level))
    .sum()
}

/// Waits until no message has come for a while: those of other workers may still be on
/// their way.
async fn wait_for_messages(context: &Context) {
    let deadline = Instant::now() + MAX_RECEIVE_WAIT;
    let mut received = context.messages_received();
    let mut idle_since = Instant::now();
    while idle_since.elapsed() < RECEIVE_IDLE_TIMEOUT && Instant::now() < deadline {
        sleep(POLL_INTERVAL).await;
        let count = context.messages_received();
        if count != received {
            (received, idle_since) = (count, Instant::now());
        }
    }
}
