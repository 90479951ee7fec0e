//! Reading the keys of one table, each into its own type, with every problem
//! reported and none stopping the next key.

#[cfg(test)]
use super::cluster::BackplaneSection;
use super::{KeyPresence, KeySchema, ListSchema, Section, ValueType, value_type::FromToml};
use crate::{
    diagnostic::{DiagnosticBuilder, DiagnosticSink},
    renamed, suggest,
    tree::{self, SourceSpan, TomlItem, TomlTable, TomlValue},
};

/// A table being read.
pub(crate) struct TableReader<'t> {
    section: &'static Section,
    table: &'t TomlTable,
    span: SourceSpan,
    path: String,
}

/// A value and where it was written.
#[derive(Debug, Clone)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) location: ValueLocation,
}

/// Where a value was written, for messages about it.
#[derive(Debug, Clone)]
pub(crate) struct ValueLocation {
    span: SourceSpan,
    key: String,
    found: Option<String>,
}

impl ValueLocation {
    /// A problem with the value here.
    pub(crate) fn diagnostic(&self, what: impl Into<String>) -> DiagnosticBuilder {
        let finding = DiagnosticBuilder::new(&self.span, &self.key, what);
        match &self.found {
            Some(found) => finding.found(found),
            None => finding,
        }
    }

    /// A problem with what is here, whatever its value.
    pub(crate) fn diagnostic_without_value(&self, what: impl Into<String>) -> DiagnosticBuilder {
        DiagnosticBuilder::new(&self.span, &self.key, what)
    }

    /// Something missing here.
    pub(crate) fn missing(&self, what: impl Into<String>) -> DiagnosticBuilder {
        DiagnosticBuilder::missing(&self.span, &self.key, what)
    }
}

impl<'t> TableReader<'t> {
    /// The top level of a file.
    pub(crate) fn root(
        section: &'static Section,
        table: &'t TomlTable,
        findings: &mut DiagnosticSink,
    ) -> Self {
        Self::new(
            section,
            table,
            SourceSpan::File(0..0),
            String::new(),
            findings,
        )
    }

    fn new(
        section: &'static Section,
        table: &'t TomlTable,
        origin: SourceSpan,
        path: String,
        findings: &mut DiagnosticSink,
    ) -> Self {
        let fields = Self {
            section,
            table,
            span: origin,
            path,
        };
        fields.report_unknown_keys(findings);
        fields
    }

    /// The place of the table itself.
    pub(crate) fn location(&self) -> ValueLocation {
        ValueLocation {
            span: self.span.clone(),
            key: self.path.clone(),
            found: None,
        }
    }

    /// The place of a key's value, or of the table where the key is missing.
    pub(crate) fn location_of(&self, key: &KeySchema) -> ValueLocation {
        let item = self.table.get(key.name);
        ValueLocation {
            span: item.map_or_else(|| self.span.clone(), |item| item.span.clone()),
            key: self.key_path(key.name),
            found: item.map(TomlItem::display_redacted),
        }
    }

    /// Whether the key is there, readable or not.
    pub(crate) fn has(&self, key: &KeySchema) -> bool {
        self.table.get(key.name).is_some()
    }

    /// The key's value or its default. `None` where there is neither, or the
    /// value is refused; the latter, and a missing required key, are reported.
    pub(crate) fn read<T: FromToml>(
        &self,
        key: &KeySchema,
        findings: &mut DiagnosticSink,
    ) -> Option<Spanned<T>> {
        let default;
        let item = match (self.table.get(key.name), key.presence) {
            (Some(item), _) => item,
            (None, KeyPresence::Default(text)) => {
                default = tree::parse_value(text, &self.span);
                &default
            }
            (None, KeyPresence::Required) => {
                self.report_missing(key, findings);
                return None;
            }
            (None, KeyPresence::Optional) => return None,
        };
        let spot = ValueLocation {
            span: item.span.clone(),
            key: self.key_path(key.name),
            found: Some(item.display_redacted()),
        };
        match T::from_toml(item, &key.value_type) {
            Ok(value) => Some(Spanned {
                value,
                location: spot,
            }),
            Err(refusal) => {
                let accepted = refusal
                    .expected
                    .unwrap_or_else(|| key.value_type.expected());
                let finding = spot.diagnostic(refusal.message).expected(accepted);
                findings.add(finding.maybe_hint(refusal.hint));
                None
            }
        }
    }

