//! `[[messages]]`: messages that devices send over their own sockets.

use std::time::Duration;

use highwater_types::{
    Rate,
    duration::{DAY, HOUR, MILLISECOND, MINUTE},
};

use super::ModelKeys;
use crate::{
    plan::{self, FrameSpec, MatchSpec},
    value::{count, duration, frame, matcher, name, rate},
};

section! {
    /// Messages that devices send over their own sockets in the steady phase, and the frames
    /// that answer them: a message of a random connected device of the pool, matched to its
    /// answer. Needs the `plain` dialect. The metrics are called `exchanges`.
    pub(crate) struct MessageSection = "[[messages]]";

    /// Name of the load.
    pub(crate) name: String = name(), numbered;

    /// The pool of devices that send. Without it the only pool.
    pub(crate) pool: String = name(), optional;

    /// Closed model: users who wait for the answer, think, and send again. This or `rate`.
    pub(crate) users: u64 = count(1, 1_000_000), optional;

    /// Pause between an answer and the user's next message; users start spread over one such
    /// pause. Only with `users`.
    pub(crate) think: Duration = duration(Duration::ZERO, HOUR), default "5s";

    /// Open model: messages are due on a fixed schedule, whether or not earlier ones were
    /// answered. This or `users`.
    pub(crate) rate: Rate = rate(), optional;

    /// Most messages in flight over all workers; an arrival beyond that is dropped and
    /// counted. Only with `rate`.
    pub(crate) max_in_flight: u64 = count(1, 1_000_000), default "10000";

    /// The frame to send. `{ref}` is a number that the socket counts, `{nonce}` a random text;
    /// either tells the answer to this message from others.
    pub(crate) send: FrameSpec = frame(), required;

    /// The answer. With `{ref}` or `{nonce}` in it, a device may have several messages in
    /// flight. Without either, it has at most one, which the next such frame answers. Without
    /// `expect`, messages are sent and nothing is awaited.
    pub(crate) expect: MatchSpec = matcher(), optional;

    /// The answer of a system that rejects the message, with the same `{ref}` or `{nonce}` as
    /// `expect`.
    pub(crate) reject: MatchSpec = matcher(), optional;

    /// Time after which an unanswered message is `timed_out`.
    pub(crate) timeout: Duration =
        duration(MILLISECOND, MINUTE.saturating_mul(10)), default "5s";

    /// Time at which the first message is due, from the start of the steady phase.
    pub(crate) start: Duration = duration(Duration::ZERO, DAY.saturating_mul(30)), default "0s";

    /// Time during which messages are due. Without it to the end of the steady phase.
    pub(crate) duration: Duration = duration(MILLISECOND, DAY.saturating_mul(30)), optional;
}

impl MessageSection {
    pub(crate) fn model_keys(&self) -> ModelKeys<'_> {
        ModelKeys {
            users: &self.users,
            think: &self.think,
            rate: &self.rate,
            max_in_flight: &self.max_in_flight,
        }
    }

    /// Resolves the load; `pools` are the plan's pools, `end` the end of the steady phase.
    pub(crate) fn resolve(
        self,
        pools: &[plan::DevicePool],
        end: Duration,
    ) -> Option<plan::MessageLoad> {
        let pool = plan::find_pool(pools, self.pool.value.as_deref())?;
        let model = self.model_keys().resolve()?;
        let start = self.start.value?;
        Some(plan::MessageLoad {
            name: self.name.value?,
            pool: pool.name.clone(),
            devices: pool.count,
            model,
            send: self.send.value?,
            expect: self.expect.value,
            reject: self.reject.value,
            timeout: self.timeout.value?,
            start,
            // A start after the end is a problem of its own, which a rule reports.
            duration: self.duration.value.unwrap_or(end.saturating_sub(start)),
        })
    }
}
