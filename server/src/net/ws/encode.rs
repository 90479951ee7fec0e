//! Messages to bytes.

use bytes::{BufMut, Bytes, BytesMut};
use tokio_tungstenite::tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};

use super::close::CloseReason;

/// The longest payload of a control frame (RFC 6455, section 5.5).
pub(super) const MAX_CONTROL: usize = 125;

/// Returns a text message in one frame.
pub(crate) fn text(message: &[u8]) -> Bytes {
    frame(OpCode::Data(Data::Text), message)
}

/// Returns a binary message in one frame.
pub(crate) fn binary(message: &[u8]) -> Bytes {
    frame(OpCode::Data(Data::Binary), message)
}

/// Returns a ping without a payload.
pub(crate) fn ping() -> Bytes {
    frame(OpCode::Control(Control::Ping), &[])
}

/// Returns the answer to a ping.
pub(crate) fn pong(payload: &[u8]) -> Bytes {
    frame(OpCode::Control(Control::Pong), payload)
}

/// Returns a close with code and reason.
pub(crate) fn close(reason: CloseReason) -> Bytes {
    close_code(reason.code(), reason.text())
}

/// Returns the answer to a peer's close: its own code, or none.
pub(crate) fn close_echo(code: Option<u16>) -> Bytes {
    match code {
        Some(code) => close_code(code, ""),
        None => frame(OpCode::Control(Control::Close), &[]),
    }
}

fn close_code(code: u16, text: &str) -> Bytes {
    let mut payload = BytesMut::with_capacity(MAX_CONTROL);
    payload.put_u16(code);
    payload.put_slice(text.as_bytes());
    debug_assert!(payload.len() <= MAX_CONTROL);
    frame(OpCode::Control(Control::Close), &payload)
}

fn frame(opcode: OpCode, payload: &[u8]) -> Bytes {
    // Unmasked (RFC 6455, section 5.1), so that every receiver of a message gets the same bytes.
    let header = FrameHeader {
        opcode,
        ..FrameHeader::default()
    };
    let length = payload.len() as u64;
    let mut bytes = BytesMut::with_capacity(header.len(length) + payload.len()).writer();
    // Writing to memory does not fail. If it did, the receiver would answer the short header with
    // a protocol error.
    let written = header.format(length, &mut bytes);
    debug_assert!(written.is_ok());
    let mut bytes = bytes.into_inner();
    bytes.put_slice(payload);
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_is_encoded_as_rfc_6455_specifies() {
        // Section 5.7: "A single-frame unmasked text message".
        assert_eq!(text(b"Hello")[..], *b"\x81\x05Hello");
        assert_eq!(binary(b"\xff")[..], [0x82, 0x01, 0xff]);
        assert_eq!(ping()[..], [0x89, 0x00]);
        assert_eq!(pong(b"Hello")[..], *b"\x8a\x05Hello");
        assert_eq!(text(&[b'x'; 256])[..4], [0x81, 126, 1, 0]);
        let long = text(&[b'x'; 65_536]);
        assert_eq!(long[..10], [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn every_close_fits_a_control_frame() {
        for reason in CloseReason::ALL {
            let bytes = close(reason);
            assert_eq!(bytes[0], 0x88);
            assert!(bytes[1] <= 125, "{reason:?}");
            assert_eq!(u16::from_be_bytes([bytes[2], bytes[3]]), reason.code());
        }
    }
}
