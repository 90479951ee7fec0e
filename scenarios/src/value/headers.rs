//! Names and values of HTTP header fields. The checks are strict, because a slip would fail
//! every socket of a run.

use super::{FixedForm, variables::check_variables};
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
    "accept",
    "connection",
    "content-length",
    "content-type",
    "sec-websocket-key",
    "sec-websocket-version",
    "transfer-encoding",
    "upgrade",
    "x-highwater-timeout-ms",
];

/// Fields that a command may have of its own all the same, in lower case.
const COMMAND_HEADERS: [&str; 2] = ["accept", "content-type"];

/// Accepts a table of header fields, which keep the order of the file.
pub(crate) const fn headers() -> FixedForm<Vec<HttpHeader>> {
    FixedForm {
        expected: || {
            "a table of names and texts, such as { Authorization = \"Bearer ${TOKEN}\" }".to_owned()
        },
        read: |item| read_table(item, HeaderUse::Target),
    }
}

/// Accepts a table of header fields of a command, which keep the order of the file.
pub(crate) const fn request_headers() -> FixedForm<Vec<HttpHeader>> {
    FixedForm {
        expected: || {
            "a table of names and texts, such as { Content-Type = \"text/plain\" }".to_owned()
        },
        read: |item| read_table(item, HeaderUse::Command),
    }
}

/// The request that carries a header field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum HeaderUse {
    /// Each upgrade request and each command.
    Target,
    /// The commands of one load.
    Command,
}

fn read_table(item: &TomlItem, used: HeaderUse) -> Result<Vec<HttpHeader>, Diagnostic> {
    let Some(table) = item.as_table() else {
        return Err(Diagnostic::new("not a table"));
    };
    if table.entries().count() > MAX_HEADERS {
        let message = format!("more than {MAX_HEADERS} header fields");
        return Err(Diagnostic::new(message));
    }
    let headers = table.entries();
    headers.map(|entry| read_header(entry, used)).collect()
}

fn read_header(entry: &TomlEntry, used: HeaderUse) -> Result<HttpHeader, Diagnostic> {
    check_name(&entry.key, used)?;
    let TomlValue::Text(value) = &entry.item.value else {
        let message = format!(
            "the value of `{}` is not text in quotes",
            escape_shortened(&entry.key)
        );
        return Err(Diagnostic::new(message));
    };
    // Rules check the placeholders, because they know the names of each pool.
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

/// Whether a text is a token (RFC 9110, section 5.6.2), as the names of fields, cookies and subprotocols
/// are.
pub(super) fn is_token(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    (1..=100).contains(&text.len()) && text.chars().all(is_allowed)
}

fn check_name(name: &str, used: HeaderUse) -> Result<(), Diagnostic> {
    if !is_token(name) {
        return Err(Diagnostic::new(format!(
            "no header field is called `{}`",
            escape_shortened(name)
        )));
    }
    let lower = name.to_ascii_lowercase();
    // A second one of these would break the handshake or the request.
    let is_reserved = RESERVED_HEADERS.contains(&lower.as_str());
    // A body of the scenario's own has a type of its own.
    let is_own = used == HeaderUse::Command && COMMAND_HEADERS.contains(&lower.as_str());
    if is_reserved && !is_own {
        let message = format!("`{name}` is written by the harness itself");
        return Err(Diagnostic::new(message));
    }
    match lower.as_str() {
        "sec-websocket-protocol" => Err(Diagnostic::new(format!("`{name}` has a key of its own"))
            .hint("write subprotocol = [\"…\"] in [target]")),
        "sec-websocket-extensions" => {
            Err(Diagnostic::new(format!("`{name}` has a key of its own"))
                .hint("write compression = \"permessage-deflate\" in [target]"))
        }
        "host" => Err(
            Diagnostic::new(format!("`{name}` is the host of the address"))
                .hint("tls.server_name in [target] puts a name in place of hosts behind TLS"),
        ),
        "proxy-authorization" => Err(Diagnostic::new(format!("`{name}` is meant for a proxy"))
            .hint("write proxy = \"http://user:${PASSWORD}@HOST:PORT\" in [target]")),
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
    check_variables(&format!("the value of `{name}`"), value)
}

fn escape_shortened(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_debug).collect()
}
