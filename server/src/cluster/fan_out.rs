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

/// Publishes JSON text to the other nodes and queues it for the subscribers of this
/// node. Returns the number of these. `sender` is the device that publishes, which does not
/// get its own message back; `None` is a caller of the HTTP interface.
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
    sender: Option<&Arc<Session>>,
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
    match sender {
        None => metrics.published_by_http.inc(),
        Some(_) => metrics.published_by_devices.inc(),
    }
    Ok(publish_local(cluster, topic, body, sender.cloned()))
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
    let published = publish(cluster, topic, body, Some(session));
    published.err().map(|error| (503, error.to_string()))
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
