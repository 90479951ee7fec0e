//! The topics to which one connection subscribes.

use std::collections::HashMap;

use parking_lot::RwLock;

use super::message::MessageId;
use crate::id::Topic;

/// The topics, with the number of the own message before which each was subscribed.
#[derive(Debug, Default)]
pub(super) struct Subscriptions(RwLock<HashMap<Topic, u64>>);

impl Subscriptions {
    /// Adds topics. `next_number` is that of the next message of this connection.
    pub(super) fn add(&self, topics: &[Topic], next_number: u64) {
        let mut subscribed = self.0.write();
        for topic in topics {
            // A repeated subscription does not begin again.
            subscribed.entry(topic.clone()).or_insert(next_number);
        }
    }

    pub(super) fn remove(&self, topics: &[Topic]) {
        let mut subscribed = self.0.write();
        for topic in topics {
            subscribed.remove(topic);
        }
    }

    /// Whether a message on a topic is wanted.
    ///
    /// One that this connection sent before it subscribed may still wait in its queue.
    pub(super) fn contains(&self, topic: &Topic, id: &MessageId, own_id: &str) -> bool {
        let subscribed = self.0.read();
        let since = subscribed.get(topic);
        since.is_some_and(|since| id.sender != own_id || id.number >= *since)
    }
}
