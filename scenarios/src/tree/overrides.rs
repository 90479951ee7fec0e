//! `--set PATH=VALUE` put over the tree, before anything is validated.

use super::{Item, Origin, Table, Value, read::value};
use crate::{
    diagnostic::{Finding, Findings},
    section::{self, List},
    suggest,
};

/// Puts each argument over `root`, from left to right; those that cannot be
/// placed go to `findings`. A key that does not exist is placed all the same:
/// validation finds it, as it would in the file.
pub(crate) fn apply(sets: &[String], root: &mut Table, findings: &mut Findings) {
    for (number, text) in sets.iter().enumerate() {
        let origin = Origin::Set(number);
        if let Err(finding) = put(text, &origin, root) {
            findings.add(*finding);
        }
    }
}

fn put(text: &str, origin: &Origin, root: &mut Table) -> Result<(), Box<Finding>> {
    let malformed = || {
        let finding = Finding::new(origin, "", "not of the form PATH=VALUE");
        Box::new(
            finding
                .accepted("a path and a value, such as `duration=30s` or `devices.home.count=500`"),
        )
    };
    let (path, text) = text.split_once('=').ok_or_else(malformed)?;
    let path: Vec<&str> = path.trim().split('.').map(str::trim).collect();
    if path.iter().any(|part| part.is_empty()) || path.len() > 8 {
        return Err(malformed());
    }
    let item = value(text, origin);
    match section::list(path[0]) {
        Some(list) if path.len() > 1 => {
            let element = element(root, list, path[1], origin)?;
            if path.len() == 2 {
                return Err(Box::new(whole_element(list, path[1], origin)));
            }
            insert(element, &path[2..], item, origin)
        }
        _ => insert(root, &path, item, origin),
    }
}

/// Walks down tables, making those that are missing, and puts `item` there.
fn insert(
    table: &mut Table,
    path: &[&str],
    item: Item,
    origin: &Origin,
) -> Result<(), Box<Finding>> {
    let [key, rest @ ..] = path else {
        return Ok(());
    };
    if rest.is_empty() {
        table.insert(key, item);
        return Ok(());
    }
    if table.get(key).is_none() {
        let empty = Item {
            value: Value::Table(Table::default()),
            origin: origin.clone(),
        };
        table.insert(key, empty);
    }
    match table.get_mut(key).map(|item| &mut item.value) {
        Some(Value::Table(inner)) => insert(inner, rest, item, origin),
        _ => {
            let what = format!("`{key}` is no table: nothing can be set below it");
            Err(Box::new(Finding::new(origin, &path.join("."), what)))
        }
    }
}

/// The element of a list that goes by `name`.
fn element<'t>(
    root: &'t mut Table,
    list: &List,
    name: &str,
    origin: &Origin,
) -> Result<&'t mut Table, Box<Finding>> {
    let items = match root.get_mut(list.key).map(|item| &mut item.value) {
        Some(Value::List(items)) => items.as_mut_slice(),
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
        Some(Value::Table(table)) => Ok(table),
        _ => Err(Box::new(no_such_name(list, name, &names, origin))),
    }
}

fn no_such_name(list: &List, name: &str, names: &[Option<String>], origin: &Origin) -> Finding {
    let names: Vec<&str> = names.iter().flatten().map(String::as_str).collect();
    let what = format!("no {} of that name", list.noun);
    let accepted = if names.is_empty() {
        format!("nothing: this scenario names no {}", list.noun)
    } else {
        suggest::list(names.iter().copied())
    };
    Finding::new(origin, &format!("{}.{name}", list.key), what)
        .found(format!("`{}`", name.escape_debug()))
        .accepted(accepted)
        .maybe_hint(suggest::hint(name, names))
}

fn whole_element(list: &List, name: &str, origin: &Origin) -> Finding {
    let path = format!("{}.{name}", list.key);
    let what = format!("names a whole {}, not one of its keys", list.noun);
    let example = list.section.keys.get(1).map_or("key", |key| key.name);
    Finding::new(origin, &path, what)
        .accepted(format!("a key below it, such as `{path}.{example}`"))
}
