//! The check of a gate: a metric, a comparison and a limit.

use super::{Accepts, ValueType, text::quoted_text};
use crate::{check::GateCheck, diagnostic::Diagnostic, tree::TomlItem};

/// The text of a gate's check.
#[derive(Debug)]
pub(crate) struct CheckText;

/// Accepts the check of a gate.
pub(crate) const fn gate_check() -> CheckText {
    CheckText
}

impl Accepts for CheckText {
    fn expected(&self) -> String {
        "a metric, one of < <= == != >= >, and a limit with the metric's unit, such as \"heartbeats.response.p99 <= 50ms\"".to_owned()
    }
}

impl ValueType<GateCheck> for CheckText {
    fn read(&self, item: &TomlItem) -> Result<GateCheck, Diagnostic> {
        GateCheck::parse(quoted_text(item)?)
    }
}
