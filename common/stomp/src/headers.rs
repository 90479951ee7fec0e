//! The headers of a frame.

use std::fmt;

use crate::header;

/// Names and values in their order, each name once.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(Box<str>, Box<str>)>);

impl Headers {
    /// Returns the value of a header.
    pub fn get(&self, name: &str) -> Option<&str> {
        let entry = self.0.iter().find(|(known, _)| **known == *name);
        entry.map(|(_, value)| &**value)
    }

    /// Adds a header, unless there is one of this name: the first of repeated headers counts.
    pub fn add(&mut self, name: &str, value: &str) {
        if self.get(name).is_none() {
            self.0.push((name.into(), value.into()));
        }
    }

    /// Adds a header, or replaces its value.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.0.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, old)) => *old = value.into(),
            None => self.0.push((name.into(), value.into())),
        }
    }

    /// Removes a header and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Box<str>> {
        let index = self.0.iter().position(|(known, _)| **known == *name)?;
        Some(self.0.remove(index).1)
    }

    /// Returns names and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Returns the number of headers.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no headers.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Headers {
    /// Writes the headers without credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(name, value)| match name {
            header::LOGIN | header::PASSCODE => (name, "***"),
            _ => (name, value),
        };
        f.debug_map().entries(self.iter().map(shown)).finish()
    }
}
