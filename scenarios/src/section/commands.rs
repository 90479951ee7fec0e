//! `[[commands]]`: HTTP command traffic.

use std::time::Duration;

use highwater_types::{
    Rate,
    duration::{HOUR, MILLISECOND, MINUTE},
};

use super::ModelKeys;
use crate::{
    diagnostic::ValueLocation,
    frames::CommandTexts,
    plan::{self, CommandMethod, HttpHeader, MatchSpec, ReplyMode},
    value::{
        command_path, count, duration, matcher, name, rate, reply, request_headers, statuses,
        template, word,
    },
};

section! {
    /// HTTP traffic in the steady phase: a command to a random connected device, and its
    /// reply.
    pub(crate) struct CommandSection = "[[commands]]";

    /// Name of the load and of the command that it sends.
    pub(crate) name: String = name(), numbered;

    /// The pool of devices that get the commands. Without it those of all pools.
    pub(crate) pool: String = name(), optional;

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
    /// is an event stream that carries it. A table with `frame`: the reply comes as a frame on
    /// the device's own socket, told by its `{nonce}`, and the response must be as expected.
    pub(crate) reply: ReplyMode = reply(), default "rest";

    /// Path below the HTTP base address. `{device}` stands for the device's id; the other
    /// placeholders of frames are known too.
    pub(crate) path: String = command_path(), default "/devices/{device}/commands";

    /// Method of the request. This and the keys below need the `plain` dialect.
    pub(crate) method: CommandMethod = word(), default "POST";

    /// Body of the request, with placeholders. Without it the command's name and nonce as JSON,
    /// and none with `GET` and `DELETE`.
    pub(crate) body: String = template(), optional;

    /// Header fields of the request, whose values have placeholders. A body that is JSON needs
    /// no `Content-Type`.
    pub(crate) headers: Vec<HttpHeader> = request_headers(), optional;

    /// The status of a response that is as expected, or a list of them. Without it every 2xx.
    pub(crate) expect: Vec<u16> = statuses(), optional;

    /// The body of a response that is as expected. Any other body is a `wrong_reply`.
    pub(crate) expect_body: MatchSpec = matcher(), optional;
}

impl CommandSection {
    pub(crate) fn model_keys(&self) -> ModelKeys<'_> {
        ModelKeys {
            users: &self.users,
            think: &self.think,
            rate: &self.rate,
            max_in_flight: &self.max_in_flight,
        }
    }

    /// Returns the place of the first key that says what a request or its answer is, instead
    /// of the dialect.
    pub(crate) fn request_location(&self) -> Option<&ValueLocation> {
        let reply = matches!(self.reply.value, Some(ReplyMode::Frame(_)));
        [
            (self.method.is_written, &self.method.location),
            (self.body.is_written, &self.body.location),
            (self.headers.is_written, &self.headers.location),
            (self.expect.is_written, &self.expect.location),
            (self.expect_body.is_written, &self.expect_body.location),
            (reply, &self.reply.location),
        ]
        .into_iter()
        .find_map(|(is_written, location)| is_written.then_some(location))
    }

    /// Returns the texts to compile; `None` without a valid path. Other texts that could not be
    /// read are reported, and left out.
    pub(crate) fn texts(&self) -> Option<CommandTexts<'_>> {
        Some(CommandTexts {
            path: self.path.value.as_ref()?,
            body: match &self.body.value {
                Some(body) => Some(body),
                None => self.method.value.and_then(CommandMethod::default_body),
            },
            headers: self.headers.value.as_deref().unwrap_or_default(),
            expect_body: self.expect_body.value.as_ref(),
            reply: self.reply.value.as_ref().and_then(ReplyMode::frame),
        })
    }

    pub(crate) fn resolve(self) -> Option<plan::CommandLoad> {
        let model = self.model_keys().resolve()?;
        Some(plan::CommandLoad {
            name: self.name.value?,
            pool: self.pool.value,
            model,
            timeout: self.timeout.value?,
            reply: self.reply.value?,
            path: self.path.value?,
            body: match (self.body.value, self.method.value?) {
                (Some(body), _) => Some(body),
                (None, method) => method.default_body().map(str::to_owned),
            },
            method: self.method.value?,
            headers: self.headers.value.unwrap_or_default(),
            expect: self.expect.value.unwrap_or_default(),
            expect_body: self.expect_body.value,
        })
    }
}
