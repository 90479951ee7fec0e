//! A device publishes to a topic.

use std::sync::Arc;

use super::{Session, frame};
use crate::{
    cluster::fan_out::{self, Publisher},
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
    let refusal = refusal(node, session, topic, body);
    let Some(id) = id else {
        return;
    };
    let answer = match refusal {
        None => frame::published(id),
        Some((status, error)) => frame::error(id, status, &error, RETRY_MS),
    };
    // Full, the outbox closes the socket itself.
    let _ = session.outbox.push(answer, &node.config.limits);
}

/// The HTTP status of the same refusal, and why.
fn refusal(
    node: &Arc<Node>,
    session: &Arc<Session>,
    topic: &Topic,
    body: &str,
) -> Option<(u16, String)> {
    let limit = node.config.limits.publishes_per_s;
    if !session.may_publish(node.wheel.now(), limit) {
        node.metrics.messages.refused_rate.inc();
        return Some((429, format!("more than {limit} messages in a second")));
    }
    let published = fan_out::publish(node, topic, body, Publisher::Device(session));
    published.err().map(|error| (503, error.to_string()))
}
