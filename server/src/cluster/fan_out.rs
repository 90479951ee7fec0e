//! Topics: one message to every subscribed device of every node.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::topic_hub::EncodedMessage;
use crate::{
    backplane::SendError,
    id::Topic,
    node::Node,
    session::{Session, frame},
};

/// Who publishes.
#[derive(Clone, Copy)]
pub(crate) enum MessageOrigin<'a> {
    /// A caller of the HTTP interface.
    Http,
    /// A device, which gets no echo.
    Device(&'a Arc<Session>),
}

/// Why a message was not published: nobody gets it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    /// Too many messages wait for the topic's subscribers of this node.
    #[error("too many messages of this topic wait to be delivered")]
    Full,
    /// The other nodes cannot be told.
    #[error("the other nodes cannot be told: {0}")]
    Backplane(#[from] SendError),
}

/// Publishes JSON text to the other nodes and queues it for the devices here.
/// Answers how many those are.
///
/// What one publisher publishes, one after the other, arrives in that order: the
/// backplane keeps the order between two nodes, a room that of its announcements.
///
/// # Errors
/// [`PublishError`]; nobody gets the message.
pub(crate) fn publish(
    node: &Arc<Node>,
    topic: &Topic,
    body: &str,
    publisher: MessageOrigin<'_>,
) -> Result<usize, PublishError> {
    let metrics = &node.metrics.messages;
    if node.topics.is_full(topic, &node.config.limits) {
        metrics.rejected_full.inc();
        return Err(PublishError::Full);
    }
    let payload = Bytes::copy_from_slice(body.as_bytes());
    if let Err(error) = node.cluster.backplane.publish(topic, payload) {
        metrics.rejected_backplane.inc();
        return Err(error.into());
    }
    let sender = match publisher {
        MessageOrigin::Http => {
            metrics.published_by_http.inc();
            None
        }
        MessageOrigin::Device(session) => {
            metrics.published_by_devices.inc();
            Some(Arc::clone(session))
        }
    };
    Ok(publish_local(node, topic, body, sender))
}

/// Queues what another node published for the devices here.
pub(crate) fn deliver(node: &Arc<Node>, topic: &Topic, payload: &[u8]) {
    let Ok(body) = serde_json::from_slice::<&RawValue>(payload) else {
        return;
    };
    if node.topics.is_full(topic, &node.config.limits) {
        node.metrics.messages.dropped_full.inc();
        return;
    }
    publish_local(node, topic, body.get(), None);
}

/// Encoded once, and not at all without subscribers.
fn publish_local(
    node: &Arc<Node>,
    topic: &Topic,
    body: &str,
    sender: Option<Arc<Session>>,
) -> usize {
    let message = || EncodedMessage {
        frame: frame::message(topic, body),
        sender,
    };
    node.topics.publish(node, topic, message)
}
