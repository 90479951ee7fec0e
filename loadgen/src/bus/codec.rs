//! The bytes of values and messages: JSON, deflated.
//!
//! A worker's interval after a pause has thousands of buckets, and a plan thousands of
//! events. Compressed, both stay below the megabyte that a NATS server accepts by default.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use serde::{Serialize, de::DeserializeOwned};

use super::error::BusError;

/// Longest inflated value or message, in bytes: that of the control link.
const MAX_BYTES: u64 = 8 << 20;

/// Returns the bytes of a value or a message.
///
/// # Errors
/// [`BusError::Invalid`] if it has no form in JSON.
pub(crate) fn encode(what: &str, value: &impl Serialize) -> Result<Bytes, BusError> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let written = serde_json::to_vec(value)
        .map_err(std::io::Error::from)
        .and_then(|json| encoder.write_all(&json))
        .and_then(|()| encoder.finish());
    written
        .map(Bytes::from)
        .map_err(|error| invalid(what, error))
}

/// Parses a value or a message. What it inflates to is bounded.
///
/// # Errors
/// [`BusError::Invalid`] if the bytes are anything else.
pub(crate) fn decode<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, BusError> {
    let mut json = Vec::new();
    let mut inflated = ZlibDecoder::new(bytes).take(MAX_BYTES + 1);
    inflated
        .read_to_end(&mut json)
        .map_err(|error| invalid(what, error))?;
    if json.len() as u64 > MAX_BYTES {
        return Err(invalid(what, format!("more than {MAX_BYTES} bytes")));
    }
    serde_json::from_slice(&json).map_err(|error| invalid(what, error))
}

fn invalid(what: &str, error: impl ToString) -> BusError {
    BusError::Invalid {
        what: what.to_owned(),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_read_back_and_a_bomb_is_refused() {
        let bytes = encode("x", &vec![1, 2, 3]).unwrap();
        assert_eq!(decode::<Vec<u32>>("x", &bytes).unwrap(), [1, 2, 3]);
        let bomb = encode("x", &"0".repeat(MAX_BYTES as usize)).unwrap();
        assert!(bomb.len() < 1 << 20);
        let error = decode::<String>("x", &bomb).unwrap_err();
        assert!(error.to_string().contains("more than"), "{error}");
        assert!(decode::<String>("x", b"no deflate").is_err());
    }
}
