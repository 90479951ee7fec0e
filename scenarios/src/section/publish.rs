//! `[[publish]]`: messages to topics.

use std::time::Duration;

use super::{At, Fields, Form, Key, List, Presence, Section, choice::words};
use crate::{
    diagnostic::Findings,
    format::{DAY, MILLISECOND, MINUTE},
    plan::{self, NUMBER, PublishFrom},
    units::Rate,
};

const NAME: Key = Key {
    name: "name",
    form: Form::Name,
    presence: Presence::Optional,
    about: "Name of the load. Without it `publish-1`, `publish-2`, … by its place in the file.",
};

const TOPIC: Key = Key {
    name: "topic",
    form: Form::Topic,
    presence: Presence::Optional,
    about: "The topic; `{n}` stands for its number, from 0, where there are several. Without it the load's name, with `-{n}` behind it where there are several.",
};

const TOPICS: Key = Key {
    name: "topics",
    form: Form::Count {
        least: 1,
        most: 100_000,
    },
    presence: Presence::Default("1"),
    about: "How many topics. A subscriber hears one and a publisher sends to one: each the one of its own number modulo this.",
};

const POOL: Key = Key {
    name: "pool",
    form: Form::Name,
    presence: Presence::Optional,
    about: "The pool of devices that subscribe, and that publish with `from = \"device\"`. Without it the only pool.",
};

const SUBSCRIBERS: Key = Key {
    name: "subscribers",
    form: Form::Count {
        least: 1,
        most: 10_000_000,
    },
    presence: Presence::Optional,
    about: "How many of the pool's devices subscribe: its first ones. Without it all of them.",
};

const FROM: Key = Key {
    name: "from",
    form: Form::Choice(words::<PublishFrom>),
    presence: Presence::Default("rest"),
    about: "`rest`: HTTP callers publish. `device`: the pool's first devices do, on their own sockets, and hear nothing of their own.",
};

const PUBLISHERS: Key = Key {
    name: "publishers",
    form: Form::Count {
        least: 1,
        most: 1_000_000,
    },
    presence: Presence::Optional,
    about: "How many publishers take turns. Each sends its next message when the last has its answer. Without it one for each topic.",
};

const RATE: Key = Key {
    name: "rate",
    form: Form::Rate,
    presence: Presence::Required,
    about: "Messages published per second, over all publishers; they are due on a fixed schedule.",
};

const SIZE: Key = Key {
    name: "size",
    form: Form::Size {
        least: 96,
        most: 48 * 1024,
    },
    presence: Presence::Default("128B"),
    about: "Length of a message's body. What tells messages apart takes 96 bytes of it.",
};

const TIMEOUT: Key = Key {
    name: "timeout",
    form: Form::Duration {
        least: MILLISECOND,
        most: MINUTE.saturating_mul(10),
    },
    presence: Presence::Default("5s"),
    about: "After this a message whose publication is not answered is `unconfirmed`.",
};

const START: Key = Key {
    name: "start",
    form: Form::Duration {
        least: Duration::ZERO,
        most: DAY.saturating_mul(30),
    },
    presence: Presence::Default("0s"),
    about: "When the first message is due, from the start of the steady phase.",
};

const DURATION: Key = Key {
    name: "duration",
    form: Form::Duration {
        least: MILLISECOND,
        most: DAY.saturating_mul(30),
    },
    presence: Presence::Optional,
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

pub(crate) static LIST: List = List {
    key: "publish",
    noun: "publish load",
    numbered: true,
    section: &SECTION,
};

/// A load whose values are each valid.
#[derive(Debug)]
pub(crate) struct Publish {
    pub(crate) name: At<String>,
    pub(crate) topic: Option<At<String>>,
    pub(crate) topics: Option<At<u64>>,
    pub(crate) pool: Option<At<String>>,
    pub(crate) subscribers: Option<At<u64>>,
    pub(crate) from: Option<At<PublishFrom>>,
    pub(crate) publishers: Option<At<u64>>,
    rate: Option<At<Rate>>,
    size: Option<At<u64>>,
    timeout: Option<At<Duration>>,
    pub(crate) start: Option<At<Duration>>,
    pub(crate) duration: Option<At<Duration>>,
    /// Whether a pool is named, readable or not.
    pub(crate) has_pool: bool,
}

impl Publish {
    pub(crate) fn read(index: usize, fields: &Fields<'_>, findings: &mut Findings) -> Self {
        let load = Self {
            name: fields.read(&NAME, findings).unwrap_or_else(|| At {
                value: format!("{}-{}", LIST.key, index + 1),
                spot: fields.spot_of(&NAME),
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
                None if topics > 1 => format!("{name}-{NUMBER}"),
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
    fn check_topic(&self, findings: &mut Findings) {
        let (Some(topic), Some(topics)) = (&self.topic, &self.topics) else {
            return;
        };
        let numbered = topic.value.contains(NUMBER);
        if topics.value > 1 && !numbered {
            let finding = topic.spot.finding("one name for several topics");
            findings.add(finding.accepted("a topic with `{n}` in it, such as \"room-{n}\""));
        }
    }
}
