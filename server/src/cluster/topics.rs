//! The topics that devices of this node subscribe to.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use super::{
    message_metrics::MessageMetrics,
    topic_hub::{DeliveryContext, EncodedMessage, Subscribers},
};
use crate::{
    backplane::Backplane,
    id::Topic,
    session::{Session, SessionContext, subscription::SubscriptionSlot},
};

/// The subscribers of this node by topic. A topic without subscribers has no entry.
pub(crate) struct Topics {
    subscribers: Mutex<HashMap<Topic, Subscribers>>,
    backplane: Arc<dyn Backplane>,
    delivery: Arc<DeliveryContext>,
}

impl Topics {
    pub(super) fn new(sessions: Arc<SessionContext>, backplane: Arc<dyn Backplane>) -> Self {
        Self {
            subscribers: Mutex::default(),
            backplane,
            delivery: Arc::new(DeliveryContext {
                sessions,
                metrics: MessageMetrics::new(),
            }),
        }
    }

    /// Adds a subscriber. With the first one, the node subscribes at the backplane.
    pub(crate) fn subscribe(&self, topic: &Topic, session: &Arc<Session>) -> SubscriptionSlot {
        let mut topics = self.subscribers.lock();
        let subscribers = topics.entry(topic.clone()).or_default();
        if subscribers.len() == 0 {
            // Under the lock: it must not overtake an unsubscription of the same topic.
            self.backplane.subscribe(topic);
        }
        subscribers.subscribe(session)
    }

    /// Removes a subscriber. With the last one, the node's subscription ends.
    pub(crate) fn unsubscribe(&self, topic: &Topic, slot: SubscriptionSlot) {
        let mut topics = self.subscribers.lock();
        let Some(subscribers) = topics.get_mut(topic) else {
            return;
        };
        subscribers.unsubscribe(slot);
        if subscribers.len() == 0 {
            topics.remove(topic);
            // Under the lock, for the same reason.
            self.backplane.unsubscribe(topic);
        }
    }

    /// Whether as many messages as allowed wait for the topic's subscribers.
    pub(super) fn is_full(&self, topic: &Topic) -> bool {
        let limits = &self.delivery.sessions.limits;
        let topics = self.subscribers.lock();
        topics.get(topic).is_some_and(|topic| topic.is_full(limits))
    }

    /// Queues a message for every subscriber of the topic, and returns their number.
    pub(super) fn publish(&self, topic: &Topic, message: impl FnOnce() -> EncodedMessage) -> usize {
        // Under the lock: every subscriber gets the messages in the same order.
        let topics = self.subscribers.lock();
        let Some(subscribers) = topics.get(topic) else {
            return 0;
        };
        subscribers.publish(&self.delivery, &message());
        subscribers.len()
    }

    /// Returns the counters of topic messages.
    pub(crate) fn metrics(&self) -> &MessageMetrics {
        &self.delivery.metrics
    }
}
