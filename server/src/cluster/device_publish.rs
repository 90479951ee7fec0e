//! The messages that devices publish to topics.

use std::sync::Arc;

use super::{
    context::ClusterContext,
    fan_out::{self, MessageOrigin},
};
use crate::{
    id::Topic,
    session::{Session, frame},
};

/// Delay after which a device may try again, in milliseconds.
const RETRY_MS: u64 = 1000;

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
    let published = fan_out::publish(cluster, topic, body, MessageOrigin::Device(session));
    published.err().map(|error| (503, error.to_string()))
}
