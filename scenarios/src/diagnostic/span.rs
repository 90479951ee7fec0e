//! Places in the sources of a scenario.

use std::ops::Range;

/// The part of a source that a key or value was written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SourceSpan {
    /// Bytes of the file.
    File(Range<usize>),
    /// A `--set` argument, from 0.
    SetArgument(usize),
}

/// The place of a value: its span, the path of its key, and the value as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ValueLocation {
    pub(crate) span: SourceSpan,
    /// A path such as `devices.home.ramp`; empty for the file as a whole.
    pub(crate) key: String,
    /// The value as a message shows it; `None` for places without a value of their own.
    pub(crate) found: Option<String>,
}

impl SourceSpan {
    /// The file as a whole.
    pub(crate) const FILE: Self = Self::File(0..0);
}

impl ValueLocation {
    /// The place of a key without a value of its own.
    pub(crate) fn new(span: SourceSpan, key: impl Into<String>) -> Self {
        Self {
            span,
            key: key.into(),
            found: None,
        }
    }

    /// The place of a key that the file lacks.
    pub(crate) fn absent(key: &str) -> Self {
        Self::new(SourceSpan::FILE, key)
    }

    /// Returns the place for a problem that does not depend on the value.
    pub(crate) fn without_value(&self) -> Self {
        Self {
            found: None,
            ..self.clone()
        }
    }
}
