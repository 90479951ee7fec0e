//! The way of a command: to the node that owns the device, and back.
//!
//! With the directory: caller → home → owner → caller, where any two may be the
//! same node. Every command has exactly one outcome; at most one device
//! connection is asked, except while members change and in broadcast routing,
//! where every node that holds a connection of the device asks it.

use std::sync::Arc;

use futures_util::{StreamExt, stream::FuturesUnordered};
use serde_json::value::RawValue;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use super::{
    message::{Answer, Call, Located, Question, Reply, decode, encode},
    state::HomeOf,
};
use crate::{
    backplane::{RequestError, SendError},
    config::Routing,
    id::NodeId,
    node::Node,
    session::{frame, pending_commands::Waiter, session::Refusal},
};

/// What became of a command, as the caller's node knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// `body` is JSON text.
    Replied { owner: NodeId, body: String },
    /// No connection of the device anywhere.
    NotConnected,
    /// The connection ended before the device replied.
    Gone { owner: NodeId },
    /// A newer connection of the device took over before it replied.
    Replaced { owner: NodeId },
    /// Too much waits already, for the device or for the backplane.
    Busy { owner: Option<NodeId> },
    /// The other nodes cannot be reached now.
    Unreachable,
    /// The owner's node left before it replied; whether the device acted is not
    /// known.
    OwnerLost { owner: NodeId },
    /// No reply by the deadline.
    TimedOut { owner: Option<NodeId> },
}

/// Sends a command and waits for its outcome, at most until `deadline`.
pub(crate) async fn command(node: &Arc<Node>, mut call: Call, deadline: Instant) -> Outcome {
    if node.registry.get(&call.device).is_some() {
        return here(node, &call, deadline).await;
    }
    if node.config.routing == Routing::Broadcast {
        return flood(node, call, deadline).await;
    }
    let (question, target) = match node.cluster.home_of(&call.device) {
        HomeOf::Unknown => return Outcome::Unreachable,
        HomeOf::There(home) => (Question::Command(call.clone()), home),
        HomeOf::Here => {
            let located = node.cluster.home().locate(&call.device);
            match located {
                Located::At { owner, .. } if owner == node.cluster.me => {
                    return Outcome::NotConnected;
                }
                Located::At { owner, .. } => (Question::Deliver(call.clone()), owner),
                Located::Nowhere => return Outcome::NotConnected,
                Located::Unsure => return flood(node, call, deadline).await,
            }
        }
    };
    let is_owner = matches!(question, Question::Deliver(_));
    match ask(node, &target, &question, deadline).await {
        // A node that leaves has sent its devices away: they are elsewhere by now.
        Ok(Reply::Unsure) | Err(RequestError::Declined(_)) => {
            call.timeout_ms = remaining_ms(deadline);
            flood(node, call, deadline).await
        }
        Ok(reply) => outcome(reply),
        Err(error) => failed(error, &target, is_owner),
    }
}

/// Hands a command to a device of this node. The waiter gets its outcome, now or
/// later.
pub(crate) fn deliver(node: &Arc<Node>, call: &Call, waiter: Waiter) {
    let Some(session) = node.registry.get(&call.device) else {
        return answer(node, waiter, Reply::NotConnected);
    };
    // It was JSON when the caller's node took it.
    let Ok(body) = serde_json::from_str::<&RawValue>(&call.body) else {
        return answer(node, waiter, Reply::NotConnected);
    };
    let id = node.next_command_id();
    let now = node.wheel.now();
    // One second more than asked: the wheel's seconds are coarse, and who waits
    // keeps the exact deadline.
    let expires = now + call.timeout_ms.div_ceil(1000) + 1;
    let limits = &node.config.limits;
    let frame = frame::command(id, &call.name, body);
    let owner = node.config.id.clone();
    match session.ask(id, frame, waiter, (now, expires), limits) {
        Ok(()) => {}
        Err(Refusal::Busy(waiter)) => answer(node, waiter, Reply::Busy { owner }),
        Err(Refusal::Closing(waiter)) => answer(node, waiter, Reply::Gone { owner }),
    }
}

