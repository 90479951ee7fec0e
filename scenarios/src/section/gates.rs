//! `[[gates]]`: what the run must show.

use super::{
    KeyPresence, KeySchema, ListSchema, Section, Spanned, TableReader, ValueType, choice::choices,
};
use crate::{
    check::GateCheck,
    diagnostic::DiagnosticSink,
    plan::{self, PhaseWindow},
};

const NAME: KeySchema = KeySchema {
    name: "name",
    value_type: ValueType::Name,
    presence: KeyPresence::Optional,
    about: "Name in the report and for `--set`; without it the report shows the check itself.",
};

const CHECK: KeySchema = KeySchema {
    name: "check",
    value_type: ValueType::Check,
    presence: KeyPresence::Required,
    about: "Metric, comparison and limit; the metrics are listed below.",
};

const DURING: KeySchema = KeySchema {
    name: "during",
    value_type: ValueType::Choice(choices::<PhaseWindow>),
    presence: KeyPresence::Optional,
    about: "The part of the run it covers. Without it, what the metric itself covers: counters the whole run, distributions the steady phase.",
};

pub(crate) static SECTION: Section = Section {
    header: "[[gates]]",
    about: "What the run must show. A gate that fails makes the verdict `failed`.",
    keys: &[NAME, CHECK, DURING],
};

pub(crate) static LIST: ListSchema = ListSchema {
    key: "gates",
    noun: "gate",
    auto_named: false,
    section: &SECTION,
};

/// A gate whose values are each valid.
#[derive(Debug)]
pub(crate) struct GateSection {
    pub(crate) name: Option<Spanned<String>>,
    pub(crate) check: Option<Spanned<GateCheck>>,
    pub(crate) during: Option<Spanned<PhaseWindow>>,
}

impl GateSection {
    pub(crate) fn read(fields: &TableReader<'_>, findings: &mut DiagnosticSink) -> Self {
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
