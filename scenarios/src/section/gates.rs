//! `[[gates]]`: what the run must show.

use super::{At, Fields, Form, Key, List, Presence, Section, choice::words};
use crate::{
    check::Check,
    diagnostic::Findings,
    plan::{self, Window},
};

const NAME: Key = Key {
    name: "name",
    form: Form::Name,
    presence: Presence::Optional,
    about: "Name in the report and for `--set`; without it the report shows the check itself.",
};

const CHECK: Key = Key {
    name: "check",
    form: Form::Check,
    presence: Presence::Required,
    about: "Figure, comparison and limit; the figures are listed below.",
};

const DURING: Key = Key {
    name: "during",
    form: Form::Choice(words::<Window>),
    presence: Presence::Optional,
    about: "The part of the run it covers. Without it, what the figure itself covers: counters the whole run, distributions the steady phase.",
};

pub(crate) static SECTION: Section = Section {
    header: "[[gates]]",
    about: "What the run must show. A gate that fails makes the verdict `failed`.",
    keys: &[NAME, CHECK, DURING],
};

pub(crate) static LIST: List = List {
    key: "gates",
    noun: "gate",
    numbered: false,
    section: &SECTION,
};

/// A gate whose values are each valid.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) name: Option<At<String>>,
    pub(crate) check: Option<At<Check>>,
    pub(crate) during: Option<At<Window>>,
}

impl Gate {
    pub(crate) fn read(fields: &Fields<'_>, findings: &mut Findings) -> Self {
        Self {
            name: fields.read(&NAME, findings),
            check: fields.read(&CHECK, findings),
            during: fields.read(&DURING, findings),
        }
    }

    pub(crate) fn resolve(self) -> Option<plan::Gate> {
        let check = self.check?.value;
        Some(plan::Gate {
            name: self.name.map_or_else(|| check.text.clone(), |at| at.value),
            check,
            during: self.during.map(|at| at.value),
        })
    }
}
