//! The reason why a header is invalid.

use thiserror::Error;

/// The most characters that an error quotes of the peer's bytes.
const MAX_QUOTED_CHARS: usize = 64;

/// A header that a frame needs and that is missing or has an invalid value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("invalid header {name} {found}: expected {expected}")]
pub struct InvalidHeader {
    name: &'static str,
    found: String,
    expected: String,
}

impl InvalidHeader {
    /// Creates the error of a header with this value.
    pub fn new(name: &'static str, found: &str, expected: &str) -> Self {
        Self {
            name,
            found: quote(found),
            expected: expected.to_owned(),
        }
    }

    /// Creates the error of a header that is not there.
    pub fn missing(name: &'static str, expected: &str) -> Self {
        Self {
            name,
            found: "(missing)".to_owned(),
            expected: expected.to_owned(),
        }
    }

    /// Returns the header's name.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// Quotes the beginning of a text, with its control characters escaped.
pub(crate) fn quote(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTED_CHARS) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}
