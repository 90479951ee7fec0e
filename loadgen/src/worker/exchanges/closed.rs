//! The closed model: a user waits for the answer, pauses, and sends the next message.

use std::time::Duration;

use highwater_scenarios::{plan::LoadModel, segment::UserSlot};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep_until},
};

use super::dispatch::dispatch;
use crate::worker::{context::Context, links::Completion};

/// The shortest pause after a message without an answer. Without it, users without think time
/// would send to a system that is down as fast as their CPU allows.
const MIN_RETRY_PAUSE: Duration = Duration::from_millis(10);

/// Sends the messages of one virtual user, from the user's start until the load ends or the
/// drain begins. The next message is due one think time after the outcome of the last one.
///
/// `load` is the number of the user's load in the plan.
pub async fn run(context: &Context, load: usize, slot: UserSlot) {
    let message_load = &context.plan.messages[load];
    // Always matches: only closed loads have users.
    let LoadModel::Closed { think, .. } = message_load.model else {
        return;
    };
    let Some(steady) = context.signals.wait_steady_start().await else {
        return;
    };
    let end = steady + message_load.end();
    let mut due = steady + slot.starts_at;
    while due < end {
        tokio::select! {
            // Checks the drain first: a message that is due in the same instant is not sent.
            biased;
            () = context.signals.drain.cancelled() => return,
            () = sleep_until(due) => {}
        }
        let (sender, outcome) = oneshot::channel();
        dispatch(context, load, due, Completion::User(sender));
        // A message that is never sent drops its sender.
        let pause = match outcome.await {
            Ok(true) => think,
            Ok(false) | Err(_) => think.max(MIN_RETRY_PAUSE),
        };
        due = Instant::now() + pause;
    }
}
