//! A device publishes to a topic.

use std::sync::Arc;

use super::{Session, frame};
use crate::{
    cluster::fan_out::{self, MessageOrigin},
    id::Topic,
    node::Node,
};

/// When to try again, in milliseconds.
const RETRY_MS: u64 = 1000;

/// Publishes JSON text, and answers where the device gave the message an id.
pub(super) fn publish(
    node: &Arc<Node>,
    session: &Arc<Session>,
    topic: &Topic,
    id: Option<&str>,
    body: &str,
) {
    let rejection = try_publish(node, session, topic, body);
    let Some(id) = id else {
        return;
    };
    let answer = match rejection {
        None => frame::published(id),
        Some((status, error)) => frame::error(id, status, &error, RETRY_MS),
    };
    // Full, the outbox closes the socket itself.
    let _ = session.write_queue.push(answer, &node.config.limits);
}

/// The HTTP status of the same refusal, and why.
fn try_publish(
    node: &Arc<Node>,
    session: &Arc<Session>,
    topic: &Topic,
    body: &str,
) -> Option<(u16, String)> {
    let limit = node.config.limits.publishes_per_s;
    if !session.allow_publish(node.wheel.now(), limit) {
        node.metrics.messages.rejected_rate.inc();
        return Some((429, format!("more than {limit} messages in a second")));
    }
    let published = fan_out::publish(node, topic, body, MessageOrigin::Device(session));
    published.err().map(|error| (503, error.to_string()))
}
