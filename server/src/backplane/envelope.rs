//! Request/reply over plain unicast, for every backplane: a small header before the
//! payload.

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::ReplyTo;
use crate::id::NodeId;

/// The header of a unicast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Envelope {
    /// The payload needs no response.
    Message,
    /// The payload is a request from this address.
    Request(ReplyTo),
    /// The payload is the response to the receiver's request with this number.
    Reply { correlation: u64 },
    /// The receiver's request with this number is now at another node.
    Forwarded { correlation: u64, to: NodeId },
    /// The sender processes no request that it has not answered by now.
    GoAway,
}

/// Room for a header, so that most frames are allocated once.
const TYPICAL_HEADER_BYTES: usize = 64;

/// Encodes a header, followed by an opaque payload.
pub(crate) fn encode_frame<H: Serialize>(header: &H, payload: &[u8]) -> Bytes {
    let frame = BytesMut::with_capacity(TYPICAL_HEADER_BYTES + payload.len());
    let mut frame = match postcard::to_extend(header, frame) {
        Ok(frame) => frame,
        // Only a serializer that refuses its input can fail here. Headers are plain
        // enums of integers and strings.
        Err(error) => unreachable!("cannot encode a header: {error}"),
    };
    frame.extend_from_slice(payload);
    frame.freeze()
}

/// Splits a frame of [`encode_frame`], or returns `None` when the header is invalid.
pub(crate) fn decode_frame<H: DeserializeOwned>(frame: &Bytes) -> Option<(H, Bytes)> {
    let (header, payload) = postcard::take_from_bytes(frame).ok()?;
    let payload_start = frame.len() - payload.len();
    // A slice of the frame: the payload is not copied.
    Some((header, frame.slice(payload_start..)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn encoded_frame_is_decoded_unchanged(
            correlation: u64,
            node in "[a-z0-9]{1,64}",
            payload in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let node: NodeId = node.parse().unwrap();
            for header in [
                Envelope::Message,
                Envelope::Request(ReplyTo { node: node.clone(), correlation }),
                Envelope::Reply { correlation },
                Envelope::Forwarded { correlation, to: node.clone() },
                Envelope::GoAway,
            ] {
                let frame = encode_frame(&header, &payload);
                let (decoded, rest) = decode_frame::<Envelope>(&frame).unwrap();
                prop_assert_eq!(decoded, header);
                prop_assert_eq!(&rest[..], &payload[..]);
            }
        }

        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = decode_frame::<Envelope>(&bytes.into());
        }
    }
}
