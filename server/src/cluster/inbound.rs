//! What other nodes ask of this one. Nothing here waits, but for the view that the
//! asking node has its seat in.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{command, directory_client::register_local, fan_out};
use crate::{
    backplane::{Inbound, ReplyTo, SendError},
    id::NodeId,
    message::{
        ClusterNotification, ClusterRequest, ClusterResponse, CommandReply, CommandRequest,
        DeviceLocation, decode, encode,
    },
    node::{Node, load_report},
    session::pending_commands::CommandReplyTo,
};

/// Handles what arrives, in its order, until the node has `drained`; then says
/// farewell and lets it `leave`.
pub(crate) async fn run(
    node: Arc<Node>,
    mut inbox: mpsc::Receiver<Inbound>,
    drained: CancellationToken,
    leave: CancellationToken,
) {
    let shown = node.cluster.backplane.view();
    while let Some(Some(inbound)) = drained.run_until_cancelled(inbox.recv()).await {
        node.cluster.wait_for_view(&shown).await;
        handle(&node, inbound);
    }
    // With a socket still there somebody may wait for its device, in vain.
    if node.metrics.sockets.get() == 0 {
        node.cluster.backplane.announce_leave();
    }
    leave.cancel();
    // Declined. To the backplane an inbox that is gone is a dead node.
    while inbox.recv().await.is_some() {}
}

fn handle(node: &Arc<Node>, inbound: Inbound) {
    match inbound {
        Inbound::Message { from, payload } => on_notification(node, &from, &payload),
        Inbound::Request {
            from,
            reply_to,
            payload,
        } => on_request(node, &from, reply_to, payload),
        Inbound::Published { topic, payload } => fan_out::deliver(node, &topic, &payload),
    }
}

fn on_notification(node: &Node, from: &NodeId, payload: &[u8]) {
    match decode(payload) {
        Some(ClusterNotification::Unregister(entries)) => {
            let mut home = node.cluster.directory();
            for (device, epoch) in entries {
                home.unregister(from, &device, epoch);
            }
        }
        Some(ClusterNotification::Replaced(device, epoch)) => node.mark_superseded(&device, epoch),
        // For gateways.
        Some(ClusterNotification::Load(_)) | None => {}
    }
}

fn on_request(node: &Arc<Node>, from: &NodeId, reply_to: ReplyTo, payload: Bytes) {
    let response = match decode(&payload) {
        Some(ClusterRequest::Register(entries)) => {
            let register = |(device, known)| register_local(node, from, &device, known);
            ClusterResponse::Registered(entries.into_iter().map(register).collect())
        }
        Some(ClusterRequest::Synced(version)) => {
            node.cluster.directory().mark_synced(from, version);
            ClusterResponse::Done
        }
        Some(ClusterRequest::Command(call)) => return on_command(node, reply_to, call),
        Some(ClusterRequest::Deliver(call)) => {
            return command::deliver(node, &call, CommandReplyTo::Remote(reply_to));
        }
        Some(ClusterRequest::Locate(device)) => {
            ClusterResponse::Located(node.cluster.directory().locate(&device))
        }
        Some(ClusterRequest::LocateLocal(device)) => {
            ClusterResponse::Located(node.locate_local(&device))
        }
        Some(ClusterRequest::Load) => ClusterResponse::Load(load_report(node)),
        None => return,
    };
    // Lost, the asking node runs into its deadline and asks again.
    let _ = node.cluster.backplane.reply(&reply_to, encode(&response));
}

/// As the device's home: to the owner, which answers the caller itself.
fn on_command(node: &Arc<Node>, reply_to: ReplyTo, call: CommandRequest) {
    let located = node.cluster.directory().locate(&call.device);
    let reply = match located {
        DeviceLocation::NotConnected => CommandReply::NotConnected,
        DeviceLocation::Unknown => CommandReply::Unknown,
        DeviceLocation::OnNode { owner, .. } if owner == node.cluster.me => {
            return command::deliver(node, &call, CommandReplyTo::Remote(reply_to));
        }
        DeviceLocation::OnNode { owner, .. } if owner == reply_to.node => {
            // The caller looked at home first: the socket has ended since.
            CommandReply::NotConnected
        }
        DeviceLocation::OnNode { owner, .. } => {
            let question = encode(&ClusterRequest::Deliver(call));
            match node.cluster.backplane.forward(&reply_to, &owner, question) {
                Ok(()) => return,
                Err(SendError::NotMember(_)) => CommandReply::NotConnected,
                Err(_) => CommandReply::Busy { owner },
            }
        }
    };
    let _ = node
        .cluster
        .backplane
        .reply(&reply_to, encode(&ClusterResponse::Command(reply)));
}
