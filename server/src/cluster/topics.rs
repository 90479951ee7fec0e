//! Who of this node subscribes to what.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::topic_hub::{EncodedMessage, Subscribers, SubscriptionSlot};
use crate::{backplane::Backplane, id::Topic, limits::NodeLimits, node::Node, session::Session};

/// The rooms of a node: one for each topic that a device of it subscribes to.
#[derive(Default)]
pub(crate) struct Topics(Mutex<HashMap<Topic, Subscribers>>);

impl Topics {
    /// Adds a subscriber; the first one brings the node to subscribe.
    pub(crate) fn subscribe(
        &self,
        topic: &Topic,
        session: &Arc<Session>,
        backplane: &dyn Backplane,
    ) -> SubscriptionSlot {
        let mut topics = self.lock();
        let subscribers = topics.entry(topic.clone()).or_insert_with(Subscribers::new);
        if subscribers.len() == 0 {
            // Under the lock, so that it cannot overtake an unsubscription.
            backplane.subscribe(topic);
        }
        subscribers.subscribe(session)
    }

    /// Removes a subscriber; with the last one the node's subscription ends.
    pub(crate) fn unsubscribe(
        &self,
        topic: &Topic,
        slot: SubscriptionSlot,
        backplane: &dyn Backplane,
    ) {
        let mut topics = self.lock();
        let Some(subscribers) = topics.get_mut(topic) else {
            return;
        };
        subscribers.unsubscribe(slot);
        if subscribers.len() == 0 {
            topics.remove(topic);
            backplane.unsubscribe(topic);
        }
    }

    /// Whether more messages wait for the topic's subscribers than may.
    pub(crate) fn is_full(&self, topic: &Topic, limits: &NodeLimits) -> bool {
        let topics = self.lock();
        topics
            .get(topic)
            .is_some_and(|subscribers| subscribers.is_full(limits))
    }

    /// Queues a message for every subscriber of the topic. Answers how many there
    /// are.
    pub(crate) fn publish(
        &self,
        node: &Arc<Node>,
        topic: &Topic,
        message: impl FnOnce() -> EncodedMessage,
    ) -> usize {
        // Under the lock: every subscriber gets the messages in one order.
        let topics = self.lock();
        let Some(subscribers) = topics.get(topic) else {
            return 0;
        };
        subscribers.publish(node, &message());
        subscribers.len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Topic, Subscribers>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
