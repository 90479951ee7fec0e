//! Masks of texts: `***` in place of what may be a secret.
//!
//! `secrets` says where the texts stand in a scenario.

use std::{borrow::Cow, ops::Range};

use crate::frames::{
    ValueNames,
    template::{Mark, next_mark},
};

/// Text in place of a value.
pub(crate) const MASK: &str = "***";

/// Parameters of queries whose values are no secrets, in lower case.
const HARMLESS_PARAMETERS: [&str; 7] = [
    "eio",
    "format",
    "protocol",
    "transport",
    "v",
    "version",
    "vsn",
];

/// Words in names of parameters and fields whose values are secrets, in lower case.
const SECRET_WORDS: [&str; 8] = [
    "authorization",
    "credential",
    "pass",
    "pwd",
    "secret",
    "session",
    "signature",
    "token",
];

/// Ends of such names. Elsewhere in a name they say nothing: `author`, `keyword`, `shipping`.
const SECRET_ENDINGS: [&str; 6] = ["auth", "key", "otp", "pin", "sid", "sig"];

/// Words before a credential, which say its kind (RFC 9110, section 11.1).
const AUTH_SCHEMES: [&str; 5] = ["apikey ", "basic ", "bearer ", "digest ", "token "];

/// Characters around a text in TOML.
const QUOTES: [char; 2] = ['"', '\''];

/// A function that returns the text in place of a part of a value.
pub(crate) type MaskFn = fn(&str) -> String;

/// Returns an address with `***` in place of the values in its query that may be secrets.
/// Placeholders stay.
pub fn mask_address(address: &str) -> String {
    mask_query(address, |_| MASK.to_owned())
}

/// Yields the values in the query of an address that may be secrets, except placeholders.
pub fn query_secrets(address: &str) -> impl Iterator<Item = &str> {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let parameters = query.split('&').map(split_parameter);
    let secret = parameters.filter(|(name, _)| !is_harmless_parameter(name));
    secret
        .map(|(_, value)| value)
        .filter(|value| mask_value(value, |_| MASK.to_owned()) != *value)
}

/// Yields the names of the parameters of an address whose values are written out and look like
/// secrets. Masks cover more, because a mask that is not needed costs nothing.
pub(crate) fn literal_parameters(address: &str) -> impl Iterator<Item = &str> {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let parameters = query.split('&').map(split_parameter);
    let literal = parameters.filter(|(name, value)| is_literal_secret(name, value));
    literal.map(|(name, _)| name)
}

/// Whether a value of this name is written out and looks like a secret.
pub(crate) fn is_literal_secret(name: &str, value: &str) -> bool {
    is_secret_name(name)
        && !has_secret_placeholder(value)
        && mask_value(value, |_| MASK.to_owned()) != value
}

/// Whether a body of any form has a value that is written out and looks like a secret.
pub(crate) fn is_literal_secret_text(text: &str) -> bool {
    text.split('&').any(|part| match split_parameter(part) {
        (name, value) if is_plain_name(name) => is_literal_secret(name, value),
        // JSON or XML, whose names stand anywhere in it.
        _ => is_literal_secret(part, part),
    })
}

fn is_plain_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "_-.[]%+".contains(c);
    !name.is_empty() && name.chars().all(is_plain)
}

/// Whether a name says that its value is a secret. For a whole text: whether it names one.
fn is_secret_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let has_word = SECRET_WORDS.iter().any(|word| lower.contains(*word));
    has_word || SECRET_ENDINGS.iter().any(|end| lower.ends_with(*end))
}

/// Masks the queries of all addresses in a text as it is written in TOML, where quotes divide
/// them.
pub(crate) fn mask_queries(text: &str, mask: MaskFn) -> Cow<'_, str> {
    if !text.contains('?') {
        return text.into();
    }
    let pieces = text.split_inclusive(QUOTES).map(|piece| {
        let address = piece.trim_end_matches(QUOTES);
        mask_query(address, mask) + &piece[address.len()..]
    });
    pieces.collect()
}

