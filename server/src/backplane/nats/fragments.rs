//! Frames that are longer than the server accepts, in fragments with a header of NATS.

use async_nats::{HeaderMap, Message};
use bytes::Bytes;

use crate::backplane::remote::fragments::{self, FragmentHeader, Reassembler};

/// The name of the header.
const HEADER: &str = "Highwater-Part";
/// The bytes of the server's limit that are reserved for the header.
const HEADER_BYTES: usize = 128;

/// Splits a frame into messages that are not longer than `max_payload`.
pub(super) fn split(
    frame: &Bytes,
    max_payload: usize,
) -> impl ExactSizeIterator<Item = (HeaderMap, Bytes)> {
    let size = max_payload.saturating_sub(HEADER_BYTES);
    fragments::split(frame, size).map(|(header, fragment)| {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, header.to_string());
        (headers, fragment)
    })
}

/// Returns the frame that `message` is or completes.
pub(super) fn reassemble(reassembler: &mut Reassembler, message: Message) -> Option<Bytes> {
    let headers = message.headers.as_ref();
    match headers.and_then(|headers| headers.get(HEADER)) {
        None => Some(message.payload),
        Some(header) => reassembler.push(FragmentHeader::parse(header.as_str())?, &message.payload),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(headers: Option<HeaderMap>, payload: Bytes) -> Message {
        Message {
            subject: "s".into(),
            reply: None,
            payload,
            headers,
            status: None,
            description: None,
            length: 0,
        }
    }

    #[test]
    fn long_frame_is_reassembled_from_messages_that_the_server_accepts() {
        let frame = Bytes::from_iter((0..5000).map(|at| at as u8));
        let mut reassembler = Reassembler::default();
        let mut whole = Vec::new();
        for (headers, payload) in split(&frame, 300) {
            assert!(payload.len() + HEADER_BYTES <= 300);
            whole.extend(reassemble(
                &mut reassembler,
                message(Some(headers), payload),
            ));
        }
        assert_eq!(whole, [frame]);
    }

    #[test]
    fn message_without_a_header_is_a_frame() {
        let whole = reassemble(&mut Reassembler::default(), message(None, "frame".into()));
        assert_eq!(whole.unwrap(), "frame");
    }
}
