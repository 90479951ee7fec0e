//! Values of header fields and of logins that are written into a scenario, kept out of records
//! and messages.
//!
//! A header field or the body of a login may carry a key or a password. Its place is a variable: `${NAME}` stands in
//! the scenario, and the coordinator looks it up. What is written out all the same is sent as
//! it is, and shown nowhere: records, reports and error messages have `***` in its place.

use std::ops::Range;

use crate::{
    diagnostic::{DiagnosticSink, SourceSpan},
    frames::template::{Mark, next_mark},
    plan::{HttpHeader, LoginBody, Plan, SystemSpec},
    tree::{self, TomlItem, TomlTable, TomlValue},
};

/// Text in place of a value.
const MASK: &str = "***";

/// Header fields whose values are no secrets, in lower case.
const HARMLESS_HEADERS: [&str; 5] = [
    "accept-encoding",
    "accept-language",
    "cache-control",
    "origin",
    "pragma",
];

/// Words before a credential, which say its kind (RFC 9110, section 11.1).
const AUTH_SCHEMES: [&str; 5] = ["apikey ", "basic ", "bearer ", "digest ", "token "];

/// A function that returns the text in place of a part of a value.
type MaskFn = fn(&str) -> String;

impl HttpHeader {
    /// Whether the value is written out and may be a secret, without any `${NAME}`.
    pub fn has_literal_secret(&self) -> bool {
        !self.value.contains("${") && self.masked().value != self.value
    }

    /// Returns the field with `***` in place of what may be a secret.
    #[must_use]
    pub fn masked(&self) -> Self {
        let value = match is_harmless(&self.name) {
            true => self.value.clone(),
            false => mask_value(&self.value, |_| MASK.to_owned()),
        };
        Self {
            name: self.name.clone(),
            value,
        }
    }
}

impl Plan {
    /// Returns the plan as records show it, with masked header fields and login bodies.
    #[must_use]
    pub fn without_secrets(mut self) -> Self {
        if let SystemSpec::Target(target) = &mut self.system {
            mask_headers(&mut target.headers);
        }
        for login in self
            .devices
            .iter_mut()
            .filter_map(|pool| pool.login.as_mut())
        {
            mask_headers(&mut login.headers);
            if let Some(body) = &mut login.body {
                body.mask();
            }
        }
        self
    }

    /// Yields the names of the header fields whose values are written out and may be secrets.
    pub fn literal_secrets(&self) -> impl Iterator<Item = &str> {
        let headers = match &self.system {
            SystemSpec::Target(target) => target.headers.as_slice(),
            SystemSpec::Cluster(_) => &[],
        };
        let logins = self.devices.iter().filter_map(|pool| pool.login.as_ref());
        let headers = headers
            .iter()
            .chain(logins.flat_map(|login| &login.headers));
        let literal = headers.filter(|header| header.has_literal_secret());
        literal.map(|header| header.name.as_str())
    }
}

fn mask_headers(headers: &mut [HttpHeader]) {
    for header in headers {
        *header = header.masked();
    }
}

impl LoginBody {
    /// Puts `***` in place of every text that may be a secret.
    fn mask(&mut self) {
        match self {
            Self::Json(json) => mask_json(json),
            Self::Form(fields) => fields.iter_mut().for_each(|(_, value)| mask_whole(value)),
            Self::Text(text) => mask_whole(text),
        }
    }
}

fn mask_json(json: &mut serde_json::Value) {
    use serde_json::Value;
    match json {
        Value::String(text) => mask_whole(text),
        // A PIN may be written as a number.
        Value::Number(_) => *json = MASK.into(),
        Value::Array(items) => items.iter_mut().for_each(mask_json),
        Value::Object(fields) => fields.values_mut().for_each(mask_json),
        Value::Bool(_) | Value::Null => {}
    }
}

fn mask_whole(text: &mut String) {
    *text = mask_value(text, |_| MASK.to_owned());
}

/// Returns the text of a scenario with `***` in place of the values of header fields and of
/// the bodies of logins.
pub fn mask_secrets(text: &str) -> String {
    mask_text(text, |_| MASK.to_owned())
}

/// Returns a `--set` argument with `***` in place of the value of a header field.
pub fn mask_set(argument: &str) -> String {
    mask_argument(argument, |_| MASK.to_owned())
}

/// Masks as [`mask_secrets`] does, without a change of length, so that the locations of
/// problems stay right.
pub(crate) fn mask_secrets_same_length(text: &str) -> String {
    mask_text(text, stars)
}

