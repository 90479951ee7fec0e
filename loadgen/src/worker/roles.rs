//! The goose users of a worker's share of a plan.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use highwater_scenarios::{Plan, Segment};
use reqwest::Client;

use super::{commands, context::Context, devices::batch, messages, user_role::UserRole};

/// A user without work: the run has more workers than work.
struct IdleUser;

impl UserRole for IdleUser {
    fn run(self: Box<Self>, context: Arc<Context>, _: Client) -> BoxFuture<'static, ()> {
        Box::pin(async move { context.signals.close.cancelled().await })
    }
}

/// Returns one role per goose user, and at least one role.
///
/// Batches of sockets come first: the ramp begins before any command or message is due.
pub fn user_roles(plan: &Plan, segment: Segment) -> Vec<Box<dyn UserRole>> {
    let mut roles = batch::users(plan, segment);
    for (index, load) in plan.publish.iter().enumerate() {
        roles.extend(messages::http_publisher::users(index, load, segment));
    }
    for (index, load) in plan.commands.iter().enumerate() {
        roles.extend(commands::users(index, load, segment));
    }
    if roles.is_empty() {
        // Goose refuses to run without a user.
        roles.push(Box::new(IdleUser));
    }
    roles
}
