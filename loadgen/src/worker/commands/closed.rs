//! The closed model: a user waits for the reply, pauses, and sends the next command.

use std::time::Duration;

use highwater_scenarios::{plan::LoadModel, segment::UserSlot};
use tokio::time::{Instant, sleep_until};

use super::call::issue_command;
use crate::worker::{context::Context, http_clients::HttpClients};

/// The shortest pause after a command without a reply. Without it, users without think time
/// would send to a system that is down as fast as their CPU allows.
const MIN_RETRY_PAUSE: Duration = Duration::from_millis(10);

/// Sends the commands of one virtual user, from the user's start until the drain. The next
/// command is due one think time after the end of the last one.
///
/// `load` is the index of the user's load in the plan.
pub async fn run(context: &Context, clients: &HttpClients, load: usize, slot: UserSlot) {
    // Always matches: only closed loads have users.
    let LoadModel::Closed { think, .. } = context.plan.commands[load].model else {
        return;
    };
    let Some(steady) = context.signals.wait_steady_start().await else {
        return;
    };
    let mut due = steady + slot.starts_at;
    loop {
        tokio::select! {
            // Checks the drain first: a command that is due in the same instant is not sent.
            biased;
            () = context.signals.drain.cancelled() => return,
            () = sleep_until(due) => {}
        }
        let is_replied = issue_command(context, clients, load, due).await;
        let pause = match is_replied {
            true => think,
            false => think.max(MIN_RETRY_PAUSE),
        };
        due = Instant::now() + pause;
    }
}
