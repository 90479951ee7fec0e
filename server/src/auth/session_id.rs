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
        let digits = text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if text.len() == 32 && digits {
            Ok(Self(text))
        } else {
            Err(InvalidSessionId)
        }
    }
}