/// Masks as [`mask_set`] does, without a change of length.
pub(crate) fn mask_set_same_length(argument: &str) -> String {
    mask_argument(argument, stars)
}

fn mask_text(text: &str, mask: MaskFn) -> String {
    // Problems of the text are reported elsewhere.
    let root = tree::parse(text, &mut DiagnosticSink::default());
    let mut ranges = Vec::new();
    find_values(&root, Part::Open, &mut ranges);
    ranges.sort_by_key(|range| range.start);
    let mut masked = String::with_capacity(text.len());
    let mut end = 0;
    for range in ranges {
        let (Some(before), Some(literal)) = (text.get(end..range.start), text.get(range.clone()))
        else {
            continue;
        };
        masked.push_str(before);
        masked.push_str(&mask_literal(literal, mask));
        end = range.end;
    }
    masked.push_str(&text[end..]);
    masked
}

/// The part of a scenario that a value stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A part without secrets.
    Open,
    /// A login, whose body may hold secrets.
    Login,
    /// Header fields, or the body of a login.
    Secret,
}

impl Part {
    /// Returns the part below a key.
    fn below(self, key: &str) -> Self {
        let key = key.to_ascii_lowercase();
        match (self, key.as_str()) {
            (Self::Secret, _) => Self::Secret,
            _ if is_headers_key(&key) => Self::Secret,
            (Self::Login, "json" | "form" | "body") => Self::Secret,
            (_, "login") => Self::Login,
            (part, _) => part,
        }
    }
}

/// Finds the values below every table that is called after header fields, also where such a
/// table does not belong, and the bodies of logins.
fn find_values(table: &TomlTable, part: Part, ranges: &mut Vec<Range<usize>>) {
    for entry in table.entries() {
        let below = part.below(&entry.key);
        match below == Part::Secret && is_harmless(&entry.key) {
            true => {}
            false => find_in_item(&entry.item, below, ranges),
        }
    }
}

fn find_in_item(item: &TomlItem, part: Part, ranges: &mut Vec<Range<usize>>) {
    match &item.value {
        TomlValue::Table(inner) => find_values(inner, part, ranges),
        TomlValue::List(items) => items
            .iter()
            .for_each(|item| find_in_item(item, part, ranges)),
        _ if part == Part::Secret => {
            if let SourceSpan::File(range) = &item.span {
                ranges.push(range.clone());
            }
        }
        _ => {}
    }
}

fn mask_argument(argument: &str, mask: MaskFn) -> String {
    let Some((path, value)) = argument.split_once('=') else {
        return argument.to_owned();
    };
    let mut parts = path.split('.').map(str::trim);
    let part = parts.clone().fold(Part::Open, Part::below);
    let lower = value.to_ascii_lowercase();
    // A whole table as a value.
    let is_table_of = |key: &str| lower.contains(key) && lower.contains('{');
    let is_secret = match part {
        Part::Secret => true,
        Part::Login => value.contains('{'),
        Part::Open => is_table_of("headers") || is_table_of("login"),
    };
    let is_harmless_field = parts.next_back().is_some_and(is_harmless);
    match is_secret && !is_harmless_field {
        true => format!("{path}={}", mask_value(value, mask)),
        false => argument.to_owned(),
    }
}

fn is_headers_key(key: &str) -> bool {
    key.to_ascii_lowercase().starts_with("header")
}

fn is_harmless(name: &str) -> bool {
    HARMLESS_HEADERS.contains(&name.to_ascii_lowercase().as_str())
}

/// Masks a value as it is written in TOML; its quotes stay.
fn mask_literal(literal: &str, mask: MaskFn) -> String {
    let quotes = ["\"\"\"", "'''", "\"", "'"];
    let quote = quotes.into_iter().find(|quote| {
        literal.len() >= 2 * quote.len() && literal.starts_with(quote) && literal.ends_with(quote)
    });
    let quote = quote.unwrap_or_default();
    let inner = &literal[quote.len()..literal.len() - quote.len()];
    format!("{quote}{}{quote}", mask_value(inner, mask))
}

/// Masks everything but the scheme in front, placeholders, and what has no letters and digits.
fn mask_value(value: &str, mask: MaskFn) -> String {
    let lower = value.to_ascii_lowercase();
    let scheme = AUTH_SCHEMES
        .iter()
        .find(|scheme| lower.starts_with(**scheme));
    let (scheme, mut rest) = value.split_at(scheme.map_or(0, |scheme| scheme.len()));
    let mut masked = scheme.to_owned();
    let push_literal =
        |masked: &mut String, literal: &str| match literal.chars().any(char::is_alphanumeric) {
            true => masked.push_str(&mask(literal)),
            false => masked.push_str(literal),
        };
    while let Some(range) = next_placeholder(rest) {
        push_literal(&mut masked, &rest[..range.start]);
        masked.push_str(&rest[range.clone()]);
        rest = &rest[range.end..];
    }
    push_literal(&mut masked, rest);
    masked
}

