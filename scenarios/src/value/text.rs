//! Texts: any short text, and texts that pass a check.

use super::{Accepts, ValueType};
use crate::{
    diagnostic::Diagnostic,
    tree::{TomlItem, TomlValue},
};

/// A text in quotes that passes a check.
#[derive(Debug)]
pub(crate) struct CheckedText {
    pub(super) expected: &'static str,
    pub(super) check: fn(&str) -> Result<(), Diagnostic>,
}

/// Accepts a text of a length that fits a report.
pub(crate) const fn text() -> CheckedText {
    CheckedText {
        expected: "text of up to 500 characters",
        check: check_length,
    }
}

/// Accepts the path of a file, which is opened when the run starts.
pub(crate) const fn file_path() -> CheckedText {
    CheckedText {
        expected: "the path of a file, seen from where `highwater` is started",
        check: check_file_path,
    }
}

impl Accepts for CheckedText {
    fn expected(&self) -> String {
        self.expected.to_owned()
    }
}

impl ValueType<String> for CheckedText {
    fn read(&self, item: &TomlItem) -> Result<String, Diagnostic> {
        let text = quoted_text(item)?;
        (self.check)(text)?;
        Ok(text.to_owned())
    }
}

/// Returns the text of a value in quotes.
pub(super) fn quoted_text(item: &TomlItem) -> Result<&str, Diagnostic> {
    match &item.value {
        TomlValue::Text(text) => Ok(text),
        _ => Err(Diagnostic::new("not text in quotes")),
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
        _ => check_length(text),
    }
}
