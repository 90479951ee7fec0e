//! Subprotocols of WebSocket (RFC 6455, section 1.9).

use super::{FixedForm, headers::is_token, text::checked_text};
use crate::{
    diagnostic::Diagnostic,
    tree::{TomlItem, TomlValue},
};

/// Most subprotocols that a device offers.
const MAX_SUBPROTOCOLS: usize = 8;

/// Accepts a list of subprotocols, or one alone.
pub(crate) const fn subprotocols() -> FixedForm<Vec<String>> {
    FixedForm {
        expected: || {
            format!("a list of up to {MAX_SUBPROTOCOLS} names, such as [\"graphql-transport-ws\"]")
        },
        read,
    }
}

fn read(item: &TomlItem) -> Result<Vec<String>, Diagnostic> {
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
        let name = checked_text(item, check_name)?;
        // RFC 6455, section 4.1: a client offers each one once.
        if names.contains(&name) {
            return Err(Diagnostic::new(format!("`{name}` is listed twice")));
        }
        names.push(name);
    }
    Ok(names)
}

/// Checks a token (RFC 9110, section 5.6.2), which every subprotocol's name is.
fn check_name(name: &str) -> Result<(), Diagnostic> {
    if is_token(name) {
        return Ok(());
    }
    let shown: String = name.chars().take(40).flat_map(char::escape_debug).collect();
    Err(
        Diagnostic::new(format!("`{shown}` is not a subprotocol's name"))
            .hint("a name has ASCII letters, digits and marks such as . - _"),
    )
}
