//! The form of placeholders in texts whose values are known later.

use crate::{
    diagnostic::Diagnostic,
    frames::template::{Mark, next_mark},
};

/// Text in place of a value, which fits a host, a port and a path.
const SAMPLE: &str = "1";

/// Returns a text with a sample in place of each `{name}` and `${NAME}`. Rules check which
/// names there are, because they know the pools.
///
/// # Errors
///
/// Fails for a brace outside of a placeholder.
pub(super) fn with_samples(text: &str) -> Result<String, Diagnostic> {
    let mut sampled = String::new();
    let mut rest = text;
    while let Some((before, mark, after)) = next_mark(rest) {
        sampled.push_str(before);
        match mark {
            Mark::Value(_) | Mark::Environment(_) => sampled.push_str(SAMPLE),
            Mark::Escaped(name) => sampled.push_str(&format!("{{{name}}}")),
        }
        rest = after;
    }
    sampled.push_str(rest);
    match sampled.contains(['{', '}']) {
        true => Err(Diagnostic::new("a brace that belongs to no placeholder")
            .hint("write {device}, {COLUMN} or ${NAME}: letters, digits and _")),
        false => Ok(sampled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_become_samples_and_other_braces_are_problems() {
        let sampled = with_samples("wss://${HOST}:${PORT}/{device}?t={token}").unwrap();
        assert_eq!(sampled, "wss://1:1/1?t=1");
        for text in ["{", "a}", "{a b}", "{{device}", "${}", "{2nd}"] {
            assert!(with_samples(text).is_err(), "{text}");
        }
    }
}
