//! Ids of HTTP sessions.

use serde::{Deserialize, Serialize};

/// The id of a session: 128 random bits in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct SessionId(String);

/// The error of a text that is not a session id.
#[derive(Debug, thiserror::Error)]
#[error("a session's id is 32 hexadecimal digits")]
pub(crate) struct InvalidSessionId;

impl SessionId {
    pub(crate) fn random() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SessionId {
    type Error = InvalidSessionId;

    fn try_from(text: String) -> Result<Self, InvalidSessionId> {
        // In lower case only: two texts of one number would be two sessions in the store.
        let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        match text.len() == 32 && text.bytes().all(is_digit) {
            true => Ok(Self(text)),
            false => Err(InvalidSessionId),
        }
    }
}
