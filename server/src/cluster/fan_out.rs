//! The fan-out of topics: one message to every subscribed device of every node.

use std::sync::Arc;

use bytes::Bytes;

use super::{context::ClusterContext, topic_hub::EncodedMessage};
use crate::{
    backplane::SendError,
    id::Topic,
    message::TopicMessage,
    session::{Session, frame},
};

/// Delay after which a device may try again, in milliseconds.
const RETRY_MS: u64 = 1000;

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

/// The source of a message.
#[derive(Clone, Copy)]
pub(crate) enum Publisher<'a> {
    /// A caller of the HTTP interface.
    Http,
    /// A device, which does not get its own message back.
    Device(&'a Arc<Session>),
    /// A STOMP client, which gets its own message back if it subscribes to the topic.
    #[cfg_attr(not(feature = "stomp"), expect(dead_code, reason = "no STOMP clients"))]
    Stomp,
}

/// Publishes a message to the other nodes and queues it for the subscribers of this
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
    message: TopicMessage,
    publisher: Publisher<'_>,
) -> Result<usize, PublishError> {
    let metrics = cluster.topics.metrics();
    // Before the other nodes get it: a message is for all subscribers or for none.
    if cluster.topics.is_full(&message.topic) {
        metrics.rejected_full.inc();
        return Err(PublishError::Full);
    }
    if let Err(error) = cluster
        .backplane
        .publish(&message.topic, message.to_payload())
    {
        metrics.rejected_backplane.inc();
        return Err(error.into());
    }
    let sender = match publisher {
        Publisher::Http => {
            metrics.published_by_http.inc();
            None
        }
        Publisher::Device(session) => {
            metrics.published_by_devices.inc();
            Some(Arc::clone(session))
        }
        Publisher::Stomp => {
            metrics.published_by_stomp.inc();
            None
        }
    };
    Ok(publish_local(cluster, message, sender))
}

/// Publishes JSON text for a device. The device gets an answer if it gave the message
/// an id.
pub(crate) fn publish_from_device(
    cluster: &ClusterContext,
    session: &Arc<Session>,
    topic: &Topic,
    id: Option<&str>,
    body: &str,
) {
    let rejection = try_publish(cluster, session, topic, body);
    let Some(id) = id else {
        return;
    };
    let answer = match rejection {
        None => frame::published(id),
        Some((status, error)) => frame::error(id, status, &error, RETRY_MS),
    };
    // A full queue closes the socket by itself.
    let _ = session.write_queue.push(answer, &cluster.sessions.limits);
}

/// Returns the status and the text of a rejection; the status is that of the same
/// rejection over HTTP.
fn try_publish(
    cluster: &ClusterContext,
    session: &Arc<Session>,
    topic: &Topic,
    body: &str,
) -> Option<(u16, String)> {
    let limit = cluster.sessions.limits.publishes_per_s;
    if !session.allow_publish(cluster.sessions.wheel.now(), limit) {
        cluster.topics.metrics().rejected_rate.inc();
        return Some((429, format!("more than {limit} messages in a second")));
    }
    if topic.is_reserved() {
        return Some((400, "topics of users are reserved".to_owned()));
    }
    let message = TopicMessage::from_json(topic.clone(), body);
    let published = publish(cluster, message, Publisher::Device(session));
    published.err().map(|error| (503, error.to_string()))
}

/// Queues a message that another node published for the subscribers of this node.
pub(super) fn deliver(cluster: &ClusterContext, topic: Topic, payload: &Bytes) {
    // The publishing node has checked the message, so this fails for no message of ours.
    let Some(message) = TopicMessage::from_payload(topic, payload) else {
        return;
    };
    if cluster.topics.is_full(&message.topic) {
        cluster.topics.metrics().dropped_full.inc();
        return;
    }
    publish_local(cluster, message, None);
}

fn publish_local(
    cluster: &ClusterContext,
    message: TopicMessage,
    sender: Option<Arc<Session>>,
) -> usize {
    let message = Arc::new(message);
    // Encoded once for all devices, and only if there is a subscriber.
    let encode = || EncodedMessage {
        frame: message
            .json()
            .map(|body| frame::message(&message.topic, body)),
        message: Arc::clone(&message),
        sender,
    };
    cluster.topics.publish(&message.topic, encode)
}
