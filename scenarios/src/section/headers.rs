//! Names and values of HTTP header fields, checked before they are sent: a slip
//! would fail every socket of a run.

use super::ValueDiagnostic;
use crate::{
    plan::HttpHeader,
    tree::{TomlTable, TomlValue},
};

/// Fields that one target is sent.
const MAX_HEADERS: usize = 32;
/// Longest value, in bytes.
const MAX_VALUE_BYTES: usize = 4_096;

/// What the harness writes itself, in lower case.
const RESERVED_HEADERS: [&str; 13] = [
    "accept",
    "connection",
    "content-length",
    "content-type",
    "host",
    "sec-websocket-extensions",
    "sec-websocket-key",
    "sec-websocket-protocol",
    "sec-websocket-version",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-highwater-timeout-ms",
];

/// Reads a table of fields.
pub(super) fn parse(table: &TomlTable) -> Result<Vec<HttpHeader>, ValueDiagnostic> {
    if table.entries().count() > MAX_HEADERS {
        return Err(ValueDiagnostic::new(format!(
            "more than {MAX_HEADERS} header fields"
        )));
    }
    let fields = table.entries().map(|entry| {
        check_name(&entry.key)?;
        let TomlValue::Text(value) = &entry.item.value else {
            let what = format!(
                "the value of `{}` is not text in quotes",
                escape_shortened(&entry.key)
            );
            return Err(ValueDiagnostic::new(what));
        };
        check_value(&entry.key, value)?;
        Ok(HttpHeader {
            name: entry.key.clone(),
            value: value.clone(),
        })
    });
    fields.collect()
}

fn check_name(name: &str) -> Result<(), ValueDiagnostic> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || name.len() > 100 || !name.chars().all(is_token) {
        return Err(ValueDiagnostic::new(format!(
            "no header field is called `{}`",
            escape_shortened(name)
        )));
    }
    let lower = name.to_ascii_lowercase();
    if RESERVED_HEADERS.contains(&lower.as_str()) {
        let what = format!("`{name}` is written by the harness itself");
        return Err(ValueDiagnostic::new(what));
    }
    Ok(())
}

fn check_value(name: &str, value: &str) -> Result<(), ValueDiagnostic> {
    let printable = value.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    if value.len() > MAX_VALUE_BYTES || !printable || value.trim() != value {
        let what = format!("the value of `{name}` is not printable ASCII without spaces around it");
        return Err(ValueDiagnostic::new(what));
    }
    let mut rest = value;
    while let Some(at) = rest.find("${") {
        let inside = &rest[at + 2..];
        let end = inside.find('}').filter(|end| is_variable(&inside[..*end]));
        let Some(end) = end else {
            let what = format!("the value of `{name}` has `${{` without a variable and `}}`");
            return Err(ValueDiagnostic::new(what).hint("write ${NAME}: letters, digits and _"));
        };
        rest = &inside[end + 1..];
    }
    Ok(())
}

/// Whether it can be the name of an environment variable.
fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn escape_shortened(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_debug).collect()
}
