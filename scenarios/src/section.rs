//! The tables of the format: each file holds one table's keys, the type they
//! are read into, and what its plan is.
//!
//! The constants are the one source of what a key is called, takes and means:
//! files are read with them, messages quote them, the reference is made from
//! them.

pub(crate) mod broker;
pub(crate) mod cluster;
pub(crate) mod commands;
pub(crate) mod devices;
pub(crate) mod events;
pub(crate) mod gates;
pub(crate) mod matrix;
pub(crate) mod publish;
pub(crate) mod reconnect;
pub(crate) mod target;
pub(crate) mod telemetry;
pub(crate) mod top;

mod address;
mod backplane;
mod choice;
mod headers;
mod name;
mod table_reader;
mod value_list;
mod value_type;

pub(crate) use choice::{Choice, EventKind, TargetKind};
pub(crate) use table_reader::{Spanned, TableReader, ValueLocation};
pub(crate) use value_type::{ValueDiagnostic, ValueType};

use crate::tree::TomlTable;

/// One table of the format.
#[derive(Debug)]
pub(crate) struct Section {
    /// As it is written: `[cluster]`, `[[devices]]`; empty for the top level.
    pub(crate) header: &'static str,
    pub(crate) about: &'static str,
    pub(crate) keys: &'static [KeySchema],
}

/// One key of a table.
#[derive(Debug)]
pub(crate) struct KeySchema {
    pub(crate) name: &'static str,
    pub(crate) value_type: ValueType,
    pub(crate) presence: KeyPresence,
    pub(crate) about: &'static str,
}

/// Whether a key must be there.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeyPresence {
    Required,
    Optional,
    /// What holds without it, as the value of a `--set`.
    Default(&'static str),
}

/// A list of tables whose elements go by a name.
#[derive(Debug)]
pub(crate) struct ListSchema {
    pub(crate) key: &'static str,
    /// What an element is called in a message.
    pub(crate) noun: &'static str,
    /// Elements without a name get `KEY-NUMBER`, from 1; else they have none.
    pub(crate) auto_named: bool,
    pub(crate) section: &'static Section,
}

/// Every list whose elements `--set` reaches by name.
static LISTS: [&ListSchema; 6] = [
    &devices::LIST,
    &commands::LIST,
    &publish::LIST,
    &telemetry::LIST,
    &events::LIST,
    &gates::LIST,
];

/// The list under a top-level key.
pub(crate) fn named_list(key: &str) -> Option<&'static ListSchema> {
    LISTS.into_iter().find(|list| list.key == key)
}

/// Every table, in the order of the reference.
pub(crate) static SECTIONS: [&Section; 14] = [
    &top::SECTION,
    &cluster::SECTION,
    &broker::SECTION,
    &target::SECTION,
    &target::TLS,
    &target::OBSERVE,
    &devices::SECTION,
    &reconnect::SECTION,
    &commands::SECTION,
    &publish::SECTION,
    &telemetry::SECTION,
    &events::SECTION,
    &gates::SECTION,
    &matrix::SECTION,
];

impl ListSchema {
    /// The name that element `index` goes by.
    pub(crate) fn name_of(&self, index: usize, table: &TomlTable) -> Option<String> {
        let given = table.name().map(str::to_owned);
        given.or_else(|| {
            self.auto_named
                .then(|| format!("{}-{}", self.key, index + 1))
        })
    }

    /// Path of element `index` in messages.
    pub(crate) fn path_of(&self, index: usize, table: &TomlTable) -> String {
        match self.name_of(index, table) {
            Some(name) => format!("{}.{name}", self.key),
            None => format!("{}[{index}]", self.key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_accepted() {
        for section in SECTIONS {
            for key in section.keys {
                if let KeyPresence::Default(text) = key.presence {
                    assert!(
                        key.value_type.accepts(text),
                        "{} {}: {text}",
                        section.header,
                        key.name
                    );
                }
            }
        }
    }
}
