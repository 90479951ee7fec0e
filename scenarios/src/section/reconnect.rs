//! `reconnect` of a pool: pauses between attempts.

use std::time::Duration;

use highwater_types::duration::{HOUR, MILLISECOND};

use super::{KeyPresence, KeySchema, Section, Spanned, TableReader, ValueType, choice::choices};
use crate::{
    diagnostic::DiagnosticSink,
    plan::{self, Jitter},
};

const FIRST: KeySchema = KeySchema {
    name: "first",
    value_type: ValueType::Duration {
        min: MILLISECOND,
        max: HOUR,
    },
    presence: KeyPresence::Default("1s"),
    about: "Longest pause before the first new attempt; it doubles with each attempt that fails.",
};

const MAX: KeySchema = KeySchema {
    name: "max",
    value_type: ValueType::Duration {
        min: MILLISECOND,
        max: HOUR,
    },
    presence: KeyPresence::Default("30s"),
    about: "Longest pause ever.",
};

const JITTER: KeySchema = KeySchema {
    name: "jitter",
    value_type: ValueType::Choice(choices::<Jitter>),
    presence: KeyPresence::Default("full"),
    about: "`full`: the pause is drawn evenly between zero and its bound. `none`: it is the bound.",
};

pub(crate) static SECTION: Section = Section {
    header: "devices.reconnect",
    about: "How a pool's sockets come back, as `reconnect = { first = \"1s\", max = \"30s\", jitter = \"full\" }` in `[[devices]]`.",
    keys: &[FIRST, MAX, JITTER],
};

/// A `reconnect` whose values are each valid.
#[derive(Debug)]
pub(crate) struct ReconnectSection {
    first: Option<Spanned<Duration>>,
    max: Option<Spanned<Duration>>,
    jitter: Option<Spanned<Jitter>>,
}

impl ReconnectSection {
    pub(crate) fn read(fields: &TableReader<'_>, findings: &mut DiagnosticSink) -> Self {
        let reconnect = Self {
            first: fields.read(&FIRST, findings),
            max: fields.read(&MAX, findings),
            jitter: fields.read(&JITTER, findings),
        };
        if let (Some(first), Some(max)) = (&reconnect.first, &reconnect.max)
            && first.value > max.value
        {
            let spot = if fields.has(&FIRST) {
                &first.location
            } else {
                &max.location
            };
            let finding = spot.diagnostic("the first pause is longer than the longest");
            findings.add(finding.expected("`first` of at most `max`"));
        }
        reconnect
    }

    pub(crate) fn resolve(self) -> Option<plan::ReconnectSpec> {
        Some(plan::ReconnectSpec {
            first: self.first?.value,
            max: self.max?.value,
            jitter: self.jitter?.value,
        })
    }
}
