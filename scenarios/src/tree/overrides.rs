//! `--set PATH=VALUE` put over the tree, before anything is validated.

use super::{SourceSpan, TomlItem, TomlTable, TomlValue, read::parse_value};
use crate::{
    diagnostic::{DiagnosticBuilder, DiagnosticSink},
    section::{self, ListSchema},
    suggest,
};

/// Puts each argument over `root`, from left to right; those that cannot be
/// placed go to `findings`. A key that does not exist is placed all the same:
/// validation finds it, as it would in the file.
pub(crate) fn apply_overrides(
    sets: &[String],
    root: &mut TomlTable,
    findings: &mut DiagnosticSink,
) {
    for (number, text) in sets.iter().enumerate() {
        let origin = SourceSpan::SetArgument(number);
        if let Err(finding) = apply_override(text, &origin, root) {
            findings.add(*finding);
        }
    }
}

fn apply_override(
    text: &str,
    origin: &SourceSpan,
    root: &mut TomlTable,
) -> Result<(), Box<DiagnosticBuilder>> {
    let malformed = || {
        let finding = DiagnosticBuilder::new(origin, "", "not of the form PATH=VALUE");
        Box::new(
            finding
                .expected("a path and a value, such as `duration=30s` or `devices.home.count=500`"),
        )
    };
    let (path, text) = text.split_once('=').ok_or_else(malformed)?;
    let path: Vec<&str> = path.trim().split('.').map(str::trim).collect();
    if path.iter().any(|part| part.is_empty()) || path.len() > 8 {
        return Err(malformed());
    }
    let item = parse_value(text, origin);
    match section::named_list(path[0]) {
        Some(list) if path.len() > 1 => {
            let element = find_element(root, list, path[1], origin)?;
            if path.len() == 2 {
                return Err(Box::new(element_without_key(list, path[1], origin)));
            }
            insert_at(element, &path[2..], item, origin)
        }
        _ => insert_at(root, &path, item, origin),
    }
}

/// Walks down tables, making those that are missing, and puts `item` there.
fn insert_at(
    table: &mut TomlTable,
    path: &[&str],
    item: TomlItem,
    origin: &SourceSpan,
) -> Result<(), Box<DiagnosticBuilder>> {
    let [key, rest @ ..] = path else {
        return Ok(());
    };
    if rest.is_empty() {
        table.insert(key, item);
        return Ok(());
    }
    if table.get(key).is_none() {
        let empty = TomlItem {
            value: TomlValue::Table(TomlTable::default()),
            span: origin.clone(),
        };
        table.insert(key, empty);
    }
    match table.get_mut(key).map(|item| &mut item.value) {
        Some(TomlValue::Table(inner)) => insert_at(inner, rest, item, origin),
        _ => {
            let what = format!("`{key}` is no table: nothing can be set below it");
            Err(Box::new(DiagnosticBuilder::new(
                origin,
                &path.join("."),
                what,
            )))
        }
    }
}

/// The element of a list that goes by `name`.
fn find_element<'t>(
    root: &'t mut TomlTable,
    list: &ListSchema,
    name: &str,
    origin: &SourceSpan,
) -> Result<&'t mut TomlTable, Box<DiagnosticBuilder>> {
    let items = match root.get_mut(list.key).map(|item| &mut item.value) {
        Some(TomlValue::List(items)) => items.as_mut_slice(),
        _ => &mut [],
    };
    let names: Vec<Option<String>> = (0..)
        .zip(items.iter())
        .map(|(index, item)| list.name_of(index, item.as_table()?))
        .collect();
    let place = names
        .iter()
        .position(|known| known.as_deref() == Some(name));
    match place
        .and_then(|place| items.get_mut(place))
        .map(|item| &mut item.value)
    {
        Some(TomlValue::Table(table)) => Ok(table),
        _ => Err(Box::new(unknown_name(list, name, &names, origin))),
    }
}

fn unknown_name(
    list: &ListSchema,
    name: &str,
    names: &[Option<String>],
    origin: &SourceSpan,
) -> DiagnosticBuilder {
    let names: Vec<&str> = names.iter().flatten().map(String::as_str).collect();
    let what = format!("no {} of that name", list.noun);
    let accepted = if names.is_empty() {
        format!("nothing: this scenario names no {}", list.noun)
    } else {
        suggest::quoted_list(names.iter().copied())
    };
    DiagnosticBuilder::new(origin, &format!("{}.{name}", list.key), what)
        .found(format!("`{}`", name.escape_debug()))
        .expected(accepted)
        .maybe_hint(suggest::did_you_mean(name, names))
}

fn element_without_key(list: &ListSchema, name: &str, origin: &SourceSpan) -> DiagnosticBuilder {
    let path = format!("{}.{name}", list.key);
    let what = format!("names a whole {}, not one of its keys", list.noun);
    let example = list.section.keys.get(1).map_or("key", |key| key.name);
    DiagnosticBuilder::new(origin, &path, what)
        .expected(format!("a key below it, such as `{path}.{example}`"))
}
