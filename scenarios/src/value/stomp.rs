//! Values of headers of STOMP.

use super::{FixedForm, text::checked_text};
use crate::diagnostic::Diagnostic;

/// The longest text, in bytes. A head of a frame has 16 KiB in many servers.
const MAX_BYTES: usize = 4096;

/// Accepts the value of a header, with placeholders.
pub(crate) const fn stomp_text() -> FixedForm<String> {
    FixedForm {
        expected: || format!("text of 1 to {MAX_BYTES} bytes, without control characters"),
        read: |item| checked_text(item, check),
    }
}

fn check(text: &str) -> Result<(), Diagnostic> {
    // CONNECT has no escapes, so that a line feed would begin another header.
    match text.chars().find(|c| c.is_control()) {
        Some(c) => Err(Diagnostic::new(format!(
            "a control character `{}`",
            c.escape_default()
        ))),
        None if text.is_empty() => Err(Diagnostic::new("an empty text")),
        None if text.len() > MAX_BYTES => Err(Diagnostic::new("text that is too long")),
        None => Ok(()),
    }
}
