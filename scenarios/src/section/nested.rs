//! Keys whose value is a table, or a list of tables.

use std::marker::PhantomData;

use super::{
    Field, Key, KeyPresence, KeySchema, ListSchema, Nested, ReadKey, Section, TableReader,
};
use crate::{
    diagnostic::{Diagnostic, DiagnosticSink, ValueLocation},
    tree::{TomlItem, TomlTable, TomlValue},
};

/// A table of its own below a key.
#[derive(Debug)]
pub(crate) struct SubTable<S>(PhantomData<fn() -> S>);

/// A table of its own below a key, or the value of one of its keys alone.
#[derive(Debug)]
pub(crate) struct TableOrKey<S> {
    key: &'static str,
    section: PhantomData<fn() -> S>,
}

/// A list of tables below a key.
#[derive(Debug)]
pub(crate) struct TableList<S> {
    noun: &'static str,
    by_name: bool,
    section: PhantomData<fn() -> S>,
}

/// Accepts the table that the key is read into. With the default `{}`, a missing table is
/// read as an empty one, so that the defaults of its own keys hold.
pub(crate) const fn sub_table<S: Section>() -> SubTable<S> {
    SubTable(PhantomData)
}

/// Accepts the table that the key is read into, or a value alone, which is that of `key` in
/// such a table.
pub(crate) const fn table_or_key<S: Section>(key: &'static str) -> TableOrKey<S> {
    TableOrKey {
        key,
        section: PhantomData,
    }
}

/// Accepts a list of tables whose elements paths address by name; messages call one `noun`.
pub(crate) const fn named_list<S: Section>(noun: &'static str) -> TableList<S> {
    TableList {
        noun,
        by_name: true,
        section: PhantomData,
    }
}

/// Accepts a list of tables whose elements paths count; messages call one `noun`.
pub(crate) const fn list<S: Section>(noun: &'static str) -> TableList<S> {
    TableList {
        noun,
        by_name: false,
        section: PhantomData,
    }
}

impl<S: Section> Key for SubTable<S> {
    fn expected(&self) -> String {
        "a table".to_owned()
    }

    fn nested(&self, _key: &'static str) -> Nested {
        Nested::Table(S::schema())
    }
}

impl<S: Section> ReadKey<S> for SubTable<S> {
    fn read_key(
        &self,
        table: &TableReader<'_>,
        key: &'static KeySchema,
        sink: &mut DiagnosticSink,
    ) -> Field<S> {
        let item = table.item(key);
        let field = table.field(key, item.as_deref());
        let Some(item) = item else {
            return field;
        };
        let Some(inner) = item.as_table() else {
            let diagnostic = Diagnostic::new("not a table").expected(self.expected());
            sink.report(&field.location, diagnostic);
            return field;
        };
        // A table that is written but empty still gets the defaults of its keys.
        let reader = TableReader::new(S::schema(), inner, field.location.clone(), sink);
        let value = Some(S::read(&reader, sink));
        Field { value, ..field }
    }
}

impl<S: Section> TableOrKey<S> {
    fn key(&self) -> Option<&'static KeySchema> {
        let mut keys = S::schema().keys.iter();
        keys.find(|key| key.name == self.key)
    }
}

impl<S: Section> Key for TableOrKey<S> {
    fn expected(&self) -> String {
        let alone = self.key().map(|key| key.value_type.expected());
        format!("{}, or a table", alone.unwrap_or_default())
    }

    fn is_duration(&self) -> bool {
        self.key().is_some_and(|key| key.value_type.is_duration())
    }

    fn nested(&self, _key: &'static str) -> Nested {
        Nested::Table(S::schema())
    }
}

impl<S: Section> ReadKey<S> for TableOrKey<S> {
    fn read_key(
        &self,
        table: &TableReader<'_>,
        key: &'static KeySchema,
        sink: &mut DiagnosticSink,
    ) -> Field<S> {
        let item = table.item(key);
        let field = table.field(key, item.as_deref());
        let Some(item) = item else {
            if matches!(key.presence, KeyPresence::Required) {
                table.report_missing(key, sink);
            }
            return field;
        };
        let value = match item.as_table() {
            Some(inner) => {
                let reader = TableReader::new(S::schema(), inner, field.location.clone(), sink);
                S::read(&reader, sink)
            }
            None => {
                let mut inner = TomlTable::default();
                inner.insert(self.key, item.into_owned());
                let reader = TableReader::new(S::schema(), &inner, field.location.clone(), sink);
                S::read(&reader.with_value_alone(self.key), sink)
            }
        };
        Field {
            value: Some(value),
            ..field
        }
    }
}

impl<S: Section> Key for TableList<S> {
    fn expected(&self) -> String {
        "a list of tables".to_owned()
    }

    fn nested(&self, key: &'static str) -> Nested {
        Nested::List(ListSchema {
            key,
            noun: self.noun,
            section: S::schema(),
            by_name: self.by_name,
        })
    }
}

impl<S: Section> ReadKey<Vec<S>> for TableList<S> {
    fn read_key(
        &self,
        table: &TableReader<'_>,
        key: &'static KeySchema,
        sink: &mut DiagnosticSink,
    ) -> Field<Vec<S>> {
        let item = table.item(key);
        let field = table.field(key, item.as_deref());
        // A rule reports missing lists, because it knows which other tables need them.
        let (Some(item), Some(list)) = (item, key.list()) else {
            return field;
        };
        let header = list.section.header;
        let TomlValue::List(items) = &item.value else {
            sink.report(
                &field.location,
                Diagnostic::new("not a list of tables")
                    .expected(self.expected())
                    .hint(format!("write {header}, in double brackets")),
            );
            return field;
        };
        if items.is_empty() && matches!(key.presence, KeyPresence::Required) {
            let diagnostic = Diagnostic::new("an empty list");
            sink.report(
                &field.location,
                diagnostic.expected(format!("at least one `{header}`")),
            );
        }
        let elements = items.iter().enumerate();
        let elements = elements
            .filter_map(|(index, item)| read_element(&list, index, item, &field.location, sink));
        Field {
            value: Some(elements.collect()),
            ..field
        }
    }
}

/// Reads one table of a list at `location`.
fn read_element<S: Section>(
    list: &ListSchema,
    index: usize,
    item: &TomlItem,
    location: &ValueLocation,
    sink: &mut DiagnosticSink,
) -> Option<S> {
    let location = ValueLocation {
        span: item.span.clone(),
        key: location.key.clone(),
        found: Some(item.display_redacted()),
    };
    let Some(table) = item.as_table() else {
        let diagnostic = Diagnostic::new("not a table");
        sink.report(&location, diagnostic.expected("a list of tables"));
        return None;
    };
    let location = ValueLocation {
        key: list.path_of(&location.key, index, table),
        ..location
    };
    let reader = TableReader::new(S::schema(), table, location, sink)
        .with_numbered_name(list.numbered_name(index));
    Some(S::read(&reader, sink))
}
