//! `true` and `false`.

use super::{Accepts, ValueType};
use crate::{
    diagnostic::Diagnostic,
    tree::{TomlItem, TomlValue},
};

/// A truth value.
#[derive(Debug)]
pub(crate) struct Boolean;

/// Accepts `true` and `false`.
pub(crate) const fn boolean() -> Boolean {
    Boolean
}

impl Accepts for Boolean {
    fn expected(&self) -> String {
        "true or false".to_owned()
    }
}

impl ValueType<bool> for Boolean {
    fn read(&self, item: &TomlItem) -> Result<bool, Diagnostic> {
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
}
