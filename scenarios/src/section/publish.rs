//! `[[publish]]`: messages to topics.

use std::time::Duration;

use highwater_types::{
    Rate,
    duration::{DAY, MILLISECOND, MINUTE},
};

use crate::{
    plan::{self, Dialect, PublishFrom, TOPIC_NUMBER_PLACEHOLDER},
    value::{count, duration, name, rate, size, topic_name, word},
};

section! {
    /// Messages to topics in the steady phase, and the devices that receive them. Each message
    /// carries its publisher's number, its place in the sequence and the time at which it was
    /// due, so that every subscriber sees what is lost, comes twice or comes out of order.
    /// `docs/run-record.md` says from when a subscription counts. The metrics are called
    /// `messages`.
    pub(crate) struct PublishSection = "[[publish]]";

    /// Name of the load.
    pub(crate) name: String = name(), numbered;

    /// The topic; `{n}` stands for its number, from 0, where there are several. Without it the
    /// load's name, with `-{n}` behind it where there are several. In the dialect `stomp` it is a
    /// destination, such as `/topic/chat-{n}`, and without it `/topic/` stands before the name.
    pub(crate) topic: String = topic_name(), optional;

    /// Number of topics. Each subscriber and each publisher keeps to one topic: that of its
    /// own number modulo this.
    pub(crate) topics: u64 = count(1, 100_000), default "1";

    /// The pool of devices that subscribe, and that publish with `from = "device"`. Without it
    /// the only pool.
    pub(crate) pool: String = name(), optional;

    /// Number of the pool's devices that subscribe: its first ones. Without it all of them.
    pub(crate) subscribers: u64 = count(1, 10_000_000), optional;

    /// The publishers. `rest`: HTTP callers. `device`: the pool's first devices, on their own
    /// sockets; they receive none of their own messages, except in the dialect `stomp`, which
    /// needs `device`.
    pub(crate) from: PublishFrom = word(), default "rest";

    /// Number of publishers, which take turns. Each sends its next message when the last has
    /// its answer. Without it one for each topic.
    pub(crate) publishers: u64 = count(1, 1_000_000), optional;

    /// Messages published per second, over all publishers; they are due on a fixed schedule.
    rate: Rate = rate(), required;

    /// Length of a message's body. The data that tells messages apart takes 96 bytes of it.
    // With its envelope a message must stay below the 64 KiB that a node accepts.
    size: u64 = size(96, 48 * 1024), default "128B";

    /// Time after which a message without an answer to its publication is `unconfirmed`.
    timeout: Duration = duration(MILLISECOND, MINUTE.saturating_mul(10)), default "5s";

    /// Time at which the first message is due, from the start of the steady phase.
    pub(crate) start: Duration = duration(Duration::ZERO, DAY.saturating_mul(30)), default "0s";

    /// Time during which messages are due. Without it to the end of the steady phase.
    pub(crate) duration: Duration = duration(MILLISECOND, DAY.saturating_mul(30)), optional;
}

impl PublishSection {
    /// Resolves the load; `pools` are the plan's pools, `dialect` is the system's, `end` the end
    /// of the steady phase.
    pub(crate) fn resolve(
        self,
        pools: &[plan::DevicePool],
        dialect: Dialect,
        end: Duration,
    ) -> Option<plan::PublishLoad> {
        let pool = plan::find_pool(pools, self.pool.value.as_deref())?;
        let name = self.name.value?;
        let features = dialect.features();
        let prefix = features.topic_prefix;
        let topics = self.topics.value?;
        let start = self.start.value?;
        Some(plan::PublishLoad {
            topic: match self.topic.value {
                Some(topic) => topic,
                // Several topics of one name would be one topic.
                None if topics > 1 => format!("{prefix}{name}-{TOPIC_NUMBER_PLACEHOLDER}"),
                None => format!("{prefix}{name}"),
            },
            topics,
            pool: pool.name.clone(),
            subscribers: self.subscribers.value.unwrap_or(pool.count),
            from: self.from.value?,
            own_messages: features.own_messages,
            publishers: self.publishers.value.unwrap_or(topics),
            rate: self.rate.value?,
            size: self.size.value?,
            timeout: self.timeout.value?,
            start,
            // A start after the end is a problem of its own, which a rule reports.
            duration: self.duration.value.unwrap_or(end.saturating_sub(start)),
            name,
        })
    }
}
