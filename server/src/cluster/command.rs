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

use super::{Routing, state::SlotOwner};
use crate::{
    backplane::{RequestError, SendError},
    id::NodeId,
    message::{
        ClusterRequest, ClusterResponse, CommandReply, CommandRequest, DeviceLocation, decode,
        encode,
    },
    node::Node,
    session::{frame, pending_commands::CommandReplyTo, session::CommandRejected},
};

/// What became of a command, as the caller's node knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CommandOutcome {
    /// `body` is JSON text.
    Replied { owner: NodeId, body: String },
    /// No connection of the device anywhere.
    NotConnected,
    /// The connection ended before the device replied.
    Disconnected { owner: NodeId },
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
pub(crate) async fn send_command(
    node: &Arc<Node>,
    mut call: CommandRequest,
    deadline: Instant,
) -> CommandOutcome {
    if node.registry.get(&call.device).is_some() {
        return deliver_local(node, &call, deadline).await;
    }
    if node.config.routing == Routing::Broadcast {
        return broadcast(node, call, deadline).await;
    }
    let (message, target) = match node.cluster.slot_owner(&call.device) {
        SlotOwner::Unknown => return CommandOutcome::Unreachable,
        SlotOwner::Remote(home) => (ClusterRequest::Command(call.clone()), home),
        SlotOwner::Local => {
            let located = node.cluster.directory().locate(&call.device);
            match located {
                DeviceLocation::OnNode { owner, .. } if owner == node.cluster.me => {
                    return CommandOutcome::NotConnected;
                }
                DeviceLocation::OnNode { owner, .. } => {
                    (ClusterRequest::Deliver(call.clone()), owner)
                }
                DeviceLocation::NotConnected => return CommandOutcome::NotConnected,
                DeviceLocation::Unknown => return broadcast(node, call, deadline).await,
            }
        }
    };
    let is_owner = matches!(message, ClusterRequest::Deliver(_));
    match request(node, &target, &message, deadline).await {
        // A node that leaves has sent its devices away: they are elsewhere by now.
        Ok(CommandReply::Unknown) | Err(RequestError::Unprocessed(_)) => {
            call.timeout_ms = remaining_ms(deadline);
            broadcast(node, call, deadline).await
        }
        Ok(reply) => outcome_of_reply(reply),
        Err(error) => outcome_of_error(error, &target, is_owner),
    }
}

/// Hands a command to a device of this node. The waiter gets its outcome, now or
/// later.
pub(crate) fn deliver(node: &Arc<Node>, call: &CommandRequest, waiter: CommandReplyTo) {
    let Some(session) = node.registry.get(&call.device) else {
        return send_reply(node, waiter, CommandReply::NotConnected);
    };
    // It was JSON when the caller's node took it.
    let Ok(body) = serde_json::from_str::<&RawValue>(&call.body) else {
        return send_reply(node, waiter, CommandReply::NotConnected);
    };
    let id = node.next_command_id();
    let now = node.wheel.now();
    // One second more than asked: the wheel's seconds are coarse, and who waits
    // keeps the exact deadline.
    let expires = now + call.timeout_ms.div_ceil(1000) + 1;
    let limits = &node.config.limits;
    let frame = frame::command(id, &call.name, body);
    let owner = node.config.id.clone();
    match session.enqueue_command(id, frame, waiter, (now, expires), limits) {
        Ok(()) => {}
        Err(CommandRejected::Busy(waiter)) => {
            send_reply(node, waiter, CommandReply::Busy { owner })
        }
        Err(CommandRejected::Closing(waiter)) => {
            send_reply(node, waiter, CommandReply::Disconnected { owner })
        }
    }
}

