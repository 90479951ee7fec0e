//! A scenario's text and `--set` arguments as they are written, before they are understood.

use std::ops::Range;

use super::keys::{BASIC_KEY, PASSCODE_KEY, PUBLIC_PASSCODE, is_harmless};
use crate::{
    diagnostic::{DiagnosticSink, SourceSpan},
    mask::{MASK, MaskFn, mask_queries, mask_value, stars},
    tree::{self, TomlEntry, TomlItem, TomlTable, TomlValue},
};

/// Keys whose values are addresses or paths with a query.
const ADDRESS_KEYS: [&str; 7] = ["ws", "http", "prometheus", "path", "post", "get", "put"];

/// Returns the text of a scenario with `***` in place of the values of header fields, of queries
/// and of the bodies of logins.
pub fn mask_secrets(text: &str) -> String {
    mask_text(text, |_| MASK.to_owned())
}

/// Returns a `--set` argument with `***` in place of the value of a header field or of a query.
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
    ranges.sort_by_key(|(range, _)| range.start);
    let mut masked = String::with_capacity(text.len());
    let mut end = 0;
    for (range, place) in ranges {
        let (Some(before), Some(literal)) = (text.get(end..range.start), text.get(range.clone()))
        else {
            continue;
        };
        masked.push_str(before);
        masked.push_str(&match place {
            SecretPlace::Value => mask_literal(literal, mask),
            SecretPlace::Query => mask_queries(literal, mask).into_owned(),
        });
        end = range.end;
    }
    masked.push_str(&text[end..]);
    masked
}

/// The part of a value that may be a secret.
#[derive(Debug, Clone, Copy)]
enum SecretPlace {
    /// The whole value, as that of a header field.
    Value,
    /// The values in the queries of addresses.
    Query,
}

/// The part of a scenario that a value stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A part without secrets.
    Open,
    /// A login, whose body may hold secrets.
    Login,
    /// Header fields, credentials, or the body of a login.
    Secret,
}

impl Part {
    /// Returns the part below a key.
    fn below(self, key: &str) -> Self {
        let key = key.to_ascii_lowercase();
        match (self, key.as_str()) {
            (Self::Secret, _) => Self::Secret,
            _ if is_secret_key(&key) => Self::Secret,
            (Self::Login, "json" | "form" | "body") => Self::Secret,
            (_, "login") => Self::Login,
            (part, _) => part,
        }
    }
}

/// Finds the values below every table that is called after header fields, also where such a
/// table does not belong, the bodies of logins, and the values that are addresses.
fn find_values(table: &TomlTable, part: Part, ranges: &mut Vec<(Range<usize>, SecretPlace)>) {
    for entry in table.entries() {
        let below = part.below(&entry.key);
        let place = match below {
            Part::Secret if is_harmless(&entry.key) || is_public_passcode(entry) => continue,
            Part::Secret => Some(SecretPlace::Value),
            Part::Open | Part::Login => is_address_key(&entry.key).then_some(SecretPlace::Query),
        };
        find_in_item(&entry.item, below, place, ranges);
    }
}

fn find_in_item(
    item: &TomlItem,
    part: Part,
    place: Option<SecretPlace>,
    ranges: &mut Vec<(Range<usize>, SecretPlace)>,
) {
    match (&item.value, place) {
        (TomlValue::Table(inner), _) => find_values(inner, part, ranges),
        // Processes are a list of tables, each with header fields of its own.
        (TomlValue::List(items), None | Some(SecretPlace::Value)) => {
            let items = items.iter();
            items.for_each(|item| find_in_item(item, part, place, ranges));
        }
        (_, Some(place)) => {
            if let SourceSpan::File(range) = &item.span {
                ranges.push((range.clone(), place));
            }
        }
        (_, None) => {}
    }
}

fn mask_argument(argument: &str, mask: MaskFn) -> String {
    let Some((path, value)) = argument.split_once('=') else {
        return argument.to_owned();
    };
    let mut parts = path.split('.').map(str::trim);
    let part = parts.clone().fold(Part::Open, Part::below);
    let lower = value.to_ascii_lowercase();
    let is_secret = match part {
        Part::Secret => true,
        Part::Login => value.contains('{'),
        // A whole table as a value.
        Part::Open => {
            lower.contains("headers")
                || lower.contains(BASIC_KEY)
                || lower.contains(PASSCODE_KEY)
                || (lower.contains("login") && lower.contains('{'))
        }
    };
    let is_harmless_field = parts.next_back().is_some_and(is_harmless);
    match is_secret && !is_harmless_field {
        true => format!("{path}={}", mask_value(value, mask)),
        // Of any key: a whole table as a value has addresses too.
        false => format!("{path}={}", mask_queries(value, mask)),
    }
}

/// Whether a key is the password of RabbitMQ's own user.
fn is_public_passcode(entry: &TomlEntry) -> bool {
    let TomlValue::Text(text) = &entry.item.value else {
        return false;
    };
    entry.key.eq_ignore_ascii_case(PASSCODE_KEY) && text == PUBLIC_PASSCODE
}

fn is_address_key(key: &str) -> bool {
    ADDRESS_KEYS.contains(&key.to_ascii_lowercase().as_str())
}

/// Whether the values below a key may be secrets.
fn is_secret_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.starts_with("header") || key == BASIC_KEY || key == PASSCODE_KEY
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn text_of_a_scenario_shows_no_credentials_of_an_observed_process() {
        let text = "[target]\nobserve = [{ name = \"a\", headers = { A = \"s3cr3t\" } }]\n\
                    [[target.observe2]]\nbasic = { user = \"u5er\", password = 's3cr3t' }\n";
        let expected = "[target]\nobserve = [{ name = \"a\", headers = { A = \"***\" } }]\n\
                        [[target.observe2]]\nbasic = { user = \"***\", password = '***' }\n";
        assert_eq!(mask_secrets(text), expected);
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
                "target.observe=[{ basic = { password = \"s3cr3t\" } }]",
                "target.observe=***",
            ),
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
            (
                "target.ws=ws://h/ws?device={device}&token=s3cr3t",
                "target.ws=ws://h/ws?device={device}&token=***",
            ),
            (
                "target={ ws = [\"ws://h?k=s3cr3t\", 'ws://i?k=s3cr3t'] }",
                "target={ ws = [\"ws://h?k=***\", 'ws://i?k=***'] }",
            ),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(mask_set(argument), shown);
        }
    }

    #[test]
    fn text_of_a_scenario_shows_no_value_of_a_query() {
        let text = "[target]\nws = [\"ws://h?device={device}&t=s3cr3t\", 'ws://i?t=s3cr3t']\n\
                    observe = [{ name = \"a?b=c\", prometheus = \"http://h/m?t=s3cr3t\" }]\n\
                    [[commands]]\npath = \"/c?t=s3cr3t\"\n";
        assert_eq!(mask_secrets(text), text.replace("s3cr3t", "***"));
        assert_eq!(
            mask_secrets_same_length(text),
            text.replace("s3cr3t", "******")
        );
    }
}
