//! The way of a command: to the node that owns the device, and back.
//!
//! ```text
//! caller's node ──Command──► slot owner ──Deliver──► owner ──► device
//!       ▲                                              │
//!       └──────────────────── reply ───────────────────┘
//! ```
//!
//! Any two of these nodes may be the same. Every command has
//! exactly one outcome, and at most one device connection gets it. The exceptions are
//! a change of members and broadcast routing: every node with a connection of the
//! device delivers it.

use futures_util::{StreamExt, stream::FuturesUnordered};
use serde_json::value::RawValue;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use super::{context::ClusterContext, routing::Routing, slots::SlotOwner};
use crate::{
    backplane::{RequestError, SendError},
    id::NodeId,
    message::{
        ClusterRequest, ClusterResponse, CommandReply, CommandRequest, DeviceLocation, encode,
    },
    session::{frame, pending_commands::CommandReplyTo, session::CommandRejected},
};

/// The reason why no node answered a command.
#[derive(Debug)]
pub(crate) enum CommandFailure {
    /// The limit of messages that wait for the backplane is reached.
    QueueFull,
    /// The other nodes cannot be reached now.
    Unreachable,
    /// The owner left before it replied. The device may have acted.
    OwnerLost { owner: NodeId },
    /// The deadline passed without a reply.
    TimedOut { owner: Option<NodeId> },
}

/// Sends a command and waits for its outcome until `deadline`. A reply is the owner's, or
/// `NotConnected` if no node has a connection of the device.
pub(crate) async fn send_command(
    cluster: &ClusterContext,
    mut command: CommandRequest,
    deadline: Instant,
) -> Result<CommandReply, CommandFailure> {
    // A device of this node needs no directory. The session that it had before it connected
    // to another node may still be closing here, so that one leaves the answer to the directory.
    if cluster
        .sessions
        .registry
        .get_open(&command.device)
        .is_some()
    {
        return deliver_local(cluster, &command, deadline).await;
    }
    if cluster.routing == Routing::Broadcast {
        return broadcast(cluster, command, deadline).await;
    }
    let (request, target) = match cluster.slot_owner(&command.device) {
        SlotOwner::Unknown => return Err(CommandFailure::Unreachable),
        SlotOwner::Remote(owner) => (ClusterRequest::Command(command.clone()), owner),
        SlotOwner::Local => match cluster.locate_entry(&command.device) {
            // The socket has ended since the look into the registry.
            DeviceLocation::OnNode { owner, .. } if owner == cluster.me => {
                return Ok(CommandReply::NotConnected);
            }
            DeviceLocation::OnNode { owner, .. } => {
                (ClusterRequest::Deliver(command.clone()), owner)
            }
            DeviceLocation::NotConnected => return Ok(CommandReply::NotConnected),
            DeviceLocation::Unknown => return broadcast(cluster, command, deadline).await,
        },
    };
    let target_is_owner = matches!(request, ClusterRequest::Deliver(_));
    match request_reply(cluster, &target, &request, deadline).await {
        // The target leaves, and has closed its sockets: the device may have connected to
        // any other node by now.
        Ok(CommandReply::Unknown) | Err(RequestError::Unprocessed(_)) => {
            command.timeout_ms = remaining_ms(deadline);
            broadcast(cluster, command, deadline).await
        }
        Ok(reply) => Ok(reply),
        Err(error) => outcome_of_error(error, &target, target_is_owner),
    }
}

/// Delivers a command to a device of this node. `reply_to` gets the outcome, now or
/// later.
pub(super) fn deliver(
    cluster: &ClusterContext,
    command: &CommandRequest,
    reply_to: CommandReplyTo,
) {
    let sessions = &cluster.sessions;
    let Some(session) = sessions.registry.get_open(&command.device) else {
        return send_reply(cluster, reply_to, CommandReply::NotConnected);
    };
    // The caller's node has checked the JSON, so this fails for no command of ours.
    let Ok(body) = serde_json::from_str::<&RawValue>(&command.body) else {
        return send_reply(cluster, reply_to, CommandReply::NotConnected);
    };
    let id = cluster.next_command_id();
    let now = sessions.wheel.now();
    // One second more than the caller waits: the wheel counts whole seconds, and the
    // caller's node holds the exact deadline.
    let expires = now + command.timeout_ms.div_ceil(1000) + 1;
    let frame = frame::command(id, &command.name, body);
    let owner = cluster.me.clone();
    match session.enqueue_command(id, frame, reply_to, (now, expires), &sessions.limits) {
        Ok(()) => {}
        Err(CommandRejected::Busy(reply_to)) => {
            send_reply(cluster, reply_to, CommandReply::Busy { owner });
        }
        // The device got nothing of it. In broadcast routing, another node may have the device.
        Err(CommandRejected::Closing(reply_to)) => {
            send_reply(cluster, reply_to, CommandReply::NotConnected);
        }
    }
}

