//! `[[gates]]`: what the run must show.

use crate::{
    check::GateCheck,
    plan::{self, PhaseWindow},
    value::{gate_check, name, word},
};

section! {
    /// A condition that the run must meet. A gate that fails makes the verdict `failed`.
    pub(crate) struct GateSection = "[[gates]]";

    /// Name in the report and for `--set`; without it the report shows the check itself.
    pub(crate) name: String = name(), optional;

    /// Metric, comparison and limit; the metrics are listed below.
    pub(crate) check: GateCheck = gate_check(), required;

    /// The part of the run that the gate covers. Without it, what the metric itself covers:
    /// counters the whole run, distributions the steady phase.
    pub(crate) during: PhaseWindow = word(), optional;
}

impl GateSection {
    pub(crate) fn resolve(self) -> Option<plan::Gate> {
        let check = self.check.value?;
        Some(plan::Gate {
            name: self.name.value.unwrap_or_else(|| check.text.clone()),
            check,
            during: self.during.value,
        })
    }
}
