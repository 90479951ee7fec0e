//! What other nodes ask of this one. Nothing here waits, but for the view that the
//! asking node has its seat in.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    command,
    directory_client::register_here,
    fan_out,
    message::{Answer, Call, Located, Note, Question, Reply, decode, encode},
};
use crate::{
    backplane::{Inbound, ReplyTo, SendError},
    id::NodeId,
    node::{Node, load_report},
    session::pending_commands::Waiter,
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
        node.cluster.catch_up(&shown).await;
        handle(&node, inbound);
    }
    // With a socket still there somebody may wait for its device, in vain.
    if node.metrics.sockets.get() == 0 {
        node.cluster.backplane.farewell();
    }
    leave.cancel();
    // Declined. To the backplane an inbox that is gone is a dead node.
    while inbox.recv().await.is_some() {}
}

fn handle(node: &Arc<Node>, inbound: Inbound) {
    match inbound {
        Inbound::Message { from, payload } => on_note(node, &from, &payload),
        Inbound::Request {
            from,
            reply_to,
            payload,
        } => on_question(node, &from, reply_to, payload),
        Inbound::Published { topic, payload } => fan_out::deliver(node, &topic, &payload),
    }
}

fn on_note(node: &Node, from: &NodeId, payload: &[u8]) {
    match decode(payload) {
        Some(Note::Unregister(entries)) => {
            let mut home = node.cluster.home();
            for (device, epoch) in entries {
                home.unregister(from, &device, epoch);
            }
        }
        Some(Note::Replaced(device, epoch)) => node.superseded(&device, epoch),
        // For gateways.
        Some(Note::Load(_)) | None => {}
    }
}

fn on_question(node: &Arc<Node>, from: &NodeId, reply_to: ReplyTo, payload: Bytes) {
    let answer = match decode(&payload) {
        Some(Question::Register(entries)) => {
            let register = |(device, known)| register_here(node, from, &device, known);
            Answer::Registered(entries.into_iter().map(register).collect())
        }
        Some(Question::Synced(version)) => {
            node.cluster.home().synced(from, version);
            Answer::Done
        }
        Some(Question::Command(call)) => return on_command(node, reply_to, call),
        Some(Question::Deliver(call)) => {
            return command::deliver(node, &call, Waiter::There(reply_to));
        }
        Some(Question::Locate(device)) => Answer::Located(node.cluster.home().locate(&device)),
        Some(Question::Holds(device)) => Answer::Located(node.owned_here(&device)),
        Some(Question::Load) => Answer::Load(load_report(node)),
        None => return,
    };
    // Lost, the asking node runs into its deadline and asks again.
    let _ = node.cluster.backplane.reply(&reply_to, encode(&answer));
}

/// As the device's home: to the owner, which answers the caller itself.
fn on_command(node: &Arc<Node>, reply_to: ReplyTo, call: Call) {
    let located = node.cluster.home().locate(&call.device);
    let reply = match located {
        Located::Nowhere => Reply::NotConnected,
        Located::Unsure => Reply::Unsure,
        Located::At { owner, .. } if owner == node.cluster.me => {
            return command::deliver(node, &call, Waiter::There(reply_to));
        }
        Located::At { owner, .. } if owner == reply_to.node => {
            // The caller looked at home first: the socket has ended since.
            Reply::NotConnected
        }
        Located::At { owner, .. } => {
            let question = encode(&Question::Deliver(call));
            match node.cluster.backplane.forward(&reply_to, &owner, question) {
                Ok(()) => return,
                Err(SendError::NotMember(_)) => Reply::NotConnected,
                Err(_) => Reply::Busy { owner },
            }
        }
    };
    let _ = node
        .cluster
        .backplane
        .reply(&reply_to, encode(&Answer::Command(reply)));
}
