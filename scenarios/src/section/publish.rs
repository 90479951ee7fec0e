//! `[[publish]]`: messages to topics.

use std::time::Duration;

use highwater_types::{
    Rate,
    duration::{DAY, MILLISECOND, MINUTE},
};

use super::{
    KeyPresence, KeySchema, ListSchema, Section, Spanned, TableReader, ValueType, choice::choices,
};
use crate::{
    diagnostic::DiagnosticSink,
    plan::{self, PublishFrom, TOPIC_NUMBER_PLACEHOLDER},
};

const NAME: KeySchema = KeySchema {
    name: "name",
    value_type: ValueType::Name,
    presence: KeyPresence::Optional,
    about: "Name of the load. Without it `publish-1`, `publish-2`, … by its place in the file.",
};

const TOPIC: KeySchema = KeySchema {
    name: "topic",
    value_type: ValueType::TopicName,
    presence: KeyPresence::Optional,
    about: "The topic; `{n}` stands for its number, from 0, where there are several. Without it the load's name, with `-{n}` behind it where there are several.",
};

const TOPICS: KeySchema = KeySchema {
    name: "topics",
    value_type: ValueType::Count {
        min: 1,
        max: 100_000,
    },
    presence: KeyPresence::Default("1"),
    about: "How many topics. A subscriber hears one and a publisher sends to one: each the one of its own number modulo this.",
};

const POOL: KeySchema = KeySchema {
    name: "pool",
    value_type: ValueType::Name,
    presence: KeyPresence::Optional,
    about: "The pool of devices that subscribe, and that publish with `from = \"device\"`. Without it the only pool.",
};

const SUBSCRIBERS: KeySchema = KeySchema {
    name: "subscribers",
    value_type: ValueType::Count {
        min: 1,
        max: 10_000_000,
    },
    presence: KeyPresence::Optional,
    about: "How many of the pool's devices subscribe: its first ones. Without it all of them.",
};

const FROM: KeySchema = KeySchema {
    name: "from",
    value_type: ValueType::Choice(choices::<PublishFrom>),
    presence: KeyPresence::Default("rest"),
    about: "`rest`: HTTP callers publish. `device`: the pool's first devices do, on their own sockets, and hear nothing of their own.",
};

const PUBLISHERS: KeySchema = KeySchema {
    name: "publishers",
    value_type: ValueType::Count {
        min: 1,
        max: 1_000_000,
    },
    presence: KeyPresence::Optional,
    about: "How many publishers take turns. Each sends its next message when the last has its answer. Without it one for each topic.",
};

const RATE: KeySchema = KeySchema {
    name: "rate",
    value_type: ValueType::Rate,
    presence: KeyPresence::Required,
    about: "Messages published per second, over all publishers; they are due on a fixed schedule.",
};

const SIZE: KeySchema = KeySchema {
    name: "size",
    value_type: ValueType::Size {
        min: 96,
        max: 48 * 1024,
    },
    presence: KeyPresence::Default("128B"),
    about: "Length of a message's body. What tells messages apart takes 96 bytes of it.",
};

const TIMEOUT: KeySchema = KeySchema {
    name: "timeout",
    value_type: ValueType::Duration {
        min: MILLISECOND,
        max: MINUTE.saturating_mul(10),
    },
    presence: KeyPresence::Default("5s"),
    about: "After this a message whose publication is not answered is `unconfirmed`.",
};

const START: KeySchema = KeySchema {
    name: "start",
    value_type: ValueType::Duration {
        min: Duration::ZERO,
        max: DAY.saturating_mul(30),
    },
    presence: KeyPresence::Default("0s"),
    about: "When the first message is due, from the start of the steady phase.",
};

const DURATION: KeySchema = KeySchema {
    name: "duration",
    value_type: ValueType::Duration {
        min: MILLISECOND,
        max: DAY.saturating_mul(30),
    },
    presence: KeyPresence::Optional,
    about: "For how long messages are due. Without it to the end of the steady phase.",
};

