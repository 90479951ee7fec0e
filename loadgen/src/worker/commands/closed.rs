//! The closed model: a user waits for the reply, thinks and asks again.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use highwater_scenarios::{
    Segment,
    plan::{CommandLoad, LoadModel},
    segment::UserSlot,
};
use reqwest::Client;
use tokio::time::{Instant, sleep_until};

use super::call::issue_command;
use crate::worker::{context::Context, user_role::UserRole};

/// Shortest pause after a command without a reply. Users without think time would
/// otherwise send to a system that is down as fast as their CPU allows.
const MIN_RETRY_PAUSE: Duration = Duration::from_millis(10);

/// A virtual user of a closed load.
struct ClosedUser {
    /// Number of the load in the plan.
    load: usize,
    slot: UserSlot,
}

/// Returns the virtual users of a closed load that are this worker's.
pub(super) fn users(index: usize, load: &CommandLoad, segment: Segment) -> Vec<Box<dyn UserRole>> {
    segment
        .users(&load.model)
        .map(|slot| Box::new(ClosedUser { load: index, slot }) as Box<dyn UserRole>)
        .collect()
}

impl UserRole for ClosedUser {
    fn run(self: Box<Self>, context: Arc<Context>, client: Client) -> BoxFuture<'static, ()> {
        Box::pin(async move { self.send_until_drain(&context, &client).await })
    }
}

impl ClosedUser {
    /// Sends commands from the user's start until the drain. The next command is due one
    /// think time after the end of the last.
    async fn send_until_drain(&self, context: &Context, client: &Client) {
        let load = &context.plan.commands[self.load];
        let LoadModel::Closed { think, .. } = load.model else {
            return;
        };
        let Some(steady) = context.signals.wait_steady_start().await else {
            return;
        };
        let mut due = steady + self.slot.starts_at;
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
}
