//! A scenario as written: keys and values, each with where it came from.

use std::ops::Range;

use crate::broker_url::without_passwords;

mod overrides;
mod read;

pub(crate) use overrides::apply;
pub(crate) use read::{read, value};

/// Where something was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Bytes of the file.
    File(Range<usize>),
    /// A `--set` argument, from 0.
    Set(usize),
}

/// A table, in the order of the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    entries: Vec<Entry>,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Where the key stands; its value has a place of its own.
    pub(crate) origin: Origin,
    pub(crate) item: Item,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// What TOML knows, less what no key of a scenario takes.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(String),
    /// Saturated where it does not fit, which is out of every range.
    Integer(i128),
    List(Vec<Item>),
    Table(Table),
    /// As written, and what it is.
    Other(String, &'static str),
}

/// A table without keys, to read defaults from.
pub(crate) static EMPTY: Table = Table {
    entries: Vec::new(),
};

impl Table {
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Item> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(&entry.item)
    }

    fn get_mut(&mut self, key: &str) -> Option<&mut Item> {
        let entry = self.entries.iter_mut().find(|entry| entry.key == key)?;
        Some(&mut entry.item)
    }

    /// Puts `item` under `key`, in place of what was there.
    fn insert(&mut self, key: &str, item: Item) {
        match self.get_mut(key) {
            Some(old) => *old = item,
            None => self.entries.push(Entry {
                key: key.to_owned(),
                origin: item.origin.clone(),
                item,
            }),
        }
    }

    /// Puts `item` under a path of tables, if each part of it is one.
    pub(crate) fn put(&mut self, path: &[&str], item: Item) {
        match path {
            [] => {}
            [key] => self.insert(key, item),
            [key, rest @ ..] => {
                if let Some(Value::Table(inner)) = self.get_mut(key).map(|item| &mut item.value) {
                    inner.put(rest, item);
                }
            }
        }
    }

    /// The `name` that an element of a list was given.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.get("name")?.value {
            Value::Text(name) => Some(name),
            _ => None,
        }
    }
}

impl Item {
    pub(crate) fn as_table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The value as a message shows it, without passwords.
    pub(crate) fn found(&self) -> String {
        const SHOWN: usize = 60;
        match &self.value {
            Value::Text(text) => {
                let text = without_passwords(text);
                if text.chars().count() <= SHOWN {
                    return format!("{text:?}");
                }
                let start: String = text.chars().take(SHOWN).collect();
                format!("{start:?}…")
            }
            Value::Integer(number) => number.to_string(),
            Value::List(list) if list.is_empty() => "an empty list".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Table(_) => "a table".to_owned(),
            Value::Other(text, kind) => format!("{text} ({kind})"),
        }
    }
}
