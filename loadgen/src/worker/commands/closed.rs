//! The closed model: a user waits for the reply, thinks and asks again.

use std::time::Duration;

use highwater_scenarios::{plan::LoadModel, segment::UserSlot};
use reqwest::Client;
use tokio::time::{Instant, sleep_until};

use super::call::issue_command;
use crate::worker::context::Context;

/// Shortest pause after a command without a reply. Users without think time would
/// otherwise send to a system that is down as fast as their CPU allows.
const MIN_RETRY_PAUSE: Duration = Duration::from_millis(10);

/// Sends the commands of a virtual user of load number `load`, from the user's start until
/// the drain. The next command is due one think time after the end of the last.
pub async fn run(context: &Context, client: &Client, load: usize, slot: UserSlot) {
    let load = &context.plan.commands[load];
    let LoadModel::Closed { think, .. } = load.model else {
        return;
    };
    let Some(steady) = context.signals.wait_steady_start().await else {
        return;
    };
    let mut due = steady + slot.starts_at;
    loop {
        tokio::select! {
            // The drain first: a command that is due in the same instant is not sent.
            biased;
            () = context.signals.drain.cancelled() => return,
            () = sleep_until(due) => {}
        }
        let pause = match issue_command(context, client, load, due).await {
            true => think,
            false => think.max(MIN_RETRY_PAUSE),
        };
        due = Instant::now() + pause;
    }
}
