//! Texts: any short text, and texts that pass a check.

use highwater_types::format::is_invisible;

use super::FixedForm;
use crate::{
    check::GateCheck,
    diagnostic::Diagnostic,
    tree::{TomlItem, TomlValue},
};

/// Accepts a text of a length that fits a report.
pub(crate) const fn text() -> FixedForm<String> {
    FixedForm {
        expected: || "text of up to 500 characters".to_owned(),
        read: |item| checked_text(item, check_text),
    }
}

/// Accepts the path of a file, which is opened when the run starts.
pub(crate) const fn file_path() -> FixedForm<String> {
    FixedForm {
        expected: || "the path of a file, seen from the scenario's folder".to_owned(),
        read: |item| checked_text(item, check_file_path),
    }
}

/// Accepts the check of a gate.
pub(crate) const fn gate_check() -> FixedForm<GateCheck> {
    FixedForm {
        expected: || {
            "a metric, one of < <= == != >= >, and a limit with the metric's unit, such as \
             \"heartbeats.response.p99 <= 50ms\""
                .to_owned()
        },
        read: |item| GateCheck::parse(quoted_text(item)?),
    }
}

/// Returns a text in quotes that passes a check.
pub(super) fn checked_text(
    item: &TomlItem,
    check: impl Fn(&str) -> Result<(), Diagnostic>,
) -> Result<String, Diagnostic> {
    let text = quoted_text(item)?;
    check(text)?;
    Ok(text.to_owned())
}

/// Returns the text of a value in quotes.
pub(super) fn quoted_text(item: &TomlItem) -> Result<&str, Diagnostic> {
    match &item.value {
        TomlValue::Text(text) => Ok(text),
        _ => Err(Diagnostic::new("not text in quotes")),
    }
}

fn check_text(text: &str) -> Result<(), Diagnostic> {
    match text.chars().find(|c| is_invisible(*c)) {
        // It would make the text look like another one.
        Some(c) => Err(Diagnostic::new(format!(
            "text with the invisible character `{}` in it",
            c.escape_unicode()
        ))),
        None => check_length(text),
    }
}

fn check_length(text: &str) -> Result<(), Diagnostic> {
    match text.chars().count() {
        // Longer text would fill a report instead of heading it.
        ..=500 => Ok(()),
        _ => Err(Diagnostic::new("text that is too long")),
    }
}

fn check_file_path(text: &str) -> Result<(), Diagnostic> {
    match text.trim() {
        "" => Err(Diagnostic::new("an empty path")),
        _ => check_text(text),
    }
}
