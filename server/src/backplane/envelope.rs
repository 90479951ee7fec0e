//! Request/reply over plain unicast, the same for every backplane: a small header
//! in front of the payload.

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::ReplyTo;
use crate::id::NodeId;

/// What a unicast carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Envelope {
    /// Wants no answer.
    Message,
    /// Wants an answer at this address.
    Request(ReplyTo),
    /// The answer to the receiver's request of that number.
    Reply { correlation: u64 },
    /// The receiver's request of that number is now with another node.
    Forwarded { correlation: u64, to: NodeId },
    /// The sender acts on no request any more that it has not answered by now.
    GoAway,
}

/// A header followed by an opaque payload.
pub(crate) fn encode_frame<H: Serialize>(header: &H, payload: &[u8]) -> Bytes {
    let mut sealed = BytesMut::with_capacity(64 + payload.len());
    sealed = match postcard::to_extend(header, sealed) {
        Ok(sealed) => sealed,
        // Only a serializer that refuses its input can fail here; ours are plain
        // enums of integers and strings.
        Err(error) => unreachable!("a header that cannot be encoded: {error}"),
    };
    sealed.extend_from_slice(payload);
    sealed.freeze()
}

/// Splits what [`seal`] joined. `None` when the header is not understood.
pub(crate) fn decode_frame<H: DeserializeOwned>(sealed: &Bytes) -> Option<(H, Bytes)> {
    let (header, rest) = postcard::take_from_bytes(sealed).ok()?;
    let at = sealed.len() - rest.len();
    Some((header, sealed.slice(at..)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_sealed_is_opened(
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
                let (opened, rest) = decode_frame::<Envelope>(&encode_frame(&header, &payload)).unwrap();
                prop_assert_eq!(opened, header);
                prop_assert_eq!(&rest[..], &payload[..]);
            }
        }

        #[test]
        fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = decode_frame::<Envelope>(&noise.into());
        }
    }
}
