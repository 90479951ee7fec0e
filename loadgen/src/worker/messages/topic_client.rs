//! A device that subscribes to topics or publishes to them, over all the sockets
//! that it has one after the other.

use std::time::Duration;

use highwater_scenarios::plan::PublishLoad;
use tokio::time::Instant;

use super::{
    stamp::Stamp,
    subscriber::{Listener, SEQUENCE_BYTES, SUBSCRIPTION_BYTES},
    ws_publisher::Speaker,
};
use crate::worker::{context::Context, devices::device::DeviceKey, recorder::Count};

/// The ping that follows the subscriptions; its pong says that the node has them.
/// A heartbeat's payload has another length.
pub const CONFIRM: &[u8] = b"topics";
/// How a message to a topic begins.
const MESSAGE: &str = r#"{"type":"message""#;
/// How often a device looks whether the steady phase is known; it is announced
/// more than a second before.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What a device does with topics.
#[derive(Debug)]
pub struct Member {
    listener: Option<Listener>,
    speakers: Vec<Speaker>,
}

impl Member {
    /// Memory of a device for what it subscribes to in a load, in bytes.
    pub const SUBSCRIBER_BYTES: u64 = (size_of::<Self>() + SUBSCRIPTION_BYTES) as u64;
    /// Of a subscriber for each publisher of its topic.
    pub const SEQUENCE_BYTES: u64 = SEQUENCE_BYTES as u64;
    /// Of a device that publishes in a load.
    pub const PUBLISHER_BYTES: u64 = (size_of::<Self>() + size_of::<Speaker>()) as u64;

    /// What the plan has for a device; `None` when that is nothing.
    pub fn of(context: &Context, device: DeviceKey) -> Option<Box<Self>> {
        let loads = &context.plan.publish;
        if loads.is_empty() {
            return None;
        }
        let pool = context.plan.devices.get(device.pool as usize)?;
        let parts = || PublishLoad::of_device(loads, &pool.name, device.index);
        let speakers: Vec<Speaker> = parts()
            .filter(|part| part.publishes)
            .map(|part| Speaker::new(context, part.number, device.index))
            .collect();
        let listener = Listener::new(device.index, parts());
        (listener.is_some() || !speakers.is_empty()).then(|| Box::new(Self { listener, speakers }))
    }

    /// The socket is open: what to send first, and then a ping of [`CONFIRM`];
    /// nothing for one that does not subscribe.
    pub fn opened(&mut self, context: &Context) -> Vec<String> {
        self.skip_due(context);
        let Some(listener) = &mut self.listener else {
            return Vec::new();
        };
        listener.opened();
        context.recorder.count(Count::SubscriptionsAsked);
        let topics = listener.topics(context).into_iter();
        topics
            .map(|topic| format!(r#"{{"type":"subscribe","topic":"{topic}"}}"#))
            .collect()
    }

    /// The node has the subscriptions.
    pub fn confirmed(&mut self, context: &Context) {
        if let Some(listener) = &mut self.listener {
            listener.confirmed(context);
        }
    }

    /// Whether it publishes.
    pub fn speaks(&self) -> bool {
        !self.speakers.is_empty()
    }

    /// When [`fall_due`](Self::fall_due) is to be called; `None`: not by time.
    pub fn next_due(&self, context: &Context) -> Option<Instant> {
        if self.speakers.is_empty() {
            return None;
        }
        let Some(steady) = steady(context) else {
            return Some(Instant::now() + LOOK_EVERY);
        };
        let due = |speaker: &Speaker| speaker.next_due(context, steady);
        self.speakers.iter().filter_map(due).min()
    }

    /// A text to send now, if any.
    pub fn fall_due(&mut self, context: &Context) -> Option<String> {
        let steady = steady(context)?;
        self.speakers
            .iter_mut()
            .find_map(|speaker| speaker.fall_due(context, steady))
    }

    /// Takes a frame's text, if it is a message.
    pub fn heard(&mut self, context: &Context, text: &str) -> bool {
        if !text.starts_with(MESSAGE) {
            return false;
        }
        context.message_heard();
        if let (Some(listener), Some(stamp)) = (&mut self.listener, Stamp::find(text)) {
            listener.heard(context, &stamp);
        }
        true
    }

    /// A message that it sent has its answer: an error's status, or none.
    pub fn answered(&mut self, context: &Context, id: &str, status: Option<u16>) {
        for speaker in &mut self.speakers {
            speaker.answered(context, id, status);
        }
    }

    /// The socket is gone; `in_order` at the end of the run.
    pub fn ended(&mut self, context: &Context, in_order: bool) {
        for speaker in &mut self.speakers {
            speaker.lost(context);
        }
        if let (Some(listener), true) = (&self.listener, in_order) {
            listener.drained(context);
        }
    }

    /// The device lives no longer.
    pub fn finish(&mut self, context: &Context) {
        self.skip_due(context);
    }

    fn skip_due(&mut self, context: &Context) {
        if let Some(steady) = steady(context) {
            for speaker in &mut self.speakers {
                speaker.skip_due(context, steady);
            }
        }
    }
}

fn steady(context: &Context) -> Option<Instant> {
    *context.signals.steady.borrow()
}
