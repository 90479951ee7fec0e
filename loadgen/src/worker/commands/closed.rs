//! The closed model: a user waits for the reply, thinks, and asks again.

use std::time::Duration;

use highwater_scenarios::{plan::CommandLoad, segment::UserSlot};
use reqwest::Client;
use tokio::time::{Instant, sleep_until};

use super::call::call;
use crate::worker::context::Context;

/// Sends commands from the user's start until the drain. The next command is
/// due one think time after the end of the last.
pub async fn use_it(
    context: &Context,
    client: &Client,
    load: &CommandLoad,
    user: UserSlot,
    think: Duration,
) {
    let Some(steady) = context.signals.steady_started().await else {
        return;
    };
    let mut due = steady + user.starts_at;
    loop {
        tokio::select! {
            biased;
            () = context.signals.drain.cancelled() => return,
            () = sleep_until(due) => {}
        }
        call(context, client, load, due).await;
        due = Instant::now() + think;
    }
}
