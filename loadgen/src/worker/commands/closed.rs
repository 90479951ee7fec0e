//! The closed model: a user waits for the reply, thinks, and asks again.

use std::time::Duration;

use highwater_scenarios::{plan::CommandLoad, segment::UserSlot};
use reqwest::Client;
use tokio::time::{Instant, sleep_until};

use super::call::issue_command;
use crate::worker::context::Context;

/// Shortest pause after a command that got no reply: without one, users who do not
/// think would ask a system that is down as fast as they can.
const MIN_RETRY_PAUSE: Duration = Duration::from_millis(10);

/// Sends commands from the user's start until the drain. The next command is
/// due one think time after the end of the last.
pub async fn run_closed_user(
    context: &Context,
    client: &Client,
    load: &CommandLoad,
    user: UserSlot,
    think: Duration,
) {
    let Some(steady) = context.signals.wait_steady_start().await else {
        return;
    };
    let mut due = steady + user.starts_at;
    loop {
        tokio::select! {
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
