//! Values to take from answers: names, and the place of each.

use super::FixedForm;
use crate::{
    diagnostic::Diagnostic,
    frames::{ValueNames, template::is_name},
    plan::{TakeSource, TakeSpec},
    suggest,
    tree::{TomlEntry, TomlItem, TomlValue},
};

/// Most values that one answer gives.
const MAX_VALUES: usize = 32;
/// Longest name of a value, in bytes.
const MAX_NAME_BYTES: usize = 64;
/// The kinds of places.
const KINDS: [&str; 4] = ["json", "regex", "cookie", "header"];

/// Accepts the values to take from a frame or a response.
pub(crate) const fn takes() -> FixedForm<Vec<TakeSpec>> {
    FixedForm {
        expected: || {
            format!(
                "a table of up to {MAX_VALUES} names and places, such as {{ sid = \"json:/sid\" }}"
            )
        },
        read,
    }
}

fn read(item: &TomlItem) -> Result<Vec<TakeSpec>, Diagnostic> {
    let Some(table) = item.as_table() else {
        return Err(Diagnostic::new("not a table"));
    };
    match table.entries().count() {
        0 => Err(Diagnostic::new("an empty table")),
        count if count > MAX_VALUES => Err(Diagnostic::new(format!("{count} values"))),
        _ => table.entries().map(read_take).collect(),
    }
}

fn read_take(entry: &TomlEntry) -> Result<TakeSpec, Diagnostic> {
    let name = entry.key.as_str();
    if !is_name(name) || name.len() > MAX_NAME_BYTES {
        let shown: String = name.chars().take(40).flat_map(char::escape_debug).collect();
        return Err(
            Diagnostic::new(format!("`{shown}` is not a placeholder's name"))
                .hint("a name has ASCII letters, digits and _, and begins with no digit"),
        );
    }
    if ValueNames::is_built_in(name) {
        let message = format!("`{name}` is a placeholder already");
        return Err(Diagnostic::new(message));
    }
    let TomlValue::Text(place) = &entry.item.value else {
        return Err(Diagnostic::new(format!(
            "the place of `{name}` is not text in quotes"
        )));
    };
    Ok(TakeSpec {
        name: name.to_owned(),
        from: read_place(name, place)?,
    })
}

fn read_place(name: &str, place: &str) -> Result<TakeSource, Diagnostic> {
    let (kind, rest) = place.split_once(':').unwrap_or((place, ""));
    let rest = rest.to_owned();
    Ok(match kind {
        "json" => TakeSource::Json(rest),
        "regex" => TakeSource::Regex(rest),
        "cookie" => TakeSource::Cookie(rest),
        "header" => TakeSource::Header(rest),
        _ => {
            let kinds = KINDS.map(|kind| format!("{kind}:…"));
            let kinds = kinds.iter().map(String::as_str);
            let message = format!("the place of `{name}` has an unknown kind");
            return Err(Diagnostic::new(message)
                .expected(suggest::quoted_list(kinds))
                .maybe_hint(suggest::did_you_mean(kind, KINDS)));
        }
    })
}
