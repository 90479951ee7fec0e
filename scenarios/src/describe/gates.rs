//! The conditions that the run must meet, in words.

use crate::{
    Plan,
    plan::{Gate, Word},
    text_layout::TextLayout,
};

pub(super) fn describe(plan: &Plan, page: &mut TextLayout) {
    page.heading("Gates");
    if plan.gates.is_empty() {
        page.paragraph("None: the run only measures.");
    }
    for gate in &plan.gates {
        page.paragraph(&gate_in_words(gate));
    }
}

fn gate_in_words(gate: &Gate) -> String {
    let name = match gate.name == gate.check.text {
        true => String::new(),
        false => format!("{}: ", gate.name),
    };
    let during = match gate.during {
        Some(window) => format!(" (during {})", window.as_str()),
        None => String::new(),
    };
    format!("{name}{}{during}", gate.check.text)
}
