//! `[[commands]]`: HTTP command traffic.

use std::time::Duration;

use highwater_types::{
    Rate,
    duration::{HOUR, MILLISECOND, MINUTE},
};

use crate::{
    plan::{self, LoadModel, ReplyMode},
    value::{command_path, count, duration, name, rate, word},
};

section! {
    /// HTTP traffic in the steady phase: a command to a random connected device, and its
    /// reply.
    pub(crate) struct CommandSection = "[[commands]]";

    /// Name of the load and of the command that it sends.
    pub(crate) name: String = name(), numbered;

    /// Closed model: users who wait for the reply, think, and ask again. This or `rate`.
    pub(crate) users: u64 = count(1, 1_000_000), optional;

    /// Pause between a reply and the user's next command; users start spread over one such
    /// pause. Only with `users`.
    pub(crate) think: Duration = duration(Duration::ZERO, HOUR), default "5s";

    /// Open model: commands are due on a fixed schedule, whether or not earlier ones were
    /// answered. This or `users`.
    pub(crate) rate: Rate = rate(), optional;

    /// Most commands in flight over all workers; an arrival beyond that is dropped and
    /// counted. Only with `rate`.
    pub(crate) max_in_flight: u64 = count(1, 1_000_000), default "10000";

    /// Time after which an unanswered command is `timed_out`.
    timeout: Duration = duration(MILLISECOND, MINUTE.saturating_mul(10)), default "5s";

    /// The carrier of the reply. `rest`: the HTTP response is the reply. `sse`: the response
    /// is an event stream that carries it.
    reply: ReplyMode = word(), default "rest";

    /// Path below the HTTP base address; `{device}` stands for the device's id.
    pub(crate) path: String = command_path(), default "/devices/{device}/commands";
}

impl CommandSection {
    pub(crate) fn resolve(self) -> Option<plan::CommandLoad> {
        let model = match (self.users.value, self.rate.value) {
            (Some(users), None) => LoadModel::Closed {
                users,
                think: self.think.value?,
            },
            (None, Some(rate)) => LoadModel::Open {
                rate,
                max_in_flight: self.max_in_flight.value?,
            },
            // A rule reports both models and neither.
            _ => return None,
        };
        Some(plan::CommandLoad {
            name: self.name.value?,
            model,
            timeout: self.timeout.value?,
            reply: self.reply.value?,
            path: self.path.value?,
        })
    }
}
