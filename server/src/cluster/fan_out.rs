//! The fan-out of topics: one message to every subscribed device of every node.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{context::ClusterContext, topic_hub::EncodedMessage};
use crate::{
    backplane::SendError,
    id::Topic,
    session::{Session, frame},
};

/// The publisher of a message.
#[derive(Clone, Copy)]
pub(crate) enum MessageOrigin<'a> {
    /// A caller of the HTTP interface.
    Http,
    /// A device. It does not get its own message back.
    Device(&'a Arc<Session>),
}

/// The reason why a message was not published. No subscriber gets it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    /// The topic's queue on this node is full.
    #[error("too many messages of this topic wait to be delivered")]
    Full,
    /// The other nodes cannot be reached.
    #[error("cannot reach the other nodes: {0}")]
    Backplane(#[from] SendError),
}

/// Publishes JSON text to the other nodes and queues it for the subscribers of this
/// node. Returns the number of these.
///
/// Messages that one publisher publishes one after the other arrive in that order: the
/// backplane keeps the order between two nodes, and the topic hub keeps that of its
/// queue.
///
/// # Errors
/// [`PublishError`]; no subscriber gets the message.
pub(crate) fn publish(
    cluster: &ClusterContext,
    topic: &Topic,
    body: &str,
    origin: MessageOrigin<'_>,
) -> Result<usize, PublishError> {
    let metrics = cluster.topics.metrics();
    // Before the other nodes get it: a message is for all subscribers or for none.
    if cluster.topics.is_full(topic) {
        metrics.rejected_full.inc();
        return Err(PublishError::Full);
    }
    let payload = Bytes::copy_from_slice(body.as_bytes());
    if let Err(error) = cluster.backplane.publish(topic, payload) {
        metrics.rejected_backplane.inc();
        return Err(error.into());
    }
    let sender = match origin {
        MessageOrigin::Http => {
            metrics.published_by_http.inc();
            None
        }
        MessageOrigin::Device(session) => {
            metrics.published_by_devices.inc();
            Some(Arc::clone(session))
        }
    };
    Ok(publish_local(cluster, topic, body, sender))
}

/// Queues a message that another node published for the subscribers of this node.
pub(super) fn deliver(cluster: &ClusterContext, topic: &Topic, payload: &[u8]) {
    // The publishing node has checked the JSON, so this fails for no message of ours.
    let Ok(body) = serde_json::from_slice::<&RawValue>(payload) else {
        return;
    };
    if cluster.topics.is_full(topic) {
        cluster.topics.metrics().dropped_full.inc();
        return;
    }
    publish_local(cluster, topic, body.get(), None);
}

fn publish_local(
    cluster: &ClusterContext,
    topic: &Topic,
    body: &str,
    sender: Option<Arc<Session>>,
) -> usize {
    // Encoded once for all subscribers, and only if there is one.
    let message = || EncodedMessage {
        frame: frame::message(topic, body),
        sender,
    };
    cluster.topics.publish(topic, message)
}