/// Sends the outcome of a command to its caller. A caller that has stopped waiting gets
/// nothing.
pub(crate) fn send_reply(cluster: &ClusterContext, reply_to: CommandReplyTo, reply: CommandReply) {
    match reply_to {
        CommandReplyTo::Local(caller) => {
            let _ = caller.send(reply);
        }
        CommandReplyTo::Remote(reply_to) => {
            let response = encode(&ClusterResponse::Command(reply));
            // If it is lost, the caller's deadline passes.
            let _ = cluster.backplane.reply(&reply_to, response);
        }
    }
}

async fn deliver_local(
    cluster: &ClusterContext,
    command: &CommandRequest,
    deadline: Instant,
) -> Result<CommandReply, CommandFailure> {
    let (reply_tx, reply_rx) = oneshot::channel();
    deliver(cluster, command, CommandReplyTo::Local(reply_tx));
    let owner = cluster.me.clone();
    match timeout_at(deadline, reply_rx).await {
        Ok(Ok(reply)) => Ok(reply),
        // The session dropped the sender: it ended with the command in its list.
        Ok(Err(_)) => Ok(CommandReply::Disconnected { owner }),
        Err(_) => Err(CommandFailure::TimedOut { owner: Some(owner) }),
    }
}

/// Asks every other node. The first one that has the device decides. A node that leaves
/// meanwhile has no devices any more.
async fn broadcast(
    cluster: &ClusterContext,
    command: CommandRequest,
    deadline: Instant,
) -> Result<CommandReply, CommandFailure> {
    let request = ClusterRequest::Deliver(command);
    let others = cluster.other_nodes();
    let mut responses: FuturesUnordered<_> = others
        .iter()
        .map(|node| request_reply(cluster, node, &request, deadline))
        .collect();
    let mut outcome = Ok(CommandReply::NotConnected);
    // A node that returned under another entry has its devices still.
    let is_member = |node: &NodeId| cluster.backplane.view().borrow().member(node).is_some();
    while let Some(response) = responses.next().await {
        match response {
            Err(RequestError::Left(node)) if is_member(&node) => {
                outcome = Err(CommandFailure::Unreachable);
            }
            Ok(CommandReply::NotConnected | CommandReply::Unknown) => {}
            Ok(reply) => return Ok(reply),
            // A node that is not a member any more has no devices.
            Err(
                RequestError::Left(_)
                | RequestError::Unprocessed(_)
                | RequestError::NotSent(SendError::NotMember(_)),
            ) => {}
            Err(RequestError::Deadline { .. }) => {
                outcome = Err(CommandFailure::TimedOut { owner: None });
            }
            Err(RequestError::NotSent(_) | RequestError::Disconnected) => {
                outcome = Err(CommandFailure::Unreachable);
            }
        }
    }
    outcome
}

async fn request_reply(
    cluster: &ClusterContext,
    to: &NodeId,
    request: &ClusterRequest,
    deadline: Instant,
) -> Result<CommandReply, RequestError> {
    match cluster.request(to, request, deadline).await? {
        ClusterResponse::Command(reply) => Ok(reply),
        // A node of another version counts as lost: the device may have acted.
        _ => Err(RequestError::Left(to.clone())),
    }
}

/// Returns the outcome of a request that failed. `target` is the node that got it: the
/// owner, or the slot owner.
fn outcome_of_error(
    error: RequestError,
    target: &NodeId,
    target_is_owner: bool,
) -> Result<CommandReply, CommandFailure> {
    // A slot owner that forwarded the command names the owner in the error.
    let owner = |at: NodeId| (target_is_owner || at != *target).then_some(at);
    Err(match error {
        RequestError::NotSent(SendError::Full) => CommandFailure::QueueFull,
        RequestError::NotSent(_) | RequestError::Disconnected => CommandFailure::Unreachable,
        RequestError::Left(owner) => CommandFailure::OwnerLost { owner },
        RequestError::Unprocessed(_) => return Ok(CommandReply::NotConnected),
        RequestError::Deadline { at } => CommandFailure::TimedOut { owner: owner(at) },
    })
}

fn remaining_ms(deadline: Instant) -> u32 {
    let left = deadline.saturating_duration_since(Instant::now());
    u32::try_from(left.as_millis()).unwrap_or(u32::MAX)
}
