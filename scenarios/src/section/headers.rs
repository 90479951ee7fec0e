//! Names and values of HTTP header fields, checked before they are sent: a slip
//! would fail every socket of a run.

use super::Refusal;
use crate::{
    plan::Header,
    tree::{Table, Value},
};

/// Fields that one target is sent.
const MOST: usize = 32;
/// Longest value, in bytes.
const LONGEST: usize = 4_096;

/// What the harness writes itself, in lower case.
const OWN: [&str; 13] = [
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
pub(super) fn read(table: &Table) -> Result<Vec<Header>, Refusal> {
    if table.entries().count() > MOST {
        return Err(Refusal::new(format!("more than {MOST} header fields")));
    }
    let fields = table.entries().map(|entry| {
        check_name(&entry.key)?;
        let Value::Text(value) = &entry.item.value else {
            let what = format!("the value of `{}` is not text in quotes", shown(&entry.key));
            return Err(Refusal::new(what));
        };
        check_value(&entry.key, value)?;
        Ok(Header {
            name: entry.key.clone(),
            value: value.clone(),
        })
    });
    fields.collect()
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || name.len() > 100 || !name.chars().all(is_token) {
        return Err(Refusal::new(format!(
            "no header field is called `{}`",
            shown(name)
        )));
    }
    let lower = name.to_ascii_lowercase();
    if OWN.contains(&lower.as_str()) {
        let what = format!("`{name}` is written by the harness itself");
        return Err(Refusal::new(what));
    }
    Ok(())
}

fn check_value(name: &str, value: &str) -> Result<(), Refusal> {
    let printable = value.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    if value.len() > LONGEST || !printable || value.trim() != value {
        let what = format!("the value of `{name}` is not printable ASCII without spaces around it");
        return Err(Refusal::new(what));
    }
    let mut rest = value;
    while let Some(at) = rest.find("${") {
        let inside = &rest[at + 2..];
        let end = inside.find('}').filter(|end| is_variable(&inside[..*end]));
        let Some(end) = end else {
            let what = format!("the value of `{name}` has `${{` without a variable and `}}`");
            return Err(Refusal::new(what).hint("write ${NAME}: letters, digits and _"));
        };
        rest = &inside[end + 1..];
    }
    Ok(())
}

/// Whether it can be the name of an environment variable.
fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn shown(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_debug).collect()
}