/// Masks the values in the query of one address.
fn mask_query(address: &str, mask: MaskFn) -> String {
    let Some((before, query)) = address.split_once('?') else {
        return address.to_owned();
    };
    let parameters = query.split('&').map(|parameter| {
        let (name, value) = split_parameter(parameter);
        match is_harmless_parameter(name) {
            true => parameter.to_owned(),
            false => {
                parameter[..parameter.len() - value.len()].to_owned() + &mask_value(value, mask)
            }
        }
    });
    format!("{before}?{}", parameters.collect::<Vec<_>>().join("&"))
}

/// Splits a parameter into its name and its value. A parameter without a name is all value.
fn split_parameter(parameter: &str) -> (&str, &str) {
    parameter.split_once('=').unwrap_or(("", parameter))
}

fn is_harmless_parameter(name: &str) -> bool {
    HARMLESS_PARAMETERS.contains(&name.to_ascii_lowercase().as_str())
}

/// Masks everything but the scheme in front, placeholders, and what has no letters and digits.
pub(crate) fn mask_value(value: &str, mask: MaskFn) -> String {
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

/// Returns the parts of a text between its placeholders.
pub fn literal_parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(range) = next_placeholder(rest) {
        parts.push(&rest[..range.start]);
        rest = &rest[range.end..];
    }
    parts.push(rest);
    parts
}

/// Whether a text has a placeholder that may stand for a secret: all but the built-in ones.
pub(crate) fn has_secret_placeholder(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, mark, after)) = next_mark(rest) {
        match mark {
            Mark::Environment(_) => return true,
            Mark::Value(name) if !ValueNames::is_built_in(name) => return true,
            Mark::Value(_) | Mark::Escaped(_) => rest = after,
        }
    }
    false
}

/// Returns as many `*` as the text has bytes. Line feeds stay, because problems have lines.
pub(crate) fn stars(text: &str) -> String {
    let star = |byte| if byte == b'\n' { '\n' } else { '*' };
    text.bytes().map(star).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_with_literal_secrets_are_named() {
        for (query, names) in [
            ("device={device}&EIO=4&vsn=2.0.0&room=lobby", &[][..]),
            ("token=s3cr3t&apiKey=s3cr3t-{n}", &["token", "apiKey"]),
            ("token=${TOKEN}&session=a-{session}&key={device}", &[]),
            (
                "X-Amz-Signature=s3cr3t&pin=4711",
                &["X-Amz-Signature", "pin"],
            ),
            ("shipping=fast&author=a&keyword=b&token=", &[]),
        ] {
            let address = format!("wss://h/ws?{query}");
            let named: Vec<_> = literal_parameters(&address).collect();
            assert_eq!(named, names, "{query}");
        }
        assert_eq!(literal_parameters("wss://h/token").count(), 0);
    }

    #[test]
    fn texts_with_literal_secrets_are_found() {
        for (text, is_secret) in [
            ("user={device}&password=s3cr3t", true),
            ("user=s3cr3t&password=${PASS}", false),
            ("<login user='{device}' password='s3cr3t'/>", true),
            ("<login user='{device}' password='${PASS}'/>", false),
            (r#"{"token":"s3cr3t"}"#, true),
            ("grant_type=password&user=a", false),
            ("hello", false),
        ] {
            assert_eq!(is_literal_secret_text(text), is_secret, "{text}");
        }
    }

    #[test]
    fn query_of_an_address_shows_names_alone() {
        for (address, shown, secrets) in [
            (
                "ws://h/ws?device={device}",
                "ws://h/ws?device={device}",
                &[][..],
            ),
            ("ws://h/?token=s3cr3t", "ws://h/?token=***", &["s3cr3t"]),
            ("ws://h/?token=${TOKEN}", "ws://h/?token=${TOKEN}", &[]),
            (
                "ws://h/?EIO=4&sid=a-{device}",
                "ws://h/?EIO=4&sid=***{device}",
                &["a-{device}"],
            ),
            ("ws://h/?s3cr3t", "ws://h/?***", &["s3cr3t"]),
            ("ws://h/?a=1=2&&b=", "ws://h/?a=***&&b=", &["1=2"]),
            ("http://h/path", "http://h/path", &[]),
        ] {
            assert_eq!(mask_address(address), shown);
            assert_eq!(
                query_secrets(address).collect::<Vec<_>>(),
                secrets,
                "{address}"
            );
        }
    }
}
