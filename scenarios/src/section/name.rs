//! Names that a scenario gives.

use super::ValueDiagnostic;
use crate::plan::TOPIC_NUMBER_PLACEHOLDER;

/// What a name looks like.
pub(super) const EXPECTED_NAME: &str =
    "a name of 1 to 64 letters, digits, `-` and `_` that begins with a letter or digit";

/// What a node is called.
pub(super) const EXPECTED_NODE: &str = "a node's name: \"n1\", \"n2\", … up to \"n9999\"";

/// What a topic is called.
pub(super) const EXPECTED_TOPIC: &str = "a topic of 1 to 120 letters, digits, `.`, `_`, `:` and `-`, with `{n}` at most once for its number";

/// What a consumer is called.
pub(super) const EXPECTED_CONSUMER: &str = "a consumer's name: \"c1\", \"c2\", … up to \"c99\"";

/// Names are parts of file names, of device ids and of `--set` paths.
pub(super) fn check(name: &str) -> Result<(), ValueDiagnostic> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match name.chars().find(|c| !allowed(*c)) {
        Some(c) => Err(ValueDiagnostic::new(format!(
            "a name with `{}` in it",
            c.escape_debug()
        ))),
        None if name.is_empty() => Err(ValueDiagnostic::new("an empty name")),
        None if name.len() > 64 => Err(ValueDiagnostic::new("a name that is too long")),
        None if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) => Err(
            ValueDiagnostic::new("a name that begins with neither letter nor digit"),
        ),
        None => Ok(()),
    }
}

/// Nodes count from `n1`, without leading zeros.
pub(super) fn check_node(name: &str) -> Result<(), ValueDiagnostic> {
    match is_numbered(name, 'n', 4) {
        true => Ok(()),
        false => Err(ValueDiagnostic::new("not a node's name")),
    }
}

/// Consumers count from `c1`, without leading zeros.
pub(super) fn check_consumer(name: &str) -> Result<(), ValueDiagnostic> {
    match is_numbered(name, 'c', 2) {
        true => Ok(()),
        false => Err(ValueDiagnostic::new("not a consumer's name")),
    }
}

fn is_numbered(name: &str, letter: char, digits: usize) -> bool {
    let number = name.strip_prefix(letter).unwrap_or("");
    (1..=digits).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && !number.starts_with('0')
}

/// What the reference server accepts, with room for a number.
pub(super) fn check_topic(topic: &str) -> Result<(), ValueDiagnostic> {
    let bare = topic.replacen(TOPIC_NUMBER_PLACEHOLDER, "", 1);
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    match bare.chars().find(|c| !allowed(*c)) {
        Some('{' | '}') => {
            Err(ValueDiagnostic::new("a topic with braces").hint("only {n} is known, once"))
        }
        Some(c) => Err(ValueDiagnostic::new(format!(
            "a topic with `{}` in it",
            c.escape_debug()
        ))),
        None if topic.is_empty() => Err(ValueDiagnostic::new("an empty topic")),
        None if topic.len() > 120 => Err(ValueDiagnostic::new("a topic that is too long")),
        None => Ok(()),
    }
}