    /// The table under a key. Where there is none and the key has a default, an
    /// empty one, in which the defaults of its own keys hold.
    pub(crate) fn table(
        &self,
        key: &KeySchema,
        section: &'static Section,
        findings: &mut DiagnosticSink,
    ) -> Option<TableReader<'t>> {
        let path = self.key_path(key.name);
        let Some(item) = self.table.get(key.name) else {
            return match key.presence {
                KeyPresence::Default(_) => {
                    let origin = self.span.clone();
                    Some(Self::new(
                        section,
                        &tree::EMPTY_TABLE,
                        origin,
                        path,
                        findings,
                    ))
                }
                _ => None,
            };
        };
        let Some(table) = item.as_table() else {
            findings.add(
                self.location_of(key)
                    .diagnostic("not a table")
                    .expected(key.value_type.expected()),
            );
            return None;
        };
        Some(Self::new(section, table, item.span.clone(), path, findings))
    }

    /// The tables of a list that `--set` knows.
    pub(crate) fn tables(
        &self,
        key: &KeySchema,
        list: &ListSchema,
        findings: &mut DiagnosticSink,
    ) -> Vec<TableReader<'t>> {
        let path_of = |index, table: &TomlTable| list.path_of(index, table);
        self.elements(key, list.section, &path_of, findings)
    }

    /// The tables of a list.
    pub(crate) fn elements(
        &self,
        key: &KeySchema,
        section: &'static Section,
        path_of: &dyn Fn(usize, &TomlTable) -> String,
        findings: &mut DiagnosticSink,
    ) -> Vec<TableReader<'t>> {
        let Some(item) = self.table.get(key.name) else {
            return Vec::new();
        };
        let TomlValue::List(items) = &item.value else {
            let finding = self.location_of(key).diagnostic("not a list of tables");
            let hint = format!("write {}, in double brackets", section.header);
            findings.add(finding.expected(key.value_type.expected()).hint(hint));
            return Vec::new();
        };
        if items.is_empty() && matches!(key.presence, KeyPresence::Required) {
            let finding = self.location_of(key).diagnostic("an empty list");
            findings.add(finding.expected(format!("at least one `{}`", section.header)));
        }
        let mut tables = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match item.as_table() {
                Some(table) => {
                    let path = path_of(index, table);
                    let origin = item.span.clone();
                    tables.push(Self::new(section, table, origin, path, findings));
                }
                None => findings.add(
                    DiagnosticBuilder::new(&item.span, &self.key_path(key.name), "not a table")
                        .found(item.display_redacted())
                        .expected(key.value_type.expected()),
                ),
            }
        }
        tables
    }

    fn key_path(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    fn report_missing(&self, key: &KeySchema, findings: &mut DiagnosticSink) {
        let what = match self.section.header {
            "" => "missing".to_owned(),
            header => format!("missing from this {header}"),
        };
        let finding = DiagnosticBuilder::missing(&self.span, &self.key_path(key.name), what);
        findings.add(finding.expected(key.value_type.expected()));
    }

    /// The hint for a key that had another name before.
    fn renamed_hint(&self, key: &str) -> Option<String> {
        let new = renamed::renamed_key(key)?;
        let mut known = self.section.keys.iter();
        known
            .any(|key| key.name == new)
            .then(|| renamed::hint(key, new))
    }

    fn report_unknown_keys(&self, findings: &mut DiagnosticSink) {
        let names = || self.section.keys.iter().map(|key| key.name);
        for entry in self.table.entries() {
            if names().any(|name| name == entry.key) {
                continue;
            }
            let finding =
                DiagnosticBuilder::new(&entry.span, &self.key_path(&entry.key), "unknown key")
                    .expected(suggest::quoted_list(names()))
                    .maybe_hint(
                        self.renamed_hint(&entry.key)
                            .or_else(|| suggest::did_you_mean(&entry.key, names())),
                    );
            findings.add(finding);
        }
    }
}

impl ValueType {
    /// Whether a default of this form would be read; for tests of the tables.
    #[cfg(test)]
    pub(super) fn accepts(&self, text: &str) -> bool {
        let item = tree::parse_value(text, &SourceSpan::SetArgument(0));
        match self {
            Self::Count { .. } => u64::from_toml(&item, self).is_ok(),
            Self::Size { .. } => u64::from_toml(&item, self).is_ok(),
            Self::Duration { .. } => std::time::Duration::from_toml(&item, self).is_ok(),
            Self::Choice(words) => words().contains(&text),
            Self::Backplane => BackplaneSection::from_toml(&item, self).is_ok(),
            Self::Bool => bool::from_toml(&item, self).is_ok(),
            Self::Table => text == "{}",
            _ => String::from_toml(&item, self).is_ok(),
        }
    }
}
