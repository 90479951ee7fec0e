//! The topics that devices of this node subscribe to.

use std::{collections::HashMap, sync::Arc};

use parking_lot::{Mutex, MutexGuard};

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
    delivery: Arc<DeliveryContext>,
}

impl Topics {
    pub(super) fn new(sessions: Arc<SessionContext>) -> Self {
        Self {
            subscribers: Mutex::default(),
            delivery: Arc::new(DeliveryContext {
                sessions,
                metrics: MessageMetrics::new(),
            }),
        }
    }

    /// Adds a subscriber. With the first one, the node subscribes at the backplane.
    pub(crate) fn subscribe(
        &self,
        topic: &Topic,
        session: &Arc<Session>,
        backplane: &dyn Backplane,
    ) -> SubscriptionSlot {
        let mut topics = self.lock();
        let subscribers = topics.entry(topic.clone()).or_insert_with(Subscribers::new);
        if subscribers.len() == 0 {
            // Under the lock: it must not overtake an unsubscription of the same topic.
            backplane.subscribe(topic);
        }
        subscribers.subscribe(session)
    }

    /// Removes a subscriber. With the last one, the node's subscription ends.
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
            // Under the lock, for the same reason.
            backplane.unsubscribe(topic);
        }
    }

    /// Whether as many messages as allowed wait for the topic's subscribers.
    pub(super) fn is_full(&self, topic: &Topic) -> bool {
        let topics = self.lock();
        topics
            .get(topic)
            .is_some_and(|subscribers| subscribers.is_full(&self.delivery.sessions.limits))
    }

    /// Queues a message for every subscriber of the topic, and returns their number.
    pub(super) fn publish(&self, topic: &Topic, message: impl FnOnce() -> EncodedMessage) -> usize {
        // Under the lock: every subscriber gets the messages in the same order.
        let topics = self.lock();
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

    fn lock(&self) -> MutexGuard<'_, HashMap<Topic, Subscribers>> {
        self.subscribers.lock()
    }
}
