//! A device that subscribes to topics or publishes to them, over all the sockets that it
//! has one after the other.

use std::time::Duration;

use highwater_scenarios::plan::PublishLoad;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::{
    stamp::Stamp,
    subscriber::{SEQUENCE_BYTES, SUBSCRIPTION_BYTES, TopicSubscriber},
    ws_publisher::WsPublisher,
};
use crate::{
    keys::{DeviceKey, LoadItemKey},
    worker::{context::Context, recorder::Count},
};

/// Interval at which a device checks whether the start of the steady phase is known. The
/// coordinator announces it two seconds ahead.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// The subscriptions and publishers of one device.
#[derive(Debug)]
pub struct TopicClient {
    subscriber: Option<TopicSubscriber>,
    publishers: Vec<WsPublisher>,
}

impl TopicClient {
    /// Memory that a subscriber takes for each load, in bytes.
    pub const SUBSCRIBER_BYTES: u64 = (size_of::<Self>() + SUBSCRIPTION_BYTES) as u64;
    /// Memory that a subscriber takes for each publisher of its topic, in bytes.
    pub const SEQUENCE_BYTES: u64 = SEQUENCE_BYTES as u64;
    /// Memory that a publishing device takes for each load, in bytes.
    pub const PUBLISHER_BYTES: u64 = (size_of::<Self>() + size_of::<WsPublisher>()) as u64;

    /// Creates the client of a device; `None` if the plan has no topics for it.
    ///
    /// Boxed: a device without topics pays for the pointer alone.
    pub fn for_device(context: &Context, device: DeviceKey) -> Option<Box<Self>> {
        let loads = &context.plan.publish;
        if loads.is_empty() {
            return None;
        }
        let pool = context.plan.devices.get(device.pool as usize)?;
        let roles = || PublishLoad::roles_of_device(loads, &pool.name, device.index);
        let publishers: Vec<WsPublisher> = roles()
            .filter(|role| role.publishes)
            .map(|role| WsPublisher::new(context, role.load_index, device.index))
            .collect();
        let subscriber = TopicSubscriber::new(device.index, roles());
        (subscriber.is_some() || !publishers.is_empty()).then(|| {
            Box::new(Self {
                subscriber,
                publishers,
            })
        })
    }

    /// Returns the frames to send first on a new socket; none without a subscription.
    pub fn on_open(&mut self, context: &Context) -> Vec<Message> {
        // Messages that were due without a socket are dropped, not sent late.
        self.skip_due(context);
        let Some(subscriber) = &mut self.subscriber else {
            return Vec::new();
        };
        subscriber.on_open();
        context.recorder.count(Count::SubscriptionsAsked);
        let topics = subscriber.topics(context);
        context.dialect.subscribe_frames(&topics)
    }

    /// Begins to count messages: the node has the subscriptions.
    pub fn on_confirmed(&mut self, context: &Context) {
        if let Some(subscriber) = &mut self.subscriber {
            subscriber.on_confirmed(context);
        }
    }

    /// Returns when [`next_frame`](Self::next_frame) is to be called; `None` for a device
    /// that publishes nothing.
    pub fn next_due(&self, context: &Context) -> Option<Instant> {
        if self.publishers.is_empty() {
            return None;
        }
        // Polled, because the session has one timer and no second wait for a signal.
        let Some(steady) = context.signals.steady_start() else {
            return Some(Instant::now() + POLL_INTERVAL);
        };
        let due = |publisher: &WsPublisher| publisher.next_due(context, steady);
        self.publishers.iter().filter_map(due).min()
    }

    /// Returns a frame to send now, if a message is due.
    pub fn next_frame(&mut self, context: &Context) -> Option<Message> {
        let steady = context.signals.steady_start()?;
        self.publishers
            .iter_mut()
            // One frame per call; another publisher that is due wakes the session at once.
            .find_map(|publisher| publisher.next_frame(context, steady))
    }

    /// Takes in a message to a topic. One without a stamp is not the harness's, and
    /// counts as received only.
    pub fn on_message(&mut self, context: &Context, text: &str) {
        context.record_message_received();
        if let (Some(subscriber), Some(stamp)) = (&mut self.subscriber, Stamp::find(text)) {
            subscriber.on_message(context, &stamp);
        }
    }

    /// Takes in the answer to a published message: the status of an error, or none.
    pub fn on_publish_answer(&mut self, context: &Context, key: LoadItemKey, status: Option<u16>) {
        for publisher in &mut self.publishers {
            publisher.on_publish_answer(context, key, status);
        }
    }

    /// Ends what one socket had begun. `drained` says that it closed in order at the end
    /// of the run, so that messages that have not come are missing.
    pub fn on_close(&mut self, context: &Context, drained: bool) {
        for publisher in &mut self.publishers {
            publisher.on_close(context);
        }
        if let (Some(subscriber), true) = (&self.subscriber, drained) {
            subscriber.count_missing_at_end(context);
        }
    }

    /// Drops the messages that were due while the device had no socket.
    pub fn skip_due(&mut self, context: &Context) {
        if let Some(steady) = context.signals.steady_start() {
            for publisher in &mut self.publishers {
                publisher.state.skip_due(context, steady);
            }
        }
    }
}
