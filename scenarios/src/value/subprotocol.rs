//! Subprotocols of WebSocket (RFC 6455, section 1.9).

use super::{Accepts, ValueType, text::quoted_text};
use crate::{
    diagnostic::Diagnostic,
    tree::{TomlItem, TomlValue},
};

/// Most subprotocols that a device offers.
const MAX_SUBPROTOCOLS: usize = 8;

/// A list of subprotocols, or one alone.
#[derive(Debug)]
pub(crate) struct Subprotocols;

/// Accepts subprotocols.
pub(crate) const fn subprotocols() -> Subprotocols {
    Subprotocols
}

impl Accepts for Subprotocols {
    fn expected(&self) -> String {
        format!("a list of up to {MAX_SUBPROTOCOLS} names, such as [\"graphql-transport-ws\"]")
    }
}

impl ValueType<Vec<String>> for Subprotocols {
    fn read(&self, item: &TomlItem) -> Result<Vec<String>, Diagnostic> {
        let items = match &item.value {
            TomlValue::List(items) => items.as_slice(),
            _ => std::slice::from_ref(item),
        };
        if !(1..=MAX_SUBPROTOCOLS).contains(&items.len()) {
            let message = format!("{} names in place of 1 to {MAX_SUBPROTOCOLS}", items.len());
            return Err(Diagnostic::new(message));
        }
        let mut names: Vec<String> = Vec::new();
        for item in items {
            let name = quoted_text(item)?;
            // RFC 6455, section 4.1: each is a token, and none stands twice.
            let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            if name.is_empty() || name.len() > 100 || !name.chars().all(is_token) {
                let shown: String = name.chars().take(40).flat_map(char::escape_debug).collect();
                return Err(
                    Diagnostic::new(format!("`{shown}` is not a subprotocol's name"))
                        .hint("a name has ASCII letters, digits and marks such as . - _"),
                );
            }
            if names.iter().any(|other| other == name) {
                return Err(Diagnostic::new(format!("`{name}` is listed twice")));
            }
            names.push(name.to_owned());
        }
        Ok(names)
    }
}
