//! Addresses without their passwords.

use std::borrow::Cow;

/// Text in place of a user name and a password.
const REDACTED: &str = "***";

/// Returns `text` with `***` in place of user and password in every address, also in an
/// invalid one.
pub fn redact_passwords(text: &str) -> Cow<'_, str> {
    redact_with(text, |_| REDACTED.to_owned())
}

/// Returns `text` with as many `*` as user and password have bytes, so that the
/// locations of an error stay right.
pub fn redact_passwords_same_length(text: &str) -> Cow<'_, str> {
    redact_with(text, |secret| "*".repeat(secret.len()))
}

fn redact_with(text: &str, replacement: impl Fn(&str) -> String) -> Cow<'_, str> {
    let mut redacted = String::new();
    let mut rest = text;
    while let Some((before, secret, after)) = next_secret(rest) {
        redacted.push_str(before);
        redacted.push_str(&replacement(secret));
        rest = after;
    }
    if redacted.is_empty() {
        return Cow::Borrowed(text);
    }
    redacted.push_str(rest);
    Cow::Owned(redacted)
}

/// Finds the first secret of `text`, from the `://` of an address to its last `@`, and
/// returns the text before it, the secret, and the text after it.
fn next_secret(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(found) = text[from..].find("://") {
        let start = from + found + "://".len();
        let is_end = |c: char| match is_web(&text[..from + found]) {
            true => matches!(c, '/' | '?' | '"' | '\'') || c.is_whitespace(),
            // A `/` or `?` that should have been percent-encoded may be part of a
            // broker's password, so it does not end the secret.
            false => matches!(c, '"' | '\'') || c.is_whitespace(),
        };
        let end = text[start..]
            .find(is_end)
            .map_or(text.len(), |length| start + length);
        // The last `@`: a password may contain others.
        if let Some(at) = text[start..end].rfind('@') {
            let at = start + at;
            return Some((&text[..start], &text[start..at], &text[at..]));
        }
        from = start;
    }
    None
}

/// Whether the scheme at the end of `before` is one of HTTP or WebSocket. Their paths
/// may contain an `@`.
fn is_web(before: &str) -> bool {
    let scheme = before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next();
    matches!(scheme, Some("http" | "https" | "ws" | "wss"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_in_a_longer_text_is_redacted() {
        let text = "backplane = \"amqp://u:p/@ss@mq\" # not redis://x:y@h\nws = \"ws://h/a@b\"";
        assert_eq!(
            redact_passwords(text),
            "backplane = \"amqp://***@mq\" # not redis://***@h\nws = \"ws://h/a@b\""
        );
        assert_eq!(
            redact_passwords("cluster.backplane=kafka://u:p@h"),
            "cluster.backplane=kafka://***@h"
        );
        assert_eq!(
            redact_passwords("http://u:p@h/a@b?c@d"),
            "http://***@h/a@b?c@d"
        );
    }

    #[test]
    fn text_without_a_password_is_borrowed() {
        let open = "nats://h and a@b";
        assert!(matches!(redact_passwords(open), Cow::Borrowed(same) if same == open));
    }

    #[test]
    fn redacted_text_of_the_same_length_keeps_locations() {
        assert_eq!(
            redact_passwords_same_length("x redis://u:pw@h y"),
            "x redis://****@h y"
        );
    }
}
