//! A key with its value.

use super::KeySchema;
use crate::diagnostic::ValueLocation;

/// A key of a section and its value, as far as it could be read. Rules still see the other
/// keys of a table when one of them is wrong.
#[derive(Debug)]
pub(crate) struct Field<T> {
    pub(crate) key: &'static KeySchema,
    /// The value or its default. `None` where there is neither, and where the value is
    /// invalid; the latter is reported already.
    pub(crate) value: Option<T>,
    /// Whether the key is written, valid or not.
    pub(crate) is_written: bool,
    /// The place of the value, or of the table where the key is not written.
    pub(crate) location: ValueLocation,
}

impl<T: Copy> Field<T> {
    /// Returns the written value, or the first of the supported ones where none is written.
    pub(crate) fn or_first_of(&self, supported: &[T]) -> Option<T> {
        match self.is_written {
            true => self.value,
            false => supported.first().copied(),
        }
    }
}

impl<T: PartialEq> Field<T> {
    /// Whether the key has this value, written or by default.
    pub(crate) fn is(&self, value: &T) -> bool {
        self.value.as_ref() == Some(value)
    }
}

impl<S> Field<Vec<S>> {
    /// Returns the elements of a list that could be read.
    pub(crate) fn elements(&self) -> &[S] {
        self.value.as_deref().unwrap_or_default()
    }
}

impl Field<String> {
    /// Returns the text, or an empty one where it is missing or invalid.
    pub(crate) fn text(&self) -> &str {
        self.value.as_deref().unwrap_or_default()
    }
}
