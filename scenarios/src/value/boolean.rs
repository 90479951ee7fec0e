//! `true` and `false`.

use super::FixedForm;
use crate::{
    diagnostic::Diagnostic,
    tree::{TomlItem, TomlValue},
};

/// Accepts `true` and `false`.
pub(crate) const fn boolean() -> FixedForm<bool> {
    FixedForm {
        expected: || "true or false".to_owned(),
        read,
    }
}

fn read(item: &TomlItem) -> Result<bool, Diagnostic> {
    let text = match &item.value {
        // Dates and fractions end up here as well, and do not parse.
        TomlValue::Other(text, _) => text.as_str(),
        TomlValue::Text(text) if matches!(text.as_str(), "true" | "false") => {
            let hint = format!("write {text} without quotes");
            return Err(Diagnostic::new("text instead of a truth value").hint(hint));
        }
        _ => "",
    };
    text.parse()
        .map_err(|_| Diagnostic::new("not a truth value"))
}
