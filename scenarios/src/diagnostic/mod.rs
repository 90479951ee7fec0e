//! Problems of a scenario, each with its place, the value found, what is expected and a hint.
//!
//! ```text
//! value types, rules ─► Diagnostic ─► DiagnosticSink ─► Diagnostics
//!                       (message)     (with its span)   (with line, column and excerpt)
//! ```
//!
//! - [`span`]: places before lines are counted;
//! - [`sink`]: the list that every level adds to;
//! - [`located`]: the finished list, and its text for a terminal;
//! - [`excerpt`]: the line of the file that a problem is on.

use std::fmt;

mod excerpt;
mod located;
mod sink;
mod span;

pub use self::{
    excerpt::Excerpt,
    located::{Diagnostics, LocatedDiagnostic, Location},
};
pub(crate) use self::{
    sink::DiagnosticSink,
    span::{SourceSpan, ValueLocation},
};

/// A problem with a value or a scenario, apart from its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The problem, in words.
    pub message: String,
    /// The form that would have been accepted.
    pub expected: Option<String>,
    /// The next step, where there is a good guess.
    pub hint: Option<String>,
}

impl Diagnostic {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            expected: None,
            hint: None,
        }
    }

    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        self.maybe_hint(Some(hint.into()))
    }

    pub(crate) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(expected) = &self.expected {
            write!(f, "; expected {expected}")?;
        }
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}
