//! A preset, read from its file.

use super::{fill::fill_table, summary::PresetSummary};
use crate::{
    diagnostic::SourceSpan,
    tree::{self, TomlItem, TomlTable, TomlValue},
};

/// A protocol as keys of a scenario, with placeholders for its parameters.
#[derive(Debug)]
pub(super) struct Preset {
    pub(super) name: &'static str,
    /// The protocol in a sentence.
    pub(super) about: String,
    /// The address at which such a server listens without configuration.
    pub(super) address: String,
    /// The path for addresses without one.
    pub(super) path: String,
    /// The parts of the query that every address needs.
    pub(super) query: String,
    pub(super) parameters: Vec<Parameter>,
    /// Keys of `[target]`.
    pub(super) target: TomlTable,
    /// Keys of each `[[devices]]`.
    pub(super) devices: TomlTable,
}

/// A value that a person may choose.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) default: String,
    /// Whether the value is a credential, which no scenario holds.
    pub(super) is_secret: bool,
}

impl Preset {
    /// Reads a file of this crate. A test holds that none of its keys is missing.
    pub(super) fn read(name: &'static str, text: &str, span: &SourceSpan) -> Self {
        let table = tree::parse_embedded(text, span);
        let parameters = table_at(&table, "parameters");
        let parameters = parameters.entries().filter_map(|entry| {
            let table = entry.item.as_table()?;
            Some(Parameter {
                name: entry.key.clone(),
                about: text_at(table, "about"),
                default: text_at(table, "default"),
                is_secret: table.get("secret").is_some(),
            })
        });
        Self {
            name,
            about: text_at(&table, "about"),
            address: text_at(&table, "address"),
            path: text_at(&table, "path"),
            query: text_at(&table, "query"),
            parameters: parameters.collect(),
            target: table_at(&table, "target"),
            devices: table_at(&table, "devices"),
        }
    }

    /// Returns the preset with the values of its parameters in all texts. A parameter that
    /// `chosen` does not name has its default.
    pub(super) fn fill(self, chosen: &[(String, String)]) -> Self {
        let value = |parameter: &Parameter| {
            let written = chosen.iter().find(|(name, _)| *name == parameter.name);
            written.map_or(parameter.default.clone(), |(_, value)| value.clone())
        };
        let parameters = self.parameters.iter();
        let values: Vec<(String, String)> = parameters
            .map(|parameter| (parameter.name.clone(), value(parameter)))
            .collect();
        Self {
            target: fill_table(&self.target, &values),
            devices: fill_table(&self.devices, &values),
            ..self
        }
    }

    pub(super) fn parameter_names(&self) -> impl Iterator<Item = &str> {
        self.parameters
            .iter()
            .map(|parameter| parameter.name.as_str())
    }

    pub(super) fn into_summary(self) -> PresetSummary {
        let parameters = self.parameters.into_iter();
        PresetSummary {
            name: self.name,
            about: self.about,
            parameters: parameters
                .map(|parameter| (parameter.name, parameter.default, parameter.about))
                .collect(),
        }
    }
}

fn text_at(table: &TomlTable, key: &str) -> String {
    match table.get(key).map(|item| &item.value) {
        Some(TomlValue::Text(text)) => text.clone(),
        _ => String::new(),
    }
}

fn table_at(table: &TomlTable, key: &str) -> TomlTable {
    let table = table.get(key).and_then(TomlItem::as_table);
    table.cloned().unwrap_or_default()
}
