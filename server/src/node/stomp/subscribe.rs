//! Subscriptions of a client.

use std::sync::Arc;

use highwater_stomp::{AckMode, Frame, InvalidHeader, Version, header};

use super::{
    destination::Source,
    error::StompError,
    handler::StompHandler,
    message::encode_message,
    state::StompState,
    subscription::{StompSubscription, SubscribedSource, UnackedMessage},
};
use crate::{
    cluster::queues::{QueueConsumer, QueueDelivery},
    id::Topic,
    node::Node,
    session::{Session, subscription::TopicSubscription},
};

/// The longest name of a subscription.
const MAX_ID_BYTES: usize = 128;

/// A subscription to a queue, as the queue sees it.
struct StompConsumer {
    node: Arc<Node>,
    session: Arc<Session>,
    state: Arc<StompState>,
    /// The key of the subscription.
    key: u64,
}

impl StompHandler {
    pub(super) fn subscribe(
        &self,
        session: &Arc<Session>,
        frame: &Frame,
    ) -> Result<(), StompError> {
        self.check_changes(session)?;
        let destination = required(frame, header::DESTINATION, "a destination")?;
        let id = self.subscription_id(frame)?;
        let ack = AckMode::parse(frame.get(header::ACK))?;
        let source = {
            let inner = self.state.lock();
            let max = self.node.sessions.limits.stomp.subscriptions;
            if inner.subscriptions.len() >= max {
                return Err(StompError::limit(format!("more than {max} subscriptions")));
            }
            if inner.subscriptions.iter().any(|other| *other.id == *id) {
                let expected = "an id that no subscription of the session has";
                return Err(InvalidHeader::new(header::ID, id, expected).into());
            }
            Source::parse(destination, &inner.identity.user)?
        };
        let subscribed = match &source {
            Source::Topic(topic) => SubscribedSource::Topic(topic.clone()),
            Source::Queue(name) => SubscribedSource::Queue {
                name: name.as_str().into(),
                consumer: u64::MAX,
            },
        };
        // Before the source knows of it, so that its first message finds it.
        let key = {
            let mut inner = self.state.lock();
            let key = inner.next_number();
            inner.subscriptions.push(StompSubscription {
                key,
                id: id.into(),
                destination: destination.into(),
                ack,
                source: subscribed,
            });
            key
        };
        match source {
            Source::Topic(topic) => self.subscribe_topic(session, topic),
            Source::Queue(name) => self.subscribe_queue(session, &name, key),
        }
        Ok(())
    }

    pub(super) fn unsubscribe(
        &self,
        session: &Arc<Session>,
        frame: &Frame,
    ) -> Result<(), StompError> {
        self.check_changes(session)?;
        let id = self.subscription_id(frame)?;
        let mut returned = Vec::new();
        let (removed, is_last) = {
            let mut inner = self.state.lock();
            let at = inner.subscriptions.iter().position(|s| *s.id == *id);
            let Some(at) = at else {
                let expected = "the id of a subscription";
                return Err(InvalidHeader::new(header::ID, id, expected).into());
            };
            let removed = inner.subscriptions.remove(at);
            let of_removed = |message: &mut UnackedMessage| message.key == removed.key;
            returned.extend(inner.unacked.extract_if(.., of_removed));
            let topic = match &removed.source {
                SubscribedSource::Topic(topic) => Some(topic),
                SubscribedSource::Queue { .. } => None,
            };
            let same = |other: &StompSubscription| match &other.source {
                SubscribedSource::Topic(other) => Some(other) == topic,
                SubscribedSource::Queue { .. } => false,
            };
            let is_last = !inner.subscriptions.iter().any(same);
            (removed, is_last)
        };
        match removed.source {
            SubscribedSource::Topic(topic) if is_last => {
                if let Some(slot) = session.remove_subscription(&topic) {
                    self.node.cluster.topics.unsubscribe(&topic, slot);
                }
            }
            SubscribedSource::Topic(_) => {}
            SubscribedSource::Queue { name, consumer } => {
                self.node.cluster.queues.unsubscribe(&name, consumer);
            }
        }
        // Messages in hand go to other subscribers.
        drop(returned);
        Ok(())
    }

