//! Messages published to topics: who sends which when, and who hears it.
//!
//! Message `k` of a load is due at `start + k / rate` and is sent by publisher
//! `k` modulo the number of publishers; a publisher keeps to one topic and a
//! subscriber to one, each to its own number modulo the number of topics. So
//! anybody can tell from the plan alone what was to be heard when.

use std::time::Duration;

use highwater_types::{Rate, duration};
use serde::{Deserialize, Serialize};

/// What stands for a topic's number in [`PublishLoad::topic`].
pub(crate) const TOPIC_NUMBER_PLACEHOLDER: &str = "{n}";

/// Messages published to topics in the steady phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishLoad {
    /// Name of the load.
    pub name: String,
    /// The topic; `{n}` stands for its number, from 0, where there are several.
    pub topic: String,
    /// How many topics.
    pub topics: u64,
    /// Name of the pool whose devices subscribe, and publish where they do.
    pub pool: String,
    /// How many of its devices subscribe: its first ones.
    pub subscribers: u64,
    /// Who publishes.
    pub from: PublishFrom,
    /// How many publishers; each sends a message when the last has its answer.
    pub publishers: u64,
    /// Messages per second over all publishers.
    pub rate: Rate,
    /// Length of a message's body, in bytes.
    pub size: u64,
    /// After this a message without an answer is `unconfirmed`.
    #[serde(with = "duration::millis")]
    pub timeout: Duration,
    /// When the first message is due, from the start of the steady phase.
    #[serde(with = "duration::millis")]
    pub start: Duration,
    /// Messages are due for this long.
    #[serde(with = "duration::millis")]
    pub duration: Duration,
}

/// Who publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PublishFrom {
    /// Callers of the HTTP interface.
    Rest,
    /// The pool's first devices, on their own sockets.
    Device,
}

impl PublishLoad {
    /// The topic that publisher or subscriber `number` keeps to.
    pub fn topic_of(&self, number: u64) -> String {
        self.topic.replace(
            TOPIC_NUMBER_PLACEHOLDER,
            &(number % self.topics).to_string(),
        )
    }

    /// When message `index` of `publisher` is due, from the start of the steady
    /// phase.
    pub fn due(&self, publisher: u64, index: u64) -> Duration {
        self.start + self.rate.due(index * self.publishers + publisher)
    }

    /// How many messages of `publisher` are due in all.
    pub fn messages_of(&self, publisher: u64) -> u64 {
        self.first_due(publisher, self.start + self.duration)
    }

    /// Messages of all publishers.
    pub fn messages(&self) -> u64 {
        (0..self.publishers).map(|p| self.messages_of(p)).sum()
    }

    /// The first message of `publisher` that is due at or after `at`, from the
    /// start of the steady phase.
    pub fn first_due(&self, publisher: u64, at: Duration) -> u64 {
        let since = at.saturating_sub(self.start).as_secs_f64();
        let all = since * self.rate.as_per_second();
        let estimate = ((all - publisher as f64) / self.publishers as f64).max(0.0) as u64;
        // Within one of it: due times are rounded to the nanosecond.
        (estimate.saturating_sub(1)..)
            .find(|index| self.due(publisher, *index) >= at)
            .unwrap_or(estimate)
    }

    /// The publishers whose messages a subscriber of the same topic hears, of
    /// all but itself where it publishes too.
    pub fn publishers_for(&self, subscriber: u64) -> impl Iterator<Item = u64> {
        let own = self.from == PublishFrom::Device;
        let step = usize::try_from(self.topics).unwrap_or(usize::MAX);
        (subscriber % self.topics..self.publishers)
            .step_by(step)
            .filter(move |publisher| !(own && *publisher == subscriber))
    }

    /// Subscribers that hear a message of `publisher`.
    pub fn receiver_count(&self, publisher: u64) -> u64 {
        let topic = publisher % self.topics;
        let in_topic =
            self.subscribers / self.topics + u64::from(topic < self.subscribers % self.topics);
        let own = self.from == PublishFrom::Device && publisher < self.subscribers;
        in_topic - u64::from(own)
    }

    /// Subscribers times the publishers of their topic, themselves included: each
    /// subscriber follows the sequence of each.
    pub fn sequence_count(&self) -> u64 {
        let spread = |count: u64| (count / self.topics, count % self.topics);
        let ((subscribers, more), (publishers, others)) =
            (spread(self.subscribers), spread(self.publishers));
        // Topics below `more` have a subscriber more, those below `others` a publisher.
        let in_all = subscribers
            .saturating_mul(publishers)
            .saturating_mul(self.topics);
        in_all
            .saturating_add(subscribers.saturating_mul(others))
            .saturating_add(publishers.saturating_mul(more))
            .saturating_add(more.min(others))
    }

    /// Deliveries per second over all subscribers.
    pub fn deliveries_per_s(&self) -> f64 {
        let hearers: u64 = (0..self.publishers).map(|p| self.receiver_count(p)).sum();
        self.rate.as_per_second() * hearers as f64 / self.publishers as f64
    }

    /// HTTP connections of its publishers.
    pub fn connections(&self) -> u64 {
        match self.from {
            PublishFrom::Rest => self.publishers,
            PublishFrom::Device => 0,
        }
    }

    /// The loads of a plan by what a device of `pool` does in them.
    pub fn roles_of_device<'p>(
        loads: &'p [PublishLoad],
        pool: &'p str,
        index: u64,
    ) -> impl Iterator<Item = DeviceRole<'p>> {
        loads
            .iter()
            .enumerate()
            .filter(move |(_, load)| load.pool == pool)
            .map(move |(number, load)| DeviceRole {
                load_index: number,
                load,
                subscribes: index < load.subscribers,
                publishes: load.from == PublishFrom::Device && index < load.publishers,
            })
            .filter(|part| part.subscribes || part.publishes)
    }
}

/// What one device does in a load.
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