/// Finds the first `${NAME}` or `{name}`.
fn next_placeholder(text: &str) -> Option<Range<usize>> {
    let (before, mark, after) = next_mark(text)?;
    let start = match mark {
        Mark::Value(_) | Mark::Environment(_) => before.len(),
        // The second brace is text, and what it holds is a placeholder no more.
        Mark::Escaped(_) => return None,
    };
    Some(start..text.len() - after.len())
}

/// Returns as many `*` as the text has bytes. Line feeds stay, because problems have lines.
fn stars(text: &str) -> String {
    let star = |byte| if byte == b'\n' { '\n' } else { '*' };
    text.bytes().map(star).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(name: &str, value: &str) -> (String, bool) {
        let header = HttpHeader {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        (header.masked().value, header.has_literal_secret())
    }

    #[test]
    fn only_variables_and_harmless_fields_stay() {
        for (name, value, shown, is_secret) in [
            ("X-Api-Key", "s3cr3t", "***", true),
            ("Authorization", "Bearer s3cr3t", "Bearer ***", true),
            ("Authorization", "Bearer ${TOKEN}", "Bearer ${TOKEN}", false),
            ("Cookie", "sid=s3cr3t; u=${U}", "***${U}", false),
            ("X-Device", "{device}", "{device}", false),
            ("X-Device", "s3cr3t-{device}", "***{device}", true),
            ("Cookie", "sid={session}", "***{session}", true),
            ("Accept-Language", "en", "en", false),
            ("X-Empty", "", "", false),
        ] {
            let expected = (shown.to_owned(), is_secret);
            assert_eq!(masked(name, value), expected, "{name}: {value}");
        }
    }

    #[test]
    fn text_of_a_scenario_shows_no_value_of_a_header_field() {
        let text = "name = \"t\" # s3cr3t\n[target]\nheaders = { A = \"s3cr3t\", \
                    Accept-Language = \"en\", B = 'Bearer ${T}' }\n[target.headers2]\nC = \"s3cr3t\"\n";
        let expected = "name = \"t\" # s3cr3t\n[target]\nheaders = { A = \"***\", \
                        Accept-Language = \"en\", B = 'Bearer ${T}' }\n[target.headers2]\nC = \"***\"\n";
        assert_eq!(mask_secrets(text), expected);
        let same_length = mask_secrets_same_length(text);
        assert_eq!(same_length, expected.replace("***", "******"));
        assert_eq!(mask_secrets("not = = toml"), "not = = toml");
    }

    #[test]
    fn text_of_a_scenario_shows_no_value_of_a_login() {
        let text = "[[devices]]\nexpect = { json = { type = \"pong\" } }\n[devices.login]\n\
                    post = \"http://h\"\njson = { user = \"{device}\", pass = \"s3cr3t\", \
                    pins = [4711, \"s3cr3t-{n}\"] }\nbody = \"s3cr3t\"\n";
        let expected = "[[devices]]\nexpect = { json = { type = \"pong\" } }\n[devices.login]\n\
                        post = \"http://h\"\njson = { user = \"{device}\", pass = \"***\", \
                        pins = [***, \"***{n}\"] }\nbody = \"***\"\n";
        assert_eq!(mask_secrets(text), expected);
    }

    #[test]
    fn argument_shows_no_value_of_a_header_field() {
        for (argument, shown) in [
            ("target.headers.X-Key=s3cr3t", "target.headers.X-Key=***"),
            ("target.headers.X-Key=${K}", "target.headers.X-Key=${K}"),
            ("target.headers={ A = \"s3cr3t\" }", "target.headers=***"),
            ("target={ headers = { A = \"s3cr3t\" } }", "target=***"),
            (
                "devices.a.login.json.pass=s3cr3t",
                "devices.a.login.json.pass=***",
            ),
            (
                "devices.a.login={ json = { p = \"s3cr3t\" } }",
                "devices.a.login=***",
            ),
            (
                "devices.a.login.post=http://h/x",
                "devices.a.login.post=http://h/x",
            ),
            (
                "target.headers.Accept-Language=en",
                "target.headers.Accept-Language=en",
            ),
            ("devices.home.count=5", "devices.home.count=5"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(mask_set(argument), shown);
        }
    }
}