    fn subscribe_topic(&self, session: &Arc<Session>, topic: Topic) {
        // The limit of the session's subscriptions bounds its topics too.
        if let Ok(true) = session.may_subscribe(&topic, usize::MAX) {
            let slot = self.node.cluster.topics.subscribe(&topic, session);
            session.add_subscription(TopicSubscription { topic, slot });
        }
    }

    fn subscribe_queue(&self, session: &Arc<Session>, name: &str, key: u64) {
        let subscriber = Arc::new(StompConsumer {
            node: Arc::clone(&self.node),
            session: Arc::clone(session),
            state: Arc::clone(&self.state),
            key,
        });
        let id = self.node.cluster.queues.subscribe(name, subscriber);
        let mut inner = self.state.lock();
        for subscription in &mut inner.subscriptions {
            if let SubscribedSource::Queue { consumer, .. } = &mut subscription.source
                && subscription.key == key
            {
                *consumer = id;
            }
        }
    }

    /// Bounds changes of subscriptions: the first and the last subscriber of a destination cost
    /// a message to the other nodes.
    pub(super) fn check_changes(&self, session: &Session) -> Result<(), StompError> {
        let sessions = &self.node.sessions;
        let limit = sessions.limits.topic_changes_per_s;
        match session.allow_topic_change(sessions.wheel.now(), limit) {
            true => Ok(()),
            false => Err(StompError::limit(format!(
                "more than {limit} changes of subscriptions in a second"
            ))),
        }
    }

    /// Returns the id of a subscription; in 1.0 it may be missing, and is the destination.
    fn subscription_id<'f>(&self, frame: &'f Frame) -> Result<&'f str, StompError> {
        let id = match (frame.get(header::ID), self.version()) {
            (None, Version::V1_0) => required(frame, header::DESTINATION, "a destination")?,
            _ => required(frame, header::ID, "the id of a subscription")?,
        };
        match id.len() <= MAX_ID_BYTES {
            true => Ok(id),
            false => Err(StompError::limit(format!(
                "invalid header id of {} bytes: expected at most {MAX_ID_BYTES}",
                id.len()
            ))),
        }
    }
}

impl QueueConsumer for StompConsumer {
    fn deliver(&self, delivery: QueueDelivery) {
        let body = bytes::Bytes::copy_from_slice(&delivery.message.body);
        let headers = delivery.message.headers.clone();
        let mut inner = self.state.lock();
        let number = inner.next_number();
        let version = inner.version;
        let Some(subscription) = inner.subscription(self.key) else {
            // Dropped after the lock is released: it returns to its queue.
            drop(inner);
            return;
        };
        let is_auto = subscription.ack == AckMode::Auto;
        let id = match is_auto {
            true => format!("n{number}"),
            false => format!("q{number}"),
        };
        let frame = encode_message(
            subscription,
            &id,
            &headers,
            body,
            delivery.is_redelivered,
            version,
        );
        let settled_now = match is_auto {
            true => Some(delivery),
            false => {
                inner.unacked.push(UnackedMessage {
                    number,
                    key: self.key,
                    delivery,
                });
                None
            }
        };
        drop(inner);
        let limits = &self.node.sessions.limits;
        let is_queued = frame.is_some_and(|frame| {
            let pushed = self.session.write_queue.push(frame, limits);
            pushed.is_ok()
        });
        // A message that was not queued is dropped here, or with its session, and returns.
        if let (true, Some(delivery)) = (is_queued, settled_now) {
            delivery.ack();
        }
    }
}

/// Returns a header that a frame needs.
pub(super) fn required<'f>(
    frame: &'f Frame,
    name: &'static str,
    expected: &str,
) -> Result<&'f str, StompError> {
    let value = frame.get(name).filter(|value| !value.is_empty());
    value.ok_or_else(|| InvalidHeader::missing(name, expected).into())
}
