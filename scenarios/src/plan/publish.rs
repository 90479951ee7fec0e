//! Messages published to topics: the publisher and the due time of each, and its
//! subscribers.
//!
//! Message `k` of a load is due at `start + k / rate` and is sent by publisher `k` modulo the
//! number of publishers. A publisher keeps to one topic and a subscriber to one, each to its
//! own number modulo the number of topics. The plan alone says which messages a subscriber is
//! due to receive when.

use std::time::Duration;

use highwater_types::{Rate, duration};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

/// The placeholder for a topic's number in [`PublishLoad::topic`].
pub(crate) const TOPIC_NUMBER_PLACEHOLDER: &str = "{n}";

/// Messages published to topics in the steady phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishLoad {
    /// Name of the load.
    pub name: String,
    /// The topic; `{n}` stands for its number, from 0, where there are several.
    pub topic: String,
    /// Number of topics.
    pub topics: u64,
    /// Name of the pool whose devices subscribe, and publish with [`PublishFrom::Device`].
    pub pool: String,
    /// Number of its devices that subscribe: its first ones.
    pub subscribers: u64,
    /// The kind of publishers.
    pub from: PublishFrom,
    /// Whether a device that publishes and subscribes receives its own messages.
    #[serde(default)]
    pub own_messages: bool,
    /// Number of publishers; each sends a message when the last has its answer.
    pub publishers: u64,
    /// Messages per second over all publishers.
    pub rate: Rate,
    /// Length of a message's body, in bytes.
    pub size: u64,
    /// Time after which a message without an answer is `unconfirmed`.
    #[serde(with = "duration::millis")]
    pub timeout: Duration,
    /// Time at which the first message is due, from the start of the steady phase.
    #[serde(with = "duration::millis")]
    pub start: Duration,
    /// Time during which messages are due.
    #[serde(with = "duration::millis")]
    pub duration: Duration,
}

/// The kind of publishers.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum PublishFrom {
    /// Callers of the HTTP interface.
    Rest,
    /// The pool's first devices, on their own sockets.
    Device,
}

impl PublishLoad {
    /// Returns the topic that publisher or subscriber `number` keeps to.
    pub fn topic_of(&self, number: u64) -> String {
        self.topic.replace(
            TOPIC_NUMBER_PLACEHOLDER,
            &(number % self.topics).to_string(),
        )
    }

    /// Returns when message `index` of `publisher` is due, from the start of the steady
    /// phase.
    pub fn due(&self, publisher: u64, index: u64) -> Duration {
        self.start + self.rate.due(index * self.publishers + publisher)
    }

    /// Returns the number of messages of `publisher` that are due in all.
    pub fn messages_of(&self, publisher: u64) -> u64 {
        self.first_due(publisher, self.start + self.duration)
    }

    /// Returns the number of messages of all publishers.
    pub fn messages(&self) -> u64 {
        (0..self.publishers).map(|p| self.messages_of(p)).sum()
    }

    /// Returns the first message of `publisher` that is due at or after `at`, from the start
    /// of the steady phase.
    pub fn first_due(&self, publisher: u64, at: Duration) -> u64 {
        let since = at.saturating_sub(self.start).as_secs_f64();
        let all = since * self.rate.as_per_second();
        let estimate = ((all - publisher as f64) / self.publishers as f64).max(0.0) as u64;
        // The result is within one of the estimate, because due times are rounded to the
        // nanosecond.
        (estimate.saturating_sub(1)..)
            .find(|index| self.due(publisher, *index) >= at)
            .unwrap_or(estimate)
    }

    /// Returns the publishers whose messages a subscriber receives: those of its topic,
    /// except itself where it publishes too and gets none of its own.
    pub fn publishers_for(&self, subscriber: u64) -> impl Iterator<Item = u64> {
        let own = self.from == PublishFrom::Device && !self.own_messages;
        // A step beyond the address space yields the first element alone, which is right.
        let step = usize::try_from(self.topics).unwrap_or(usize::MAX);
        (subscriber % self.topics..self.publishers)
            .step_by(step)
            .filter(move |publisher| !(own && *publisher == subscriber))
    }

    /// Returns the number of subscribers that receive a message of `publisher`.
    pub fn receiver_count(&self, publisher: u64) -> u64 {
        let topic = publisher % self.topics;
        let in_topic =
            self.subscribers / self.topics + u64::from(topic < self.subscribers % self.topics);
        let own =
            self.from == PublishFrom::Device && !self.own_messages && publisher < self.subscribers;
        in_topic - u64::from(own)
    }

    /// Returns the number of sequences that subscribers follow: each subscriber follows every
    /// publisher of its topic, itself included.
    pub fn sequence_count(&self) -> u64 {
        let spread = |count: u64| (count / self.topics, count % self.topics);
        let ((subscribers, more), (publishers, others)) =
            (spread(self.subscribers), spread(self.publishers));
        // Topics below `more` have a subscriber more, those below `others` a publisher.
        // Saturating, because counts come from a file and only a size estimate is needed.
        let in_all = subscribers
            .saturating_mul(publishers)
            .saturating_mul(self.topics);
        in_all
            .saturating_add(subscribers.saturating_mul(others))
            .saturating_add(publishers.saturating_mul(more))
            .saturating_add(more.min(others))
    }

    /// Returns the deliveries per second over all subscribers.
    pub fn deliveries_per_s(&self) -> f64 {
        let receivers: u64 = (0..self.publishers).map(|p| self.receiver_count(p)).sum();
        self.rate.as_per_second() * receivers as f64 / self.publishers as f64
    }

    /// Returns the number of HTTP connections of its publishers.
    pub fn connections(&self) -> u64 {
        match self.from {
            PublishFrom::Rest => self.publishers,
            // Devices publish on the socket that they have anyway.
            PublishFrom::Device => 0,
        }
    }

    /// Returns the loads of a plan in which a device of `pool` takes part.
    pub fn roles_of_device<'p>(
        loads: &'p [PublishLoad],
        pool: &'p str,
        index: u64,
    ) -> impl Iterator<Item = DeviceRole<'p>> {
        loads
            .iter()
            .enumerate()
            .filter(move |(_, load)| load.pool == pool)
            .map(move |(load_index, load)| DeviceRole {
                load_index,
                load,
                subscribes: index < load.subscribers,
                publishes: load.from == PublishFrom::Device && index < load.publishers,
            })
            .filter(|role| role.subscribes || role.publishes)
    }
}

/// The part of one device in a load.
#[derive(Debug, Clone, Copy)]
pub struct DeviceRole<'p> {
    /// Number of the load in the plan.
    pub load_index: usize,
    /// The load.
    pub load: &'p PublishLoad,
    /// Whether it subscribes.
    pub subscribes: bool,
    /// Whether it publishes.
    pub publishes: bool,
}
