//! The names of keys and header fields that decide whether a value may be a secret.

/// Header fields whose values are no secrets, in lower case.
const HARMLESS_HEADERS: [&str; 6] = [
    "accept-encoding",
    "accept-language",
    "cache-control",
    "origin",
    "pragma",
    "user-agent",
];

/// Key of a name and a password.
pub(super) const BASIC_KEY: &str = "basic";

/// Key of the password of sessions of STOMP.
pub(super) const PASSCODE_KEY: &str = "passcode";

/// The password of RabbitMQ's own user, which anybody knows.
pub(super) const PUBLIC_PASSCODE: &str = "guest";

/// Whether a header field's values may be shown.
pub(super) fn is_harmless(name: &str) -> bool {
    HARMLESS_HEADERS.contains(&name.to_ascii_lowercase().as_str())
}
