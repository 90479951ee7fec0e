//! `reconnect` of a pool: pauses between attempts.

use std::time::Duration;

use super::{At, Fields, Form, Key, Presence, Section, choice::words};
use crate::{
    diagnostic::Findings,
    format::{HOUR, MILLISECOND},
    plan::{self, Jitter},
};

const FIRST: Key = Key {
    name: "first",
    form: Form::Duration {
        least: MILLISECOND,
        most: HOUR,
    },
    presence: Presence::Default("1s"),
    about: "Longest pause before the first new attempt; it doubles with each attempt that fails.",
};

const MAX: Key = Key {
    name: "max",
    form: Form::Duration {
        least: MILLISECOND,
        most: HOUR,
    },
    presence: Presence::Default("30s"),
    about: "Longest pause ever.",
};

const JITTER: Key = Key {
    name: "jitter",
    form: Form::Choice(words::<Jitter>),
    presence: Presence::Default("full"),
    about: "`full`: the pause is drawn evenly between zero and its bound. `none`: it is the bound.",
};

pub(crate) static SECTION: Section = Section {
    header: "devices.reconnect",
    about: "How a pool's sockets come back, as `reconnect = { first = \"1s\", max = \"30s\", jitter = \"full\" }` in `[[devices]]`.",
    keys: &[FIRST, MAX, JITTER],
};

/// A `reconnect` whose values are each valid.
#[derive(Debug)]
pub(crate) struct Reconnect {
    first: Option<At<Duration>>,
    max: Option<At<Duration>>,
    jitter: Option<At<Jitter>>,
}

impl Reconnect {
    pub(crate) fn read(fields: &Fields<'_>, findings: &mut Findings) -> Self {
        let reconnect = Self {
            first: fields.read(&FIRST, findings),
            max: fields.read(&MAX, findings),
            jitter: fields.read(&JITTER, findings),
        };
        if let (Some(first), Some(max)) = (&reconnect.first, &reconnect.max)
            && first.value > max.value
        {
            let spot = if fields.has(&FIRST) {
                &first.spot
            } else {
                &max.spot
            };
            let finding = spot.finding("the first pause is longer than the longest");
            findings.add(finding.accepted("`first` of at most `max`"));
        }
        reconnect
    }

    pub(crate) fn resolve(self) -> Option<plan::Reconnect> {
        Some(plan::Reconnect {
            first: self.first?.value,
            max: self.max?.value,
            jitter: self.jitter?.value,
        })
    }
}
