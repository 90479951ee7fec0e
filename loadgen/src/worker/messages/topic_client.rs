//! A device that subscribes to topics or publishes to them, over all the sockets
//! that it has one after the other.

use std::time::Duration;

use highwater_scenarios::plan::PublishLoad;
use tokio::time::Instant;

use super::{
    stamp::Stamp,
    subscriber::{SEQUENCE_BYTES, SUBSCRIPTION_BYTES, TopicSubscriber},
    ws_publisher::WsPublisher,
};
use crate::worker::{context::Context, devices::device::DeviceKey, recorder::Count};

/// The ping that follows the subscriptions; its pong says that the node has them.
/// A heartbeat's payload has another length.
pub const SUBSCRIBE_PING: &[u8] = b"topics";
/// How a message to a topic begins.
const MESSAGE_PREFIX: &str = r#"{"type":"message""#;
/// How often a device looks whether the steady phase is known; it is announced
/// more than a second before.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// What a device does with topics.
#[derive(Debug)]
pub struct TopicClient {
    subscriber: Option<TopicSubscriber>,
    publishers: Vec<WsPublisher>,
}

impl TopicClient {
    /// Memory of a device for what it subscribes to in a load, in bytes.
    pub const SUBSCRIBER_BYTES: u64 = (size_of::<Self>() + SUBSCRIPTION_BYTES) as u64;
    /// Of a subscriber for each publisher of its topic.
    pub const SEQUENCE_BYTES: u64 = SEQUENCE_BYTES as u64;
    /// Of a device that publishes in a load.
    pub const PUBLISHER_BYTES: u64 = (size_of::<Self>() + size_of::<WsPublisher>()) as u64;

    /// What the plan has for a device; `None` when that is nothing.
    pub fn for_device(context: &Context, device: DeviceKey) -> Option<Box<Self>> {
        let loads = &context.plan.publish;
        if loads.is_empty() {
            return None;
        }
        let pool = context.plan.devices.get(device.pool as usize)?;
        let parts = || PublishLoad::roles_of_device(loads, &pool.name, device.index);
        let speakers: Vec<WsPublisher> = parts()
            .filter(|part| part.publishes)
            .map(|part| WsPublisher::new(context, part.load_index, device.index))
            .collect();
        let listener = TopicSubscriber::new(device.index, parts());
        (listener.is_some() || !speakers.is_empty()).then(|| {
            Box::new(Self {
                subscriber: listener,
                publishers: speakers,
            })
        })
    }

    /// The socket is open: what to send first, and then a ping of [`SUBSCRIBE_PING`];
    /// nothing for one that does not subscribe.
    pub fn on_open(&mut self, context: &Context) -> Vec<String> {
        self.skip_due(context);
        let Some(listener) = &mut self.subscriber else {
            return Vec::new();
        };
        listener.on_open();
        context.recorder.count(Count::SubscriptionsAsked);
        let topics = listener.topics(context).into_iter();
        topics
            .map(|topic| format!(r#"{{"type":"subscribe","topic":"{topic}"}}"#))
            .collect()
    }

    /// The node has the subscriptions.
    pub fn on_confirmed(&mut self, context: &Context) {
        if let Some(listener) = &mut self.subscriber {
            listener.on_confirmed(context);
        }
    }

    /// Whether it publishes.
    pub fn publishes(&self) -> bool {
        !self.publishers.is_empty()
    }

    /// When [`fall_due`](Self::fall_due) is to be called; `None`: not by time.
    pub fn next_due(&self, context: &Context) -> Option<Instant> {
        if self.publishers.is_empty() {
            return None;
        }
        let Some(steady) = steady_start(context) else {
            return Some(Instant::now() + POLL_INTERVAL);
        };
        let due = |speaker: &WsPublisher| speaker.next_due(context, steady);
        self.publishers.iter().filter_map(due).min()
    }

    /// A text to send now, if any.
    pub fn next_frame(&mut self, context: &Context) -> Option<String> {
        let steady = steady_start(context)?;
        self.publishers
            .iter_mut()
            .find_map(|speaker| speaker.next_frame(context, steady))
    }

    /// Takes a frame's text, if it is a message.
    pub fn on_text(&mut self, context: &Context, text: &str) -> bool {
        if !text.starts_with(MESSAGE_PREFIX) {
            return false;
        }
        context.record_message_received();
        if let (Some(listener), Some(stamp)) = (&mut self.subscriber, Stamp::find(text)) {
            listener.on_message(context, &stamp);
        }
        true
    }

    /// A message that it sent has its answer: an error's status, or none.
    pub fn on_publish_answer(&mut self, context: &Context, id: &str, status: Option<u16>) {
        for speaker in &mut self.publishers {
            speaker.on_publish_answer(context, id, status);
        }
    }

    /// The socket is gone; `in_order` at the end of the run.
    pub fn on_close(&mut self, context: &Context, in_order: bool) {
        for speaker in &mut self.publishers {
            speaker.on_close(context);
        }
        if let (Some(listener), true) = (&self.subscriber, in_order) {
            listener.count_missing_at_end(context);
        }
    }

    /// The device lives no longer.
    pub fn finish(&mut self, context: &Context) {
        self.skip_due(context);
    }

    fn skip_due(&mut self, context: &Context) {
        if let Some(steady) = steady_start(context) {
            for speaker in &mut self.publishers {
                speaker.skip_due(context, steady);
            }
        }
    }
}

fn steady_start(context: &Context) -> Option<Instant> {
    *context.signals.steady.borrow()
}
