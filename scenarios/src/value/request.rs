//! The parts of an HTTP request that a scenario writes: its address, its body.

use serde_json::Value;

use super::{
    FixedForm,
    address::check_request_url,
    text::{checked_text, quoted_text},
};
use crate::{
    data::DataFormat,
    diagnostic::Diagnostic,
    tree::{TomlEntry, TomlItem, TomlValue},
};

/// Longest body as written, in bytes, and most fields of a form.
const MAX_BODY_BYTES: usize = 64 << 10;
const MAX_FORM_FIELDS: usize = 64;

/// Accepts the address of an HTTP request, with placeholders.
pub(crate) const fn request_url() -> FixedForm<String> {
    FixedForm {
        expected: || "an address such as \"https://${HOST}/login\"".to_owned(),
        read: |item| checked_text(item, check_request_url),
    }
}

/// Accepts the path of a data file.
pub(crate) const fn data_file() -> FixedForm<String> {
    FixedForm {
        expected: || {
            "the path of a `.csv` or `.jsonl` file, seen from the scenario's folder".to_owned()
        },
        read: |item| {
            checked_text(item, |text| match DataFormat::of(text) {
                Some(_) if text.len() <= 500 && !text.chars().any(char::is_control) => Ok(()),
                Some(_) => Err(Diagnostic::new(
                    "a path that is too long, or not plain text",
                )),
                None => Err(Diagnostic::new("neither a `.csv` nor a `.jsonl` file")),
            })
        },
    }
}

/// Accepts a table that is sent as JSON.
pub(crate) const fn json_body() -> FixedForm<Value> {
    FixedForm {
        expected: || {
            "a table that is sent as JSON, such as { user = \"{device}\", pass = \"{pass}\" }"
                .to_owned()
        },
        read: |item| match &item.value {
            TomlValue::Table(_) | TomlValue::List(_) => {
                let json = to_json(item)?;
                check_body(&json.to_string())?;
                Ok(json)
            }
            _ => Err(Diagnostic::new("not a table")),
        },
    }
}

/// Accepts a table that is sent as the fields of a form.
pub(crate) const fn form_body() -> FixedForm<Vec<(String, String)>> {
    FixedForm {
        expected: || {
            "a table of names and texts that is sent as a form, such as { user = \"{device}\" }"
                .to_owned()
        },
        read: read_form,
    }
}

/// Accepts any text as a body.
pub(crate) const fn text_body() -> FixedForm<String> {
    FixedForm {
        expected: || format!("text of up to {} KiB", MAX_BODY_BYTES >> 10),
        read: |item| checked_text(item, check_body),
    }
}

fn read_form(item: &TomlItem) -> Result<Vec<(String, String)>, Diagnostic> {
    let Some(table) = item.as_table() else {
        return Err(Diagnostic::new("not a table"));
    };
    if table.entries().count() > MAX_FORM_FIELDS {
        return Err(Diagnostic::new(format!(
            "more than {MAX_FORM_FIELDS} fields"
        )));
    }
    let fields = table.entries().map(|entry| {
        let value = quoted_text(&entry.item)?;
        check_body(value)?;
        Ok((entry.key.clone(), value.to_owned()))
    });
    fields.collect()
}

fn check_body(text: &str) -> Result<(), Diagnostic> {
    match text.len() {
        ..=MAX_BODY_BYTES => Ok(()),
        _ => Err(Diagnostic::new("a body that is too long")),
    }
}

/// Returns a value of TOML as JSON. The parser of TOML bounds the depth.
fn to_json(item: &TomlItem) -> Result<Value, Diagnostic> {
    Ok(match &item.value {
        TomlValue::Text(text) => Value::from(text.as_str()),
        TomlValue::Integer(number) => match i64::try_from(*number) {
            Ok(number) => Value::from(number),
            Err(_) => return Err(Diagnostic::new("a number that is too large")),
        },
        TomlValue::List(items) => {
            Value::Array(items.iter().map(to_json).collect::<Result<_, _>>()?)
        }
        TomlValue::Table(table) => {
            let field = |entry: &TomlEntry| Ok((entry.key.clone(), to_json(&entry.item)?));
            Value::Object(
                table
                    .entries()
                    .map(field)
                    .collect::<Result<_, Diagnostic>>()?,
            )
        }
        // Booleans and decimal numbers are the same in JSON; a date is not.
        TomlValue::Other(text, kind) => match serde_json::from_str(text) {
            Ok(value @ (Value::Bool(_) | Value::Number(_))) => value,
            _ => {
                return Err(
                    Diagnostic::new(format!("a value that JSON does not have: {kind}"))
                        .hint("write it as text in quotes"),
                );
            }
        },
    })
}