pub(crate) static SECTION: Section = Section {
    header: "[[publish]]",
    about: "Messages to topics in the steady phase, and the devices that hear them. Each message carries its publisher's number, its place in the sequence and when it was due, so that every subscriber sees what is lost, comes twice or comes out of order. `docs/run-record.md` says from when a subscription counts.",
    keys: &[
        NAME,
        TOPIC,
        TOPICS,
        POOL,
        SUBSCRIBERS,
        FROM,
        PUBLISHERS,
        RATE,
        SIZE,
        TIMEOUT,
        START,
        DURATION,
    ],
};

pub(crate) static LIST: ListSchema = ListSchema {
    key: "publish",
    noun: "publish load",
    auto_named: true,
    section: &SECTION,
};

/// A load whose values are each valid.
#[derive(Debug)]
pub(crate) struct PublishSection {
    pub(crate) name: Spanned<String>,
    pub(crate) topic: Option<Spanned<String>>,
    pub(crate) topics: Option<Spanned<u64>>,
    pub(crate) pool: Option<Spanned<String>>,
    pub(crate) subscribers: Option<Spanned<u64>>,
    pub(crate) from: Option<Spanned<PublishFrom>>,
    pub(crate) publishers: Option<Spanned<u64>>,
    rate: Option<Spanned<Rate>>,
    size: Option<Spanned<u64>>,
    timeout: Option<Spanned<Duration>>,
    pub(crate) start: Option<Spanned<Duration>>,
    pub(crate) duration: Option<Spanned<Duration>>,
    /// Whether a pool is named, readable or not.
    pub(crate) has_pool: bool,
}

impl PublishSection {
    pub(crate) fn read(
        index: usize,
        fields: &TableReader<'_>,
        findings: &mut DiagnosticSink,
    ) -> Self {
        let load = Self {
            name: fields.read(&NAME, findings).unwrap_or_else(|| Spanned {
                value: format!("{}-{}", LIST.key, index + 1),
                location: fields.location_of(&NAME),
            }),
            topic: fields.read(&TOPIC, findings),
            topics: fields.read(&TOPICS, findings),
            pool: fields.read(&POOL, findings),
            subscribers: fields.read(&SUBSCRIBERS, findings),
            from: fields.read(&FROM, findings),
            publishers: fields.read(&PUBLISHERS, findings),
            rate: fields.read(&RATE, findings),
            size: fields.read(&SIZE, findings),
            timeout: fields.read(&TIMEOUT, findings),
            start: fields.read(&START, findings),
            duration: fields.read(&DURATION, findings),
            has_pool: fields.has(&POOL),
        };
        load.check_topic(findings);
        load
    }

    /// The load; `pools` are the plan's pools, `end` the steady phase's.
    pub(crate) fn resolve(
        self,
        pools: &[plan::DevicePool],
        end: Duration,
    ) -> Option<plan::PublishLoad> {
        let pool = match &self.pool {
            Some(name) => pools.iter().find(|pool| pool.name == name.value)?,
            None => pools.first()?,
        };
        let topics = self.topics?.value;
        let start = self.start?.value;
        let name = self.name.value;
        Some(plan::PublishLoad {
            topic: match self.topic {
                Some(topic) => topic.value,
                None if topics > 1 => format!("{name}-{TOPIC_NUMBER_PLACEHOLDER}"),
                None => name.clone(),
            },
            topics,
            pool: pool.name.clone(),
            subscribers: self.subscribers.map_or(pool.count, |at| at.value),
            from: self.from?.value,
            publishers: self.publishers.map_or(topics, |at| at.value),
            rate: self.rate?.value,
            size: self.size?.value,
            timeout: self.timeout?.value,
            start,
            duration: match self.duration {
                Some(duration) => duration.value,
                None => end.saturating_sub(start),
            },
            name,
        })
    }

    /// Several topics need a number in their name, one needs none.
    fn check_topic(&self, findings: &mut DiagnosticSink) {
        let (Some(topic), Some(topics)) = (&self.topic, &self.topics) else {
            return;
        };
        let numbered = topic.value.contains(TOPIC_NUMBER_PLACEHOLDER);
        if topics.value > 1 && !numbered {
            let finding = topic.location.diagnostic("one name for several topics");
            findings.add(finding.expected("a topic with `{n}` in it, such as \"room-{n}\""));
        }
    }
}
