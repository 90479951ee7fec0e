//! The parts of a declaration: keys, tables and lists, as messages, the reference and
//! `--set` need them.

use std::fmt::Debug;

use crate::tree::TomlTable;

/// The declaration of a table.
#[derive(Debug)]
pub(crate) struct SectionSchema {
    /// The header as it is written: `[cluster]`, `[[devices]]`; empty for the top level.
    pub(crate) header: &'static str,
    /// The purpose of the table, for the reference.
    pub(crate) about: &'static str,
    pub(crate) keys: &'static [KeySchema],
}

/// The declaration of a key.
#[derive(Debug)]
pub(crate) struct KeySchema {
    pub(crate) name: &'static str,
    pub(crate) value_type: &'static dyn Key,
    pub(crate) presence: KeyPresence,
    /// The meaning of the key, for the reference.
    pub(crate) about: &'static str,
    pub(crate) comparability: Comparability,
}

/// The form of a key's value, whatever type it is read into.
pub(crate) trait Key: Debug + Sync {
    /// Returns the form in words, for messages and the reference.
    fn expected(&self) -> String;

    /// Whether values are durations.
    fn is_duration(&self) -> bool {
        false
    }

    /// Returns the tables below the key of this name.
    fn nested(&self, _key: &'static str) -> Nested {
        Nested::Nothing
    }
}

/// The tables below a key.
#[derive(Debug)]
pub(crate) enum Nested {
    Nothing,
    Table(&'static SectionSchema),
    List(ListSchema),
}

/// Whether a key must be written, and its value where it is not.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeyPresence {
    Required,
    Optional,
    /// The value of a `--set` that would change nothing.
    Default(&'static str),
    /// `LIST-NUMBER`, by the element's place in the file, from 1.
    Numbered,
}

/// The weight of a setting in a comparison of runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparability {
    /// A difference changes neither load nor system: a name, a gate.
    Ignored,
    /// A difference in how connections reach the nodes. Several of these may differ at
    /// once, because together they are one thing: the balancer.
    Balancing,
    /// Any other difference. Only one of these may differ, or no run shows which of them
    /// made the difference.
    Compared,
}

/// A list of tables below a key, as a path addresses its elements.
#[derive(Debug)]
pub(crate) struct ListSchema {
    pub(crate) key: &'static str,
    /// The name for one element in messages.
    pub(crate) noun: &'static str,
    pub(crate) section: &'static SectionSchema,
    /// Whether paths name an element; otherwise they count it.
    pub(crate) by_name: bool,
}

impl SectionSchema {
    /// Returns the list under a key whose elements go by a name.
    pub(crate) fn list(&self, key: &str) -> Option<ListSchema> {
        let key = self.keys.iter().find(|known| known.name == key)?;
        key.list().filter(|list| list.by_name)
    }

    /// Whether elements without a name get one from their number.
    fn is_numbered(&self) -> bool {
        self.keys
            .iter()
            .any(|key| matches!(key.presence, KeyPresence::Numbered))
    }
}

impl KeySchema {
    pub(crate) fn nested(&self) -> Nested {
        self.value_type.nested(self.name)
    }

    pub(crate) fn list(&self) -> Option<ListSchema> {
        match self.nested() {
            Nested::List(list) => Some(list),
            Nested::Nothing | Nested::Table(_) => None,
        }
    }
}

impl ListSchema {
    /// Returns the name that element `index` goes by.
    pub(crate) fn name_of(&self, index: usize, table: &TomlTable) -> Option<String> {
        let written = table.name().map(str::to_owned);
        written.or_else(|| self.numbered_name(index))
    }

    /// Returns the name that element `index` has without a name of its own.
    pub(crate) fn numbered_name(&self, index: usize) -> Option<String> {
        self.section
            .is_numbered()
            .then(|| format!("{}-{}", self.key, index + 1))
    }

    /// Returns the path of element `index` in messages; `list` is that of the list.
    pub(crate) fn path_of(&self, list: &str, index: usize, table: &TomlTable) -> String {
        match self.name_of(index, table).filter(|_| self.by_name) {
            // Also an invalid name: it is the one that the person looks for.
            Some(name) => format!("{list}.{name}"),
            None => format!("{list}[{index}]"),
        }
    }
}
