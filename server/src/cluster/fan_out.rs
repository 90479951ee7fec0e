//! Topics: one message to every subscribed device of every node.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::{
    backplane::{Backplane, SendError},
    id::Topic,
    node::Node,
    session::{Session, frame},
};

/// Who of this node subscribes to what.
#[derive(Default)]
pub(crate) struct Topics(Mutex<HashMap<Topic, Vec<Arc<Session>>>>);

impl Topics {
    /// Adds a subscriber; the first one brings the node to subscribe.
    pub(crate) fn add(&self, topic: &Topic, session: &Arc<Session>, backplane: &dyn Backplane) {
        let mut topics = self.lock();
        let subscribers = topics.entry(topic.clone()).or_default();
        if subscribers.is_empty() {
            // Under the lock, so that it cannot overtake an unsubscription.
            backplane.subscribe(topic);
        }
        subscribers.push(Arc::clone(session));
    }

    /// Removes a subscriber; with the last one the node's subscription ends.
    pub(crate) fn remove(&self, topic: &Topic, session: &Arc<Session>, backplane: &dyn Backplane) {
        let mut topics = self.lock();
        let Some(subscribers) = topics.get_mut(topic) else {
            return;
        };
        subscribers.retain(|kept| !Arc::ptr_eq(kept, session));
        if subscribers.is_empty() {
            topics.remove(topic);
            backplane.unsubscribe(topic);
        }
    }

    fn subscribers(&self, topic: &Topic) -> Vec<Arc<Session>> {
        self.lock().get(topic).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Topic, Vec<Arc<Session>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Publishes JSON text to the other nodes and delivers it here. Answers how many
/// devices of this node it was queued for.
///
/// # Errors
/// The other nodes did not get it; this one did.
pub(crate) fn publish(
    node: &Node,
    topic: &Topic,
    body: &RawValue,
) -> (usize, Result<(), SendError>) {
    let payload = Bytes::copy_from_slice(body.get().as_bytes());
    let published = node.cluster.backplane.publish(topic, payload);
    (deliver_body(node, topic, body), published)
}

/// Delivers what another node published.
pub(crate) fn deliver(node: &Node, topic: &Topic, payload: &[u8]) {
    if let Ok(body) = serde_json::from_slice::<&RawValue>(payload) {
        deliver_body(node, topic, body);
    }
}

/// Encoded once; every subscriber's outbox shares the bytes.
fn deliver_body(node: &Node, topic: &Topic, body: &RawValue) -> usize {
    let subscribers = node.topics.subscribers(topic);
    if subscribers.is_empty() {
        return 0;
    }
    let frame = frame::message(topic, body);
    let limits = &node.config.limits;
    subscribers
        .iter()
        .filter(|session| session.outbox.push(frame.clone(), limits).is_ok())
        .count()
}
