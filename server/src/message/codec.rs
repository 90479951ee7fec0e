//! Messages to bytes and back.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

/// Encodes a message.
pub(crate) fn encode<M: Serialize>(message: &M) -> Bytes {
    match postcard::to_stdvec(message) {
        Ok(bytes) => bytes.into(),
        // Postcard fails on sequences of unknown length only, which no message has.
        Err(error) => unreachable!("cannot encode a message: {error}"),
    }
}

/// Decodes a message. Returns `None` for other bytes.
pub(crate) fn decode<M: DeserializeOwned>(bytes: &[u8]) -> Option<M> {
    postcard::from_bytes(bytes)
        .inspect_err(|error| tracing::warn!(%error, "cannot decode a message; it is ignored"))
        .ok()
}
