//! What the server's errors mean.

use redis::{ErrorKind, RedisError};

use crate::backplane::remote::TransportError;

impl From<RedisError> for TransportError {
    fn from(error: RedisError) -> Self {
        let what = error.to_string();
        match hint(&error) {
            Some(hint) => Self::Unsuitable { what, hint },
            None => Self::Broken(what),
        }
    }
}

/// Whether the server has no memory left for what it was asked to keep.
pub(crate) fn is_full(error: &RedisError) -> bool {
    error.code() == Some("OOM")
}

/// What to do about it, where it does not pass by itself.
fn hint(error: &RedisError) -> Option<&'static str> {
    if error.kind() == ErrorKind::AuthenticationFailed {
        return Some(CREDENTIALS);
    }
    Some(match error.code()? {
        "NOAUTH" | "WRONGPASS" => CREDENTIALS,
        "OOM" => "the server is full: raise its maxmemory, or take away what is not needed",
        "READONLY" => "the URL must name the primary server, not a replica",
        "MISCONF" => "the server cannot save and therefore takes no writes: its log says why",
        "NOPERM" => "the user must be allowed the keys and channels highwater:*",
        _ => return None,
    })
}

const CREDENTIALS: &str = "give user and password in the URL: redis://USER:PASSWORD@HOST";

#[cfg(test)]
mod tests {
    use super::*;

    /// What the server says, as the client library reads it.
    fn said(line: &str) -> TransportError {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        value.extract_error().unwrap_err().into()
    }

    #[test]
    fn what_does_not_pass_by_itself_says_what_to_do() {
        for (line, to_do) in [
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
            match said(line) {
                TransportError::Unsuitable { hint, .. } => assert!(hint.contains(to_do), "{hint}"),
                other => panic!("{line}: {other:?}"),
            }
        }
        assert!(matches!(said("ERR odd"), TransportError::Broken(_)));
    }
}