/// Gives the waiter its outcome. One that stopped waiting is not told.
pub(crate) fn send_reply(node: &Node, waiter: CommandReplyTo, reply: CommandReply) {
    match waiter {
        CommandReplyTo::Local(caller) => {
            let _ = caller.send(reply);
        }
        CommandReplyTo::Remote(reply_to) => {
            let response = encode(&ClusterResponse::Command(reply));
            // Lost, the caller runs into its deadline.
            let _ = node.cluster.backplane.reply(&reply_to, response);
        }
    }
}

async fn deliver_local(
    node: &Arc<Node>,
    call: &CommandRequest,
    deadline: Instant,
) -> CommandOutcome {
    let (caller, reply) = oneshot::channel();
    deliver(node, call, CommandReplyTo::Local(caller));
    let owner = node.config.id.clone();
    match timeout_at(deadline, reply).await {
        Ok(Ok(reply)) => outcome_of_reply(reply),
        Ok(Err(_)) => CommandOutcome::Disconnected { owner },
        Err(_) => CommandOutcome::TimedOut { owner: Some(owner) },
    }
}

/// Asks every other member; the first that has the device decides. A member that
/// leaves meanwhile has no devices any more.
async fn broadcast(node: &Arc<Node>, call: CommandRequest, deadline: Instant) -> CommandOutcome {
    let message = ClusterRequest::Deliver(call);
    let others = node.cluster.other_nodes();
    let mut responses: FuturesUnordered<_> = others
        .iter()
        .map(|member| request(node, member, &message, deadline))
        .collect();
    let mut worst = CommandOutcome::NotConnected;
    while let Some(response) = responses.next().await {
        match response {
            Ok(CommandReply::NotConnected | CommandReply::Unknown) => {}
            Ok(reply) => return outcome_of_reply(reply),
            Err(
                RequestError::Left(_)
                | RequestError::Unprocessed(_)
                | RequestError::NotSent(SendError::NotMember(_)),
            ) => {}
            Err(RequestError::Deadline { .. }) => worst = CommandOutcome::TimedOut { owner: None },
            Err(RequestError::NotSent(_) | RequestError::Disconnected) => {
                worst = CommandOutcome::Unreachable;
            }
        }
    }
    worst
}

async fn request(
    node: &Node,
    to: &NodeId,
    message: &ClusterRequest,
    deadline: Instant,
) -> Result<CommandReply, RequestError> {
    let response = node
        .cluster
        .backplane
        .request(to, encode(message), deadline)
        .await?;
    match decode(&response) {
        Some(ClusterResponse::Command(reply)) => Ok(reply),
        _ => Err(RequestError::Left(to.clone())),
    }
}

fn outcome_of_reply(reply: CommandReply) -> CommandOutcome {
    match reply {
        CommandReply::Replied { owner, body } => CommandOutcome::Replied { owner, body },
        CommandReply::NotConnected | CommandReply::Unknown => CommandOutcome::NotConnected,
        CommandReply::Replaced { owner } => CommandOutcome::Replaced { owner },
        CommandReply::Disconnected { owner } => CommandOutcome::Disconnected { owner },
        CommandReply::Busy { owner } => CommandOutcome::Busy { owner: Some(owner) },
    }
}

/// `target` was asked; it is the owner, or the home.
fn outcome_of_error(error: RequestError, target: &NodeId, is_owner: bool) -> CommandOutcome {
    let owner = |at: NodeId| (is_owner || at != *target).then_some(at);
    match error {
        RequestError::NotSent(SendError::Full) => CommandOutcome::Busy { owner: None },
        RequestError::NotSent(_) | RequestError::Disconnected => CommandOutcome::Unreachable,
        RequestError::Left(owner) => CommandOutcome::OwnerLost { owner },
        RequestError::Unprocessed(_) => CommandOutcome::NotConnected,
        RequestError::Deadline { at } => CommandOutcome::TimedOut { owner: owner(at) },
    }
}

fn remaining_ms(deadline: Instant) -> u32 {
    let left = deadline.saturating_duration_since(Instant::now());
    u32::try_from(left.as_millis()).unwrap_or(u32::MAX)
}
