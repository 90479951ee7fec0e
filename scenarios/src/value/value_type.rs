//! The forms of values, and their reading.

use std::fmt::Debug;

use crate::{diagnostic::Diagnostic, tree::TomlItem};

/// The form that a key accepts, apart from the type that its value is read into.
pub(crate) trait Accepts: Debug + Sync {
    /// Returns the form in words, for messages and the reference.
    fn expected(&self) -> String;

    /// Whether values are durations, which plans keep in milliseconds.
    fn is_duration(&self) -> bool {
        false
    }
}

/// A form whose values are read into `T`.
pub(crate) trait ValueType<T>: Accepts {
    /// Reads a value. A problem without `expected` gets the form's own.
    fn read(&self, item: &TomlItem) -> Result<T, Diagnostic>;
}

/// A form that is the same for every key that accepts it.
#[derive(Debug)]
pub(crate) struct FixedForm<T> {
    /// Returns the form in words, for messages and the reference.
    pub(super) expected: fn() -> String,
    pub(super) read: fn(&TomlItem) -> Result<T, Diagnostic>,
}

impl<T: Debug> Accepts for FixedForm<T> {
    fn expected(&self) -> String {
        (self.expected)()
    }
}

impl<T: Debug> ValueType<T> for FixedForm<T> {
    fn read(&self, item: &TomlItem) -> Result<T, Diagnostic> {
        (self.read)(item)
    }
}
