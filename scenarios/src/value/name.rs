//! Names that a scenario gives.

use super::{FixedForm, text::checked_text};
use crate::{diagnostic::Diagnostic, plan::TOPIC_NUMBER_PLACEHOLDER};

/// Accepts a name. Names are parts of file names, of device ids and of `--set` paths.
pub(crate) const fn name() -> FixedForm<String> {
    FixedForm {
        expected: || {
            "a name of 1 to 64 letters, digits, `-` and `_` that begins with a letter or digit"
                .to_owned()
        },
        read: |item| checked_text(item, check_name),
    }
}

/// Accepts the name of a node, counted from `n1`.
pub(crate) const fn node_name() -> FixedForm<String> {
    FixedForm {
        expected: || "a node's name: \"n1\", \"n2\", … up to \"n9999\"".to_owned(),
        read: |item| checked_text(item, |name| check_numbered(name, 'n', 4, "node")),
    }
}

/// Accepts the name of a consumer, counted from `c1`.
pub(crate) const fn consumer_name() -> FixedForm<String> {
    FixedForm {
        expected: || "a consumer's name: \"c1\", \"c2\", … up to \"c99\"".to_owned(),
        read: |item| checked_text(item, |name| check_numbered(name, 'c', 2, "consumer")),
    }
}

/// Accepts the name of a topic: the form that the reference server accepts, with room for a
/// number, or a destination of STOMP. A rule tells them apart.
pub(crate) const fn topic_name() -> FixedForm<String> {
    FixedForm {
        expected: || {
            "a topic of 1 to 120 letters, digits, `.`, `_`, `:`, `-` and, in the stomp dialect, `/`, \
             with `{n}` at most once for its number"
                .to_owned()
        },
        read: |item| checked_text(item, check_topic),
    }
}

pub(super) fn check_name(name: &str) -> Result<(), Diagnostic> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match name.chars().find(|c| !allowed(*c)) {
        Some(c) => Err(Diagnostic::new(format!(
            "a name with `{}` in it",
            c.escape_debug()
        ))),
        None if name.is_empty() => Err(Diagnostic::new("an empty name")),
        // With a hyphen and the number of a device, an id stays below the 128 characters
        // that the protocol allows.
        None if name.len() > 64 => Err(Diagnostic::new("a name that is too long")),
        None if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) => Err(Diagnostic::new(
            "a name that begins with neither letter nor digit",
        )),
        None => Ok(()),
    }
}

/// Checks that a name is a letter and a number without leading zeros.
fn check_numbered(name: &str, letter: char, digits: usize, noun: &str) -> Result<(), Diagnostic> {
    let number = name.strip_prefix(letter).unwrap_or("");
    let is_numbered = (1..=digits).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && !number.starts_with('0');
    match is_numbered {
        true => Ok(()),
        false => Err(Diagnostic::new(format!("not a {noun}'s name"))),
    }
}

fn check_topic(topic: &str) -> Result<(), Diagnostic> {
    // One number names a topic; a second placeholder would stay in the name.
    let bare = topic.replacen(TOPIC_NUMBER_PLACEHOLDER, "", 1);
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._:-/".contains(c);
    match bare.chars().find(|c| !allowed(*c)) {
        Some('{' | '}') => {
            Err(Diagnostic::new("a topic with braces").hint("only {n} is known, once"))
        }
        Some(c) => Err(Diagnostic::new(format!(
            "a topic with `{}` in it",
            c.escape_debug()
        ))),
        None if topic.is_empty() => Err(Diagnostic::new("an empty topic")),
        // With its number, a topic stays below the 128 characters that the protocol allows.
        None if topic.len() > 120 => Err(Diagnostic::new("a topic that is too long")),
        None => Ok(()),
    }
}
