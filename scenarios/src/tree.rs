//! A scenario as written: keys and values, each with where it came from.

use std::ops::Range;

use highwater_types::redact_passwords;

mod overrides;
mod read;

pub(crate) use overrides::apply_overrides;
pub(crate) use read::{parse, parse_value};

/// Where something was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SourceSpan {
    /// Bytes of the file.
    File(Range<usize>),
    /// A `--set` argument, from 0.
    SetArgument(usize),
}

/// A table, in the order of the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct TomlTable {
    entries: Vec<TomlEntry>,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(crate) struct TomlEntry {
    pub(crate) key: String,
    /// Where the key stands; its value has a place of its own.
    pub(crate) span: SourceSpan,
    pub(crate) item: TomlItem,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct TomlItem {
    pub(crate) value: TomlValue,
    pub(crate) span: SourceSpan,
}

/// What TOML knows, less what no key of a scenario takes.
#[derive(Debug, Clone)]
pub(crate) enum TomlValue {
    Text(String),
    /// Saturated where it does not fit, which is out of every range.
    Integer(i128),
    List(Vec<TomlItem>),
    Table(TomlTable),
    /// As written, and what it is.
    Other(String, &'static str),
}

/// A table without keys, to read defaults from.
pub(crate) static EMPTY_TABLE: TomlTable = TomlTable {
    entries: Vec::new(),
};

impl TomlTable {
    pub(crate) fn entries(&self) -> impl Iterator<Item = &TomlEntry> {
        self.entries.iter()
    }

    pub(crate) fn get(&self, key: &str) -> Option<&TomlItem> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(&entry.item)
    }

    fn get_mut(&mut self, key: &str) -> Option<&mut TomlItem> {
        let entry = self.entries.iter_mut().find(|entry| entry.key == key)?;
        Some(&mut entry.item)
    }

    /// Puts `item` under `key`, in place of what was there.
    fn insert(&mut self, key: &str, item: TomlItem) {
        match self.get_mut(key) {
            Some(old) => *old = item,
            None => self.entries.push(TomlEntry {
                key: key.to_owned(),
                span: item.span.clone(),
                item,
            }),
        }
    }

    /// Puts `item` under a path of tables, if each part of it is one.
    pub(crate) fn insert_at_path(&mut self, path: &[&str], item: TomlItem) {
        match path {
            [] => {}
            [key] => self.insert(key, item),
            [key, rest @ ..] => {
                if let Some(TomlValue::Table(inner)) = self.get_mut(key).map(|item| &mut item.value)
                {
                    inner.insert_at_path(rest, item);
                }
            }
        }
    }

    /// The `name` that an element of a list was given.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.get("name")?.value {
            TomlValue::Text(name) => Some(name),
            _ => None,
        }
    }
}

impl TomlItem {
    pub(crate) fn as_table(&self) -> Option<&TomlTable> {
        match &self.value {
            TomlValue::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The value as a message shows it, without passwords.
    pub(crate) fn display_redacted(&self) -> String {
        const MAX_CHARS: usize = 60;
        match &self.value {
            TomlValue::Text(text) => {
                let text = redact_passwords(text);
                if text.chars().count() <= MAX_CHARS {
                    return format!("{text:?}");
                }
                let start: String = text.chars().take(MAX_CHARS).collect();
                format!("{start:?}…")
            }
            TomlValue::Integer(number) => number.to_string(),
            TomlValue::List(list) if list.is_empty() => "an empty list".to_owned(),
            TomlValue::List(_) => "a list".to_owned(),
            TomlValue::Table(_) => "a table".to_owned(),
            TomlValue::Other(text, kind) => format!("{text} ({kind})"),
        }
    }
}
