//! The reading of one table. Every problem is reported, and none stops the next key.

use std::{borrow::Cow, fmt::Debug};

use super::{Field, Key, KeyPresence, KeySchema, SectionSchema};
use crate::{
    diagnostic::{Diagnostic, DiagnosticSink, SourceSpan, ValueLocation},
    renamed, suggest,
    tree::{self, TomlItem, TomlTable, TomlValue},
    value::{Accepts, ValueType},
};

/// A table being read.
pub(crate) struct TableReader<'t> {
    schema: &'static SectionSchema,
    table: &'t TomlTable,
    span: SourceSpan,
    path: String,
    /// The name that a table of a list has without a name of its own.
    numbered_name: Option<String>,
    /// The key whose value is written in place of the whole table.
    value_alone: Option<&'static str>,
}

/// A table of the format that is read into a type of its own.
pub(crate) trait Section: Debug + Sized + 'static {
    /// Returns the declaration.
    fn schema() -> &'static SectionSchema;

    /// Reads every key; problems go to `sink`.
    fn read(table: &TableReader<'_>, sink: &mut DiagnosticSink) -> Self;

    /// Returns the place of the table itself.
    fn location(&self) -> &ValueLocation;
}

/// A value type that reads a key into `T`.
pub(crate) trait ReadKey<T>: Key {
    fn read_key(
        &self,
        table: &TableReader<'_>,
        key: &'static KeySchema,
        sink: &mut DiagnosticSink,
    ) -> Field<T>;
}

/// Returns a value type of `T` without that type, for a [`KeySchema`].
pub(crate) const fn key<T, K: ReadKey<T> + 'static>(value_type: &'static K) -> &'static dyn Key {
    value_type
}

// `Accepts` has no parameter, so the compiler knows that tables and lists of tables lack it.
impl<V: Accepts> Key for V {
    fn expected(&self) -> String {
        Accepts::expected(self)
    }

    fn is_duration(&self) -> bool {
        Accepts::is_duration(self)
    }
}

impl<T, V: ValueType<T>> ReadKey<T> for V {
    fn read_key(
        &self,
        table: &TableReader<'_>,
        key: &'static KeySchema,
        sink: &mut DiagnosticSink,
    ) -> Field<T> {
        let item = table.item(key);
        if item.is_none() && matches!(key.presence, KeyPresence::Required) {
            table.report_missing(key, sink);
        }
        let field = table.field(key, item.as_deref());
        let value = item.and_then(|item| match self.read(&item) {
            Ok(value) => Some(value),
            Err(diagnostic) => {
                // A value type may know better what fits, as a check does for its limit.
                let expected = diagnostic.expected.clone();
                let expected = expected.unwrap_or_else(|| Accepts::expected(self));
                sink.report(&field.location, diagnostic.expected(expected));
                // The numbered name replaces an invalid one, so that rules can still tell the
                // elements of a list apart.
                table
                    .numbered_item(key)
                    .and_then(|item| self.read(&item).ok())
            }
        });
        Field { value, ..field }
    }
}

impl<'t> TableReader<'t> {
    /// Reads the top level of a file.
    pub(crate) fn root(
        schema: &'static SectionSchema,
        table: &'t TomlTable,
        sink: &mut DiagnosticSink,
    ) -> Self {
        Self::new(schema, table, ValueLocation::absent(""), sink)
    }

    /// Reads the table at `location`.
    pub(super) fn new(
        schema: &'static SectionSchema,
        table: &'t TomlTable,
        location: ValueLocation,
        sink: &mut DiagnosticSink,
    ) -> Self {
        let reader = Self {
            schema,
            table,
            span: location.span,
            path: location.key,
            numbered_name: None,
            value_alone: None,
        };
        // For every table that is read, so that no section can forget it.
        reader.report_unknown_keys(sink);
        reader
    }

    pub(super) fn with_numbered_name(self, numbered_name: Option<String>) -> Self {
        Self {
            numbered_name,
            ..self
        }
    }

    /// Sets the key whose value is written in place of the whole table: its problems are the
    /// table's.
    pub(super) fn with_value_alone(self, key: &'static str) -> Self {
        Self {
            value_alone: Some(key),
            ..self
        }
    }

    /// Returns the place of the table itself.
    pub(crate) fn location(&self) -> ValueLocation {
        ValueLocation::new(self.span.clone(), self.path.as_str())
    }

    /// Returns the value of a key, written or by default.
    pub(super) fn item(&self, key: &KeySchema) -> Option<Cow<'t, TomlItem>> {
        match (self.table.get(key.name), key.presence) {
            (Some(item), _) => Some(Cow::Borrowed(item)),
            // In the place of the table, to which a problem with a default then points.
            (None, KeyPresence::Default(text)) => {
                Some(Cow::Owned(tree::parse_value(text, &self.span)))
            }
            (None, _) => self.numbered_item(key).map(Cow::Owned),
        }
    }

    /// Returns a field without its value, in the place of `item`.
    pub(super) fn field<T>(&self, key: &'static KeySchema, item: Option<&TomlItem>) -> Field<T> {
        Field {
            key,
            value: None,
            is_written: self.table.get(key.name).is_some(),
            location: ValueLocation {
                span: item.map_or_else(|| self.span.clone(), |item| item.span.clone()),
                key: self.key_path(key.name),
                found: item.map(TomlItem::display_redacted),
            },
        }
    }

    fn numbered_item(&self, key: &KeySchema) -> Option<TomlItem> {
        let name = match key.presence {
            KeyPresence::Numbered => self.numbered_name.clone()?,
            _ => return None,
        };
        Some(TomlItem {
            value: TomlValue::Text(name),
            span: self.span.clone(),
        })
    }

    fn key_path(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path if self.value_alone == Some(key) => path.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    pub(super) fn report_missing(&self, key: &KeySchema, sink: &mut DiagnosticSink) {
        let message = match self.schema.header {
            "" => "missing".to_owned(),
            header => format!("missing from this {header}"),
        };
        let location = ValueLocation::new(self.span.clone(), self.key_path(key.name));
        sink.report_missing(
            &location,
            Diagnostic::new(message).expected(key.value_type.expected()),
        );
    }

    fn report_unknown_keys(&self, sink: &mut DiagnosticSink) {
        let names = || self.schema.keys.iter().map(|key| key.name);
        for entry in self.table.entries() {
            if names().any(|name| name == entry.key) {
                continue;
            }
            let hint = self.renamed_hint(&entry.key);
            sink.report(
                &ValueLocation::new(entry.span.clone(), self.key_path(&entry.key)),
                Diagnostic::new("unknown key")
                    .expected(suggest::quoted_list(names()))
                    .maybe_hint(hint.or_else(|| suggest::did_you_mean(&entry.key, names()))),
            );
        }
    }

    /// Returns the hint for a key that had another name before.
    fn renamed_hint(&self, key: &str) -> Option<String> {
        let new = renamed::renamed_key(key)?;
        let is_known = self.schema.keys.iter().any(|key| key.name == new);
        is_known.then(|| renamed::hint(key, new))
    }
}
