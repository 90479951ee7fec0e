//! `[[commands]]`: HTTP command traffic.

use std::time::Duration;

use super::{At, Fields, Form, Key, List, Presence, Section, address::DEVICE, choice::words};
use crate::{
    diagnostic::Findings,
    format::{HOUR, MILLISECOND, MINUTE},
    plan::{self, LoadModel, Reply},
    units::Rate,
};

const NAME: Key = Key {
    name: "name",
    form: Form::Name,
    presence: Presence::Optional,
    about: "Name of the load and of the command it sends. Without it `commands-1`, `commands-2`, … by its place in the file.",
};

const USERS: Key = Key {
    name: "users",
    form: Form::Count {
        least: 1,
        most: 1_000_000,
    },
    presence: Presence::Optional,
    about: "Closed model: users who wait for the reply, think, and ask again. This or `rate`.",
};

const THINK: Key = Key {
    name: "think",
    form: Form::Duration {
        least: Duration::ZERO,
        most: HOUR,
    },
    presence: Presence::Default("5s"),
    about: "Pause between a reply and the user's next command; users start spread over one such pause. Only with `users`.",
};

const RATE: Key = Key {
    name: "rate",
    form: Form::Rate,
    presence: Presence::Optional,
    about: "Open model: commands are due on a fixed schedule, whether or not earlier ones were answered. This or `users`.",
};

const MAX_IN_FLIGHT: Key = Key {
    name: "max_in_flight",
    form: Form::Count {
        least: 1,
        most: 1_000_000,
    },
    presence: Presence::Default("10000"),
    about: "Most commands in flight over all workers; an arrival beyond that is dropped and counted. Only with `rate`.",
};

const TIMEOUT: Key = Key {
    name: "timeout",
    form: Form::Duration {
        least: MILLISECOND,
        most: MINUTE.saturating_mul(10),
    },
    presence: Presence::Default("5s"),
    about: "After this an unanswered command is `timed_out`.",
};

const REPLY: Key = Key {
    name: "reply",
    form: Form::Choice(words::<Reply>),
    presence: Presence::Default("rest"),
    about: "`rest`: the HTTP response is the reply. `sse`: the response is an event stream that carries it.",
};

const PATH: Key = Key {
    name: "path",
    form: Form::Path,
    presence: Presence::Default("/devices/{device}/commands"),
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

pub(crate) static LIST: List = List {
    key: "commands",
    noun: "command load",
    numbered: true,
    section: &SECTION,
};

/// A load whose values are each valid.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) name: At<String>,
    users: Option<At<u64>>,
    think: Option<At<Duration>>,
    rate: Option<At<Rate>>,
    max_in_flight: Option<At<u64>>,
    timeout: Option<At<Duration>>,
    reply: Option<At<Reply>>,
    path: Option<At<String>>,
}

impl Load {
    pub(crate) fn read(index: usize, fields: &Fields<'_>, findings: &mut Findings) -> Self {
        check_model(fields, findings);
        let load = Self {
            name: fields.read(&NAME, findings).unwrap_or_else(|| At {
                value: format!("{}-{}", LIST.key, index + 1),
                spot: fields.spot_of(&NAME),
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
            && !path.value.contains(DEVICE)
        {
            let finding = path.spot.finding("a path that names no device");
            findings.add(finding.accepted("a path with `{device}` in it"));
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
fn check_model(fields: &Fields<'_>, findings: &mut Findings) {
    const EITHER: &str = "`users` (closed model) or `rate` (open model)";
    match (fields.has(&USERS), fields.has(&RATE)) {
        (true, true) => {
            let finding = fields.spot_of(&RATE).finding("both `users` and `rate`");
            findings.add(
                finding
                    .accepted(EITHER)
                    .hint("write two [[commands]] to have both"),
            );
        }
        (false, false) => {
            let finding = fields.spot().absence("neither `users` nor `rate`");
            findings.add(finding.accepted(EITHER));
        }
        (false, true) if fields.has(&THINK) => {
            let finding = fields.spot_of(&THINK).finding("a think time without users");
            findings.add(finding.accepted("`think` beside `users`"));
        }
        (true, false) if fields.has(&MAX_IN_FLIGHT) => {
            let finding = fields
                .spot_of(&MAX_IN_FLIGHT)
                .finding("a limit for arrivals without a rate");
            let hint = "each user has at most one command in flight";
            findings.add(finding.accepted("`max_in_flight` beside `rate`").hint(hint));
        }
        _ => {}
    }
}
