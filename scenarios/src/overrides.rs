//! `--set PATH=VALUE` arguments, put over the tree before anything is validated.

use crate::{
    diagnostic::{Diagnostic, DiagnosticSink, SourceSpan, ValueLocation},
    section::{ListSchema, SectionSchema},
    suggest,
    tree::{TomlItem, TomlTable, TomlValue, parse_value},
};

/// Most parts of a path. The deepest key has four; each part may nest a new table.
const MAX_PATH_PARTS: usize = 8;

/// A `--set` argument and the span of its problems.
struct Override<'a> {
    span: SourceSpan,
    path: Vec<&'a str>,
    value: &'a str,
}

/// Puts each argument over `root`, from left to right; those that cannot be placed go to
/// `sink`. An unknown key is placed all the same, because validation reports it as it
/// would in the file.
pub(crate) fn apply_overrides(
    sets: &[String],
    schema: &SectionSchema,
    root: &mut TomlTable,
    sink: &mut DiagnosticSink,
) {
    for (number, text) in sets.iter().enumerate() {
        let span = SourceSpan::SetArgument(number);
        match Override::parse(text, span.clone()) {
            Some(set) => set.apply(schema, root, sink),
            None => sink.report(
                &ValueLocation::new(span, ""),
                Diagnostic::new("not of the form PATH=VALUE").expected(
                    "a path and a value, such as `duration=30s` or `devices.home.count=500`",
                ),
            ),
        }
    }
}

impl<'a> Override<'a> {
    fn parse(text: &'a str, span: SourceSpan) -> Option<Self> {
        // At the first `=`, because values such as checks contain more of them.
        let (path, value) = text.split_once('=')?;
        // A shell passes `a = b` in quotes as one argument, with its spaces.
        let path: Vec<&str> = path.trim().split('.').map(str::trim).collect();
        let is_path = path.len() <= MAX_PATH_PARTS && path.iter().all(|part| !part.is_empty());
        is_path.then_some(Self { span, path, value })
    }

    fn apply(&self, schema: &SectionSchema, root: &mut TomlTable, sink: &mut DiagnosticSink) {
        // A path of one part may replace a whole list, as `gates=[]` does.
        match (schema.list(self.path[0]), self.path.as_slice()) {
            (Some(list), [_, name, rest @ ..]) => match self.element(&list, name, root) {
                Ok(_) if rest.is_empty() => self.report_element_without_key(&list, name, sink),
                Ok(table) => self.insert_at(table, rest, sink),
                Err(names) => self.report_unknown_name(&list, name, &names, sink),
            },
            (_, path) => self.insert_at(root, path, sink),
        }
    }

    /// Walks down the tables of a path, adds those that are missing, and puts the value at
    /// its end.
    fn insert_at(&self, table: &mut TomlTable, path: &[&str], sink: &mut DiagnosticSink) {
        let [key, rest @ ..] = path else {
            return;
        };
        if rest.is_empty() {
            table.insert(key, parse_value(self.value, &self.span));
            return;
        }
        if table.get(key).is_none() {
            // The table gets the span of the argument, so that problems of its missing keys
            // point there.
            let empty = TomlItem {
                value: TomlValue::Table(TomlTable::default()),
                span: self.span.clone(),
            };
            table.insert(key, empty);
        }
        match table.get_mut(key).map(|item| &mut item.value) {
            Some(TomlValue::Table(inner)) => self.insert_at(inner, rest, sink),
            _ => sink.report(
                &self.location(path.join(".")),
                Diagnostic::new(format!(
                    "`{key}` is not a table: nothing can be set below it"
                )),
            ),
        }
    }

    /// Returns the element of a list that goes by `name`, or the names of all of them.
    fn element<'t>(
        &self,
        list: &ListSchema,
        name: &str,
        root: &'t mut TomlTable,
    ) -> Result<&'t mut TomlTable, Vec<String>> {
        let items = match root.get_mut(list.key).map(|item| &mut item.value) {
            Some(TomlValue::List(items)) => items.as_mut_slice(),
            // A key that is not a list has no elements; validation reports it.
            _ => &mut [],
        };
        // Elements that are not tables keep their number, as in messages and in the plan.
        let names: Vec<Option<String>> = (0..)
            .zip(items.iter())
            .map(|(index, item)| list.name_of(index, item.as_table()?))
            .collect();
        let index = names
            .iter()
            .position(|known| known.as_deref() == Some(name));
        match index.map(|index| &mut items[index].value) {
            Some(TomlValue::Table(table)) => Ok(table),
            _ => Err(names.into_iter().flatten().collect()),
        }
    }

    fn report_unknown_name(
        &self,
        list: &ListSchema,
        name: &str,
        names: &[String],
        sink: &mut DiagnosticSink,
    ) {
        let names = || names.iter().map(String::as_str);
        let expected = match names().next() {
            None => format!("nothing: this scenario names no {}", list.noun),
            Some(_) => suggest::quoted_list(names()),
        };
        let location = ValueLocation {
            found: Some(format!("`{}`", name.escape_debug())),
            ..self.location(format!("{}.{name}", list.key))
        };
        sink.report(
            &location,
            Diagnostic::new(format!("no {} of that name", list.noun))
                .expected(expected)
                .maybe_hint(suggest::did_you_mean(name, names())),
        );
    }

    fn report_element_without_key(&self, list: &ListSchema, name: &str, sink: &mut DiagnosticSink) {
        let path = format!("{}.{name}", list.key);
        // The first key is the name, which the path has already.
        let example = list.section.keys.get(1).map_or("key", |key| key.name);
        sink.report(
            &self.location(path.clone()),
            Diagnostic::new(format!("names a whole {}, not one of its keys", list.noun))
                .expected(format!("a key below it, such as `{path}.{example}`")),
        );
    }

    fn location(&self, key: String) -> ValueLocation {
        ValueLocation::new(self.span.clone(), key)
    }
}