/// Gives the waiter its outcome. One that stopped waiting is not told.
pub(crate) fn answer(node: &Node, waiter: Waiter, reply: Reply) {
    match waiter {
        Waiter::Here(caller) => {
            let _ = caller.send(reply);
        }
        Waiter::There(reply_to) => {
            let answer = encode(&Answer::Command(reply));
            // Lost, the caller runs into its deadline.
            let _ = node.cluster.backplane.reply(&reply_to, answer);
        }
    }
}

async fn here(node: &Arc<Node>, call: &Call, deadline: Instant) -> Outcome {
    let (caller, reply) = oneshot::channel();
    deliver(node, call, Waiter::Here(caller));
    let owner = node.config.id.clone();
    match timeout_at(deadline, reply).await {
        Ok(Ok(reply)) => outcome(reply),
        Ok(Err(_)) => Outcome::Gone { owner },
        Err(_) => Outcome::TimedOut { owner: Some(owner) },
    }
}

/// Asks every other member; the first that has the device decides. A member that
/// leaves meanwhile has no devices any more.
async fn flood(node: &Arc<Node>, call: Call, deadline: Instant) -> Outcome {
    let question = Question::Deliver(call);
    let others = node.cluster.others();
    let mut answers: FuturesUnordered<_> = others
        .iter()
        .map(|member| ask(node, member, &question, deadline))
        .collect();
    let mut worst = Outcome::NotConnected;
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(Reply::NotConnected | Reply::Unsure) => {}
            Ok(reply) => return outcome(reply),
            Err(
                RequestError::Left(_)
                | RequestError::Declined(_)
                | RequestError::NotSent(SendError::NotMember(_)),
            ) => {}
            Err(RequestError::Deadline { .. }) => worst = Outcome::TimedOut { owner: None },
            Err(RequestError::NotSent(_) | RequestError::Disconnected) => {
                worst = Outcome::Unreachable;
            }
        }
    }
    worst
}

async fn ask(
    node: &Node,
    to: &NodeId,
    question: &Question,
    deadline: Instant,
) -> Result<Reply, RequestError> {
    let answer = node
        .cluster
        .backplane
        .request(to, encode(question), deadline)
        .await?;
    match decode(&answer) {
        Some(Answer::Command(reply)) => Ok(reply),
        _ => Err(RequestError::Left(to.clone())),
    }
}

fn outcome(reply: Reply) -> Outcome {
    match reply {
        Reply::Replied { owner, body } => Outcome::Replied { owner, body },
        Reply::NotConnected | Reply::Unsure => Outcome::NotConnected,
        Reply::Replaced { owner } => Outcome::Replaced { owner },
        Reply::Gone { owner } => Outcome::Gone { owner },
        Reply::Busy { owner } => Outcome::Busy { owner: Some(owner) },
    }
}

/// `target` was asked; it is the owner, or the home.
fn failed(error: RequestError, target: &NodeId, is_owner: bool) -> Outcome {
    let owner = |at: NodeId| (is_owner || at != *target).then_some(at);
    match error {
        RequestError::NotSent(SendError::Full) => Outcome::Busy { owner: None },
        RequestError::NotSent(_) | RequestError::Disconnected => Outcome::Unreachable,
        RequestError::Left(owner) => Outcome::OwnerLost { owner },
        RequestError::Declined(_) => Outcome::NotConnected,
        RequestError::Deadline { at } => Outcome::TimedOut { owner: owner(at) },
    }
}

fn remaining_ms(deadline: Instant) -> u32 {
    let left = deadline.saturating_duration_since(Instant::now());
    u32::try_from(left.as_millis()).unwrap_or(u32::MAX)
}
