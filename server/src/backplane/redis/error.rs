//! The meaning of the server's errors.

use redis::{ErrorKind, RedisError};

use crate::{
    backplane::remote::TransportError,
    net::tls::{REJECTED_CERTIFICATE_HINT, is_rejected_certificate},
};

impl From<RedisError> for TransportError {
    fn from(error: RedisError) -> Self {
        let what = error.to_string();
        match hint(&error) {
            Some(hint) => Self::Unsuitable { what, hint },
            None => Self::Broken(what),
        }
    }
}

/// Whether the server has no memory left to store more.
pub(crate) fn is_full(error: &RedisError) -> bool {
    error.code() == Some("OOM")
}

/// Returns the hint for an error that only an operator can resolve.
fn hint(error: &RedisError) -> Option<&'static str> {
    if error.kind() == ErrorKind::AuthenticationFailed {
        return Some(CREDENTIALS);
    }
    if is_rejected_certificate(error) {
        return Some(REJECTED_CERTIFICATE_HINT);
    }
    if error.kind() == ErrorKind::MasterNameNotFoundBySentinel {
        return Some("end the URL with the name of the primary in the Sentinels' configuration");
    }
    Some(match error.code()? {
        "NOAUTH" | "WRONGPASS" => CREDENTIALS,
        "OOM" => "raise the server's maxmemory, or remove keys that are not needed",
        "READONLY" => "give the URL of the primary server, not of a replica",
        "MISCONF" => "see the server's log: it cannot save, so it rejects writes",
        // The error names the command, key or channel that is missing.
        "NOPERM" => {
            "allow the user the keys and channels highwater:*, and the commands that \
             docs/backplanes.md lists"
        }
        _ => return None,
    })
}

const CREDENTIALS: &str = "give user and password in the URL: redis://USER:PASSWORD@HOST";

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses an error line of the server with the client library.
    fn parse(line: &str) -> TransportError {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        value.extract_error().unwrap_err().into()
    }

    #[test]
    fn permanent_error_has_a_hint() {
        for (line, expected) in [
            (
                "OOM command not allowed when used memory > 'maxmemory'.",
                "maxmemory",
            ),
            ("NOAUTH Authentication required.", "USER:PASSWORD"),
            ("WRONGPASS invalid username-password pair", "USER:PASSWORD"),
            (
                "READONLY You can't write against a read only replica.",
                "primary",
            ),
            ("NOPERM this user has no permissions", "highwater:*"),
        ] {
            let error = parse(line);
            let has_hint = matches!(&error, TransportError::Unsuitable { hint, .. } if hint.contains(expected));
            assert!(has_hint, "{line}: {error:?}");
        }
        assert!(matches!(parse("ERR odd"), TransportError::Broken(_)));
    }
}
