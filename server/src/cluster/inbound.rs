//! The messages that other nodes send to this one. Handling them waits for nothing,
//! except for the view that contains the sender.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    command, context::ClusterContext, directory_client::register_local, fan_out,
    locate::locate_local, pull_answer,
};
#[cfg(not(feature = "stomp"))]
use crate::message::{QueueSendResult, Settlement};
use crate::{
    backplane::{Inbound, ReplyTo, SendError},
    id::NodeId,
    message::{
        ClusterNotification, ClusterRequest, ClusterResponse, CommandReply, CommandRequest,
        DeviceLocation, LoadReport, decode, encode,
    },
    session::pending_commands::CommandReplyTo,
};

/// Handles messages in the order of their arrival until the node has `drained`. Then
/// announces the leave and cancels `leave`. `load` returns this node's load; `None`
/// while it is not a member.
pub(crate) async fn run(
    cluster: Arc<ClusterContext>,
    mut inbox: mpsc::Receiver<Inbound>,
    drained: CancellationToken,
    leave: CancellationToken,
    load: impl Fn() -> Option<LoadReport>,
) {
    let shown = cluster.backplane.view();
    while let Some(Some(inbound)) = drained.run_until_cancelled(inbox.recv()).await {
        // A device that a rejoined node registers must not be stored under the table with
        // its old generation: it would be dropped with that generation's entries.
        cluster.wait_for_view(&shown).await;
        handle(&cluster, &load, inbound);
    }
    // The announcement states that every request is answered. It is left out while a socket
    // is open, whose device may still have commands without a reply.
    if cluster.sessions.metrics.open_sockets() == 0 {
        cluster.backplane.announce_leave();
    }
    leave.cancel();
    // Messages that come now are dropped, and peers get `Unprocessed`. The inbox stays
    // open, because the backplane treats a node with a closed inbox as dead.
    while inbox.recv().await.is_some() {}
}

fn handle(cluster: &ClusterContext, load: &impl Fn() -> Option<LoadReport>, inbound: Inbound) {
    match inbound {
        Inbound::Message { from, payload } => handle_notification(cluster, &from, &payload),
        Inbound::Request {
            from,
            reply_to,
            payload,
        } => handle_request(cluster, load, &from, reply_to, payload),
        Inbound::Published { topic, payload } => fan_out::deliver(cluster, topic, &payload),
    }
}

fn handle_notification(cluster: &ClusterContext, from: &NodeId, payload: &[u8]) {
    match decode(payload) {
        Some(ClusterNotification::Unregister(entries)) => {
            // One lock for the batch, which is bounded by its sender.
            let mut directory = cluster.directory.lock();
            for (device, epoch) in entries {
                directory.unregister(from, &device, epoch);
            }
        }
        Some(ClusterNotification::Replaced(device, epoch)) => {
            cluster.sessions.registry.mark_superseded(&device, epoch);
        }
        #[cfg(feature = "stomp")]
        Some(ClusterNotification::QueueInterest(interests)) => {
            cluster.queues.set_interests(from, &interests);
        }
        // A node without STOMP stores no queue.
        #[cfg(not(feature = "stomp"))]
        Some(ClusterNotification::QueueInterest(_)) => {}
        // Only gateways use load reports.
        Some(ClusterNotification::Load(_)) | None => {}
    }
}

fn handle_request(
    cluster: &ClusterContext,
    load: &impl Fn() -> Option<LoadReport>,
    from: &NodeId,
    reply_to: ReplyTo,
    payload: Bytes,
) {
    let response = match decode(&payload) {
        Some(ClusterRequest::Register(entries)) => {
            let register = |(device, known)| register_local(cluster, from, &device, known);
            ClusterResponse::Registered(entries.into_iter().map(register).collect())
        }
        Some(ClusterRequest::Pull(pull)) => {
            ClusterResponse::Pulled(pull_answer::answer(cluster, pull))
        }
        Some(ClusterRequest::Command(command)) => return route(cluster, reply_to, command),
        Some(ClusterRequest::Deliver(command)) => {
            return command::deliver(cluster, &command, CommandReplyTo::Remote(reply_to));
        }
        Some(ClusterRequest::Locate(device)) => {
            ClusterResponse::Located(cluster.locate_entry(&device))
        }
        Some(ClusterRequest::LocateLocal(device)) => {
            ClusterResponse::Located(locate_local(cluster, &device))
        }
        Some(ClusterRequest::Load) => ClusterResponse::Load(load()),
        #[cfg(feature = "stomp")]
        Some(ClusterRequest::QueueSend(queue, message)) => {
            ClusterResponse::QueueSent(cluster.queues.store(&queue, message))
        }
        #[cfg(feature = "stomp")]
        Some(ClusterRequest::QueueDeliver(queue, message, is_redelivered)) => {
            let queues = &cluster.queues;
            return queues.deliver_remote(reply_to, &queue, message, is_redelivered);
        }
        #[cfg(not(feature = "stomp"))]
        Some(ClusterRequest::QueueSend(..)) => ClusterResponse::QueueSent(QueueSendResult::Full),
        #[cfg(not(feature = "stomp"))]
        Some(ClusterRequest::QueueDeliver(..)) => {
            ClusterResponse::QueueSettled(Settlement::Undelivered)
        }
        // A node of a newer version: its request ends at its deadline.
        None => return,
    };
    // If it is lost, the sender's deadline passes and it asks again.
    let _ = cluster.backplane.reply(&reply_to, encode(&response));
}

/// Routes a command as the slot owner of its device: to the owner, which answers the
/// caller's node directly.
fn route(cluster: &ClusterContext, reply_to: ReplyTo, command: CommandRequest) {
    let reply = match cluster.locate_entry(&command.device) {
        DeviceLocation::NotConnected => CommandReply::NotConnected,
        DeviceLocation::Unknown => CommandReply::Unknown,
        DeviceLocation::OnNode { owner, .. } if owner == cluster.me => {
            return command::deliver(cluster, &command, CommandReplyTo::Remote(reply_to));
        }
        // The caller's node looked at its own devices first: the socket has ended since.
        DeviceLocation::OnNode { owner, .. } if owner == reply_to.node => {
            CommandReply::NotConnected
        }
        DeviceLocation::OnNode { owner, .. } => {
            let request = encode(&ClusterRequest::Deliver(command));
            match cluster.backplane.forward(&reply_to, &owner, request) {
                Ok(()) => return,
                Err(SendError::NotMember(_)) => CommandReply::NotConnected,
                Err(_) => CommandReply::Busy { owner },
            }
        }
    };
    // If it is lost, the caller's deadline passes.
    let _ = cluster
        .backplane
        .reply(&reply_to, encode(&ClusterResponse::Command(reply)));
}
