//! `[[commands]]`: HTTP command traffic.

use std::time::Duration;

use highwater_types::{
    Rate,
    duration::{HOUR, MILLISECOND, MINUTE},
};

use super::{
    KeyPresence, KeySchema, ListSchema, Section, Spanned, TableReader, ValueType,
    address::DEVICE_PLACEHOLDER, choice::choices,
};
use crate::{
    diagnostic::DiagnosticSink,
    plan::{self, LoadModel, ReplyMode},
};

const NAME: KeySchema = KeySchema {
    name: "name",
    value_type: ValueType::Name,
    presence: KeyPresence::Optional,
    about: "Name of the load and of the command it sends. Without it `commands-1`, `commands-2`, … by its place in the file.",
};

const USERS: KeySchema = KeySchema {
    name: "users",
    value_type: ValueType::Count {
        min: 1,
        max: 1_000_000,
    },
    presence: KeyPresence::Optional,
    about: "Closed model: users who wait for the reply, think, and ask again. This or `rate`.",
};

const THINK: KeySchema = KeySchema {
    name: "think",
    value_type: ValueType::Duration {
        min: Duration::ZERO,
        max: HOUR,
    },
    presence: KeyPresence::Default("5s"),
    about: "Pause between a reply and the user's next command; users start spread over one such pause. Only with `users`.",
};

const RATE: KeySchema = KeySchema {
    name: "rate",
    value_type: ValueType::Rate,
    presence: KeyPresence::Optional,
    about: "Open model: commands are due on a fixed schedule, whether or not earlier ones were answered. This or `users`.",
};

const MAX_IN_FLIGHT: KeySchema = KeySchema {
    name: "max_in_flight",
    value_type: ValueType::Count {
        min: 1,
        max: 1_000_000,
    },
    presence: KeyPresence::Default("10000"),
    about: "Most commands in flight over all workers; an arrival beyond that is dropped and counted. Only with `rate`.",
};

const TIMEOUT: KeySchema = KeySchema {
    name: "timeout",
    value_type: ValueType::Duration {
        min: MILLISECOND,
        max: MINUTE.saturating_mul(10),
    },
    presence: KeyPresence::Default("5s"),
    about: "After this an unanswered command is `timed_out`.",
};

const REPLY: KeySchema = KeySchema {
    name: "reply",
    value_type: ValueType::Choice(choices::<ReplyMode>),
    presence: KeyPresence::Default("rest"),
    about: "`rest`: the HTTP response is the reply. `sse`: the response is an event stream that carries it.",
};

const PATH: KeySchema = KeySchema {
    name: "path",
    value_type: ValueType::CommandPath,
    presence: KeyPresence::Default("/devices/{device}/commands"),
    about: "Path below the HTTP base address; `{device}` stands for the device's id.",
};

pub(crate) static SECTION: Section = Section {
    header: "[[commands]]",
    about: "HTTP traffic in the steady phase: a command to a random connected device, and its reply.",
    keys: &[
        NAME,
        USERS,
        THINK,
        RATE,
        MAX_IN_FLIGHT,
        TIMEOUT,
        REPLY,
        PATH,
    ],
};

pub(crate) static LIST: ListSchema = ListSchema {
    key: "commands",
    noun: "command load",
    auto_named: true,
    section: &SECTION,
};

/// A load whose values are each valid.
#[derive(Debug)]
pub(crate) struct CommandSection {
    pub(crate) name: Spanned<String>,
    users: Option<Spanned<u64>>,
    think: Option<Spanned<Duration>>,
    rate: Option<Spanned<Rate>>,
    max_in_flight: Option<Spanned<u64>>,
    timeout: Option<Spanned<Duration>>,
    reply: Option<Spanned<ReplyMode>>,
    path: Option<Spanned<String>>,
}

impl CommandSection {
    pub(crate) fn read(
        index: usize,
        fields: &TableReader<'_>,
        findings: &mut DiagnosticSink,
    ) -> Self {
        check_model(fields, findings);
        let load = Self {
            name: fields.read(&NAME, findings).unwrap_or_else(|| Spanned {
                value: format!("{}-{}", LIST.key, index + 1),
                location: fields.location_of(&NAME),
            }),
            users: fields.read(&USERS, findings),
            think: fields.read(&THINK, findings),
            rate: fields.read(&RATE, findings),
            max_in_flight: fields.read(&MAX_IN_FLIGHT, findings),
            timeout: fields.read(&TIMEOUT, findings),
            reply: fields.read(&REPLY, findings),
            path: fields.read(&PATH, findings),
        };
        if let Some(path) = &load.path
            && !path.value.contains(DEVICE_PLACEHOLDER)
        {
            let finding = path.location.diagnostic("a path that names no device");
            findings.add(finding.expected("a path with `{device}` in it"));
        }
        load
    }

    pub(crate) fn resolve(self) -> Option<plan::CommandLoad> {
        let model = match (self.users, self.rate) {
            (Some(users), None) => LoadModel::Closed {
                users: users.value,
                think: self.think?.value,
            },
            (None, Some(rate)) => LoadModel::Open {
                rate: rate.value,
                max_in_flight: self.max_in_flight?.value,
            },
            _ => return None,
        };
        Some(plan::CommandLoad {
            name: self.name.value,
            model,
            timeout: self.timeout?.value,
            reply: self.reply?.value,
            path: self.path?.value,
        })
    }
}

/// One of the two models, and none of the other's keys.
fn check_model(fields: &TableReader<'_>, findings: &mut DiagnosticSink) {
    const EITHER: &str = "`users` (closed model) or `rate` (open model)";
    match (fields.has(&USERS), fields.has(&RATE)) {
        (true, true) => {
            let finding = fields
                .location_of(&RATE)
                .diagnostic("both `users` and `rate`");
            findings.add(
                finding
                    .expected(EITHER)
                    .hint("write two [[commands]] to have both"),
            );
        }
        (false, false) => {
            let finding = fields.location().missing("neither `users` nor `rate`");
            findings.add(finding.expected(EITHER));
        }
        (false, true) if fields.has(&THINK) => {
            let finding = fields
                .location_of(&THINK)
                .diagnostic("a think time without users");
            findings.add(finding.expected("`think` beside `users`"));
        }
        (true, false) if fields.has(&MAX_IN_FLIGHT) => {
            let finding = fields
                .location_of(&MAX_IN_FLIGHT)
                .diagnostic("a limit for arrivals without a rate");
            let hint = "each user has at most one command in flight";
            findings.add(finding.expected("`max_in_flight` beside `rate`").hint(hint));
        }
        _ => {}
    }
}
