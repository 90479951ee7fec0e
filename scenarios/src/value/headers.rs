//! Names and values of HTTP header fields. The checks are strict, because a slip would fail
//! every socket of a run.

use super::FixedForm;
use crate::{
    diagnostic::Diagnostic,
    plan::{BasicCredentials, HttpHeader},
    tree::{TomlEntry, TomlItem, TomlValue},
};

/// Header fields that one target may get.
const MAX_HEADERS: usize = 32;
/// Longest value, in bytes.
const MAX_VALUE_BYTES: usize = 4_096;

/// Fields that the harness writes itself, in lower case.
const RESERVED_HEADERS: [&str; 9] = [
    "connection",
    "content-length",
    "host",
    "sec-websocket-key",
    "sec-websocket-version",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-highwater-timeout-ms",
];

/// Fields that depend on the command, and that the harness writes for commands, in lower case.
const RESERVED_FOR_COMMANDS: [&str; 2] = ["accept", "content-type"];

/// Accepts a table of header fields of sockets and commands, which keep the order of the file.
pub(crate) const fn headers() -> FixedForm<Vec<HttpHeader>> {
    FixedForm {
        expected: || {
            "a table of names and texts, such as { Authorization = \"Bearer ${TOKEN}\" }".to_owned()
        },
        read: |item| read(item, &RESERVED_FOR_COMMANDS),
    }
}

/// Accepts a table of header fields of one request, whose body the scenario writes.
pub(crate) const fn request_headers() -> FixedForm<Vec<HttpHeader>> {
    FixedForm {
        expected: || {
            "a table of names and texts, such as { Content-Type = \"text/plain\" }".to_owned()
        },
        read: |item| read(item, &[]),
    }
}

fn read(item: &TomlItem, reserved: &[&str]) -> Result<Vec<HttpHeader>, Diagnostic> {
    let Some(table) = item.as_table() else {
        return Err(Diagnostic::new("not a table"));
    };
    if table.entries().count() > MAX_HEADERS {
        let message = format!("more than {MAX_HEADERS} header fields");
        return Err(Diagnostic::new(message));
    }
    let fields = table.entries().map(|entry| read_header(entry, reserved));
    fields.collect()
}

fn read_header(entry: &TomlEntry, reserved: &[&str]) -> Result<HttpHeader, Diagnostic> {
    check_name(&entry.key, reserved)?;
    let TomlValue::Text(value) = &entry.item.value else {
        let message = format!(
            "the value of `{}` is not text in quotes",
            escape_shortened(&entry.key)
        );
        return Err(Diagnostic::new(message));
    };
    check_value(&entry.key, value)?;
    Ok(HttpHeader {
        name: entry.key.clone(),
        value: value.clone(),
    })
}

/// Accepts name and password of HTTP's Basic scheme (RFC 7617).
pub(crate) const fn basic_credentials() -> FixedForm<BasicCredentials> {
    FixedForm {
        expected: || {
            "a table of two texts, such as { user = \"prometheus\", password = \"${PASSWORD}\" }"
                .to_owned()
        },
        read: read_basic,
    }
}

fn read_basic(item: &TomlItem) -> Result<BasicCredentials, Diagnostic> {
    let Some(table) = item.as_table() else {
        return Err(Diagnostic::new("not a table"));
    };
    let is_known = |entry: &TomlEntry| ["user", "password"].contains(&entry.key.as_str());
    if let Some(entry) = table.entries().find(|entry| !is_known(entry)) {
        let key = escape_shortened(&entry.key);
        return Err(Diagnostic::new(format!("unknown key `{key}`")));
    }
    let text = |key: &str| match table.get(key).map(|item| &item.value) {
        Some(TomlValue::Text(text)) => check_value(key, text).map(|()| text.clone()),
        Some(_) => Err(Diagnostic::new(format!("`{key}` is not text in quotes"))),
        None => Err(Diagnostic::new(format!("`{key}` is missing"))),
    };
    let (user, password) = (text("user")?, text("password")?);
    // The colon ends the name in the encoded form.
    match user.contains(':') {
        true => Err(Diagnostic::new("a name with `:` in it")),
        false => Ok(BasicCredentials { user, password }),
    }
}

/// Whether a text is a token (RFC 9110, section 5.6.2), as the names of fields and of cookies
/// are.
pub(super) fn is_token(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    (1..=100).contains(&text.len()) && text.chars().all(is_allowed)
}

fn check_name(name: &str, reserved: &[&str]) -> Result<(), Diagnostic> {
    if !is_token(name) {
        return Err(Diagnostic::new(format!(
            "no header field is called `{}`",
            escape_shortened(name)
        )));
    }
    let lower = name.to_ascii_lowercase();
    // A second one of these would break the handshake or the request.
    if RESERVED_HEADERS.contains(&lower.as_str()) || reserved.contains(&lower.as_str()) {
        let message = format!("`{name}` is written by the harness itself");
        return Err(Diagnostic::new(message));
    }
    match lower.as_str() {
        "sec-websocket-protocol" => Err(Diagnostic::new(format!("`{name}` has a key of its own"))
            .hint("write subprotocol = [\"…\"] in [target]")),
        "sec-websocket-extensions" => Err(Diagnostic::new(format!(
            "`{name}` offers extensions, and devices speak none"
        ))),
        _ => Ok(()),
    }
}

fn check_value(name: &str, value: &str) -> Result<(), Diagnostic> {
    // RFC 9110, section 5.5: a control character would end the field or the request.
    let printable = value.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    if value.len() > MAX_VALUE_BYTES || !printable || value.trim() != value {
        let message =
            format!("the value of `{name}` is not printable ASCII without spaces around it");
        return Err(Diagnostic::new(message));
    }
    // Variables are read when the run starts; here only their form is known.
    let mut rest = value;
    while let Some(at) = rest.find("${") {
        let inside = &rest[at + 2..];
        let end = inside.find('}').filter(|end| is_variable(&inside[..*end]));
        let Some(end) = end else {
            let message = format!("the value of `{name}` has `${{` without a variable and `}}`");
            return Err(Diagnostic::new(message).hint("write ${NAME}: letters, digits and _"));
        };
        rest = &inside[end + 1..];
    }
    // A rule checks the other placeholders, because it knows the pools.
    Ok(())
}

/// Whether a text can be the name of an environment variable.
fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn escape_shortened(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_debug).collect()
}
