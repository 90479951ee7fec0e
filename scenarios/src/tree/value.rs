//! Tables and values, each with its span.

use highwater_types::redact_passwords;

use crate::mask::mask_address;

use crate::diagnostic::SourceSpan;

/// A table, in the order of the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct TomlTable {
    // A list keeps the order of the file, and tables are small enough to search.
    pub(super) entries: Vec<TomlEntry>,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(crate) struct TomlEntry {
    pub(crate) key: String,
    /// The span of the key; its value has a span of its own.
    pub(crate) span: SourceSpan,
    pub(crate) item: TomlItem,
}

/// A value and its span.
#[derive(Debug, Clone)]
pub(crate) struct TomlItem {
    pub(crate) value: TomlValue,
    pub(crate) span: SourceSpan,
}

/// A value of TOML, as far as scenarios distinguish them.
#[derive(Debug, Clone)]
pub(crate) enum TomlValue {
    Text(String),
    /// A whole number; one that does not fit is saturated, which is out of every range.
    Integer(i128),
    List(Vec<TomlItem>),
    Table(TomlTable),
    /// A value that few keys take: its text, and what it is in words.
    Other(String, &'static str),
}

/// Returns a text in the place of `span`.
pub(crate) fn text_item(text: &str, span: &SourceSpan) -> TomlItem {
    TomlItem {
        value: TomlValue::Text(text.to_owned()),
        span: span.clone(),
    }
}

impl TomlTable {
    pub(crate) fn entries(&self) -> impl Iterator<Item = &TomlEntry> {
        self.entries.iter()
    }

    pub(crate) fn get(&self, key: &str) -> Option<&TomlItem> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(&entry.item)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut TomlItem> {
        let entry = self.entries.iter_mut().find(|entry| entry.key == key)?;
        Some(&mut entry.item)
    }

    /// Puts `item` under `key` in place of the old one.
    pub(crate) fn insert(&mut self, key: &str, item: TomlItem) {
        match self.get_mut(key) {
            Some(old) => *old = item,
            None => self.entries.push(TomlEntry {
                key: key.to_owned(),
                span: item.span.clone(),
                item,
            }),
        }
    }

    /// Takes a key out of the table.
    pub(crate) fn remove(&mut self, key: &str) -> Option<TomlItem> {
        let place = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(place).item)
    }

    /// Returns the `name` that is written in an element of a list.
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

    /// Returns the value as a message shows it, without passwords.
    pub(crate) fn display_redacted(&self) -> String {
        const MAX_CHARS: usize = 60;
        match &self.value {
            TomlValue::Text(text) => {
                // Any value may be an address, also under a misspelt key.
                let text = redact_passwords(text);
                let text = match text.contains("://") {
                    true => mask_address(&text),
                    false => text.into_owned(),
                };
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
