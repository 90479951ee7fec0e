//! Frames that are messages of their own, decoded without a state.
//!
//! Nearly all frames that a device receives are whole messages: a pong, a short text. They
//! need none of the buffers that tungstenite keeps for each socket, see
//! [`message_socket`](super::message_socket).

use std::io::Cursor;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::{
    Error, Message,
    protocol::frame::{
        FrameHeader, Utf8Bytes,
        coding::{Control, Data, OpCode},
    },
};

/// Longest payload of a control frame, in bytes (RFC 6455, section 5.5).
const CONTROL_LIMIT: u64 = 125;

/// The frame at the beginning of received bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextFrame {
    /// The frame is a message.
    Whole {
        /// The message.
        message: Message,
        /// Length of the frame in bytes, with its header.
        frame_len: usize,
    },
    /// The rest of the frame has not come.
    Incomplete,
    /// The frame is a part of a message, closes the socket, or breaks the protocol.
    Other,
}

/// Decodes the frame at the beginning of `bytes`. A message has up to `max_message` bytes.
///
/// # Errors
/// If the frame is a text that is not UTF-8.
pub(super) fn next_frame(bytes: &[u8], max_message: usize) -> Result<NextFrame, Error> {
    let mut cursor = Cursor::new(bytes);
    let (header, length) = match FrameHeader::parse(&mut cursor) {
        Ok(Some(parsed)) => parsed,
        Ok(None) => return Ok(NextFrame::Incomplete),
        // The opcode is not valid.
        Err(_) => return Ok(NextFrame::Other),
    };
    if !is_whole_message(&header, length, max_message) {
        return Ok(NextFrame::Other);
    }
    // Both fit: the header has up to 14 bytes, and the limit of the length is a `usize`.
    let start = cursor.position() as usize;
    let end = start + length as usize;
    let Some(payload) = bytes.get(start..end) else {
        return Ok(NextFrame::Incomplete);
    };
    let payload = Bytes::copy_from_slice(payload);
    let message = match header.opcode {
        OpCode::Data(Data::Text) => Message::Text(Utf8Bytes::try_from(payload)?),
        OpCode::Control(Control::Ping) => Message::Ping(payload),
        OpCode::Control(Control::Pong) => Message::Pong(payload),
        _ => Message::Binary(payload),
    };
    Ok(NextFrame::Whole {
        message,
        frame_len: end,
    })
}

/// Whether a server may send such a frame, and it is a message of its own.
fn is_whole_message(header: &FrameHeader, length: u64, max_message: usize) -> bool {
    let has_reserved_bits = header.rsv1 || header.rsv2 || header.rsv3;
    let limit = match header.opcode {
        OpCode::Data(Data::Text | Data::Binary) => max_message as u64,
        OpCode::Control(Control::Ping | Control::Pong) => CONTROL_LIMIT,
        _ => return false,
    };
    header.is_final && !has_reserved_bits && header.mask.is_none() && length <= limit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(message: Message, frame_len: usize) -> NextFrame {
        NextFrame::Whole { message, frame_len }
    }

    #[test]
    fn whole_message_is_decoded_and_its_beginnings_are_incomplete() {
        let bytes = [0x81, 2, b'h', b'i', 0x8a];
        let next = next_frame(&bytes, 64).unwrap();
        assert_eq!(next, whole(Message::text("hi"), 4));
        for shorter in 0..4 {
            let next = next_frame(&bytes[..shorter], 64).unwrap();
            assert_eq!(next, NextFrame::Incomplete);
        }
        let pong = next_frame(&[0x8a, 0], 64).unwrap();
        assert_eq!(pong, whole(Message::Pong(Bytes::new()), 2));
    }

    #[test]
    fn fragment_close_and_invalid_frame_need_more() {
        let fragment = [0x01, 1, b'h'];
        let continuation = [0x80, 1, b'h'];
        let masked = [0x81, 0x81, 0, 0, 0, 0, b'h'];
        let reserved_bit = [0xc1, 1, b'h'];
        let long_ping = [0x89, 126, 0, 126];
        let too_long = [0x81, 126, 0, 200];
        let opcode = [0x83, 0];
        for bytes in [
            &fragment[..],
            &continuation,
            &masked,
            &reserved_bit,
            &long_ping,
            &too_long,
            &opcode,
            &[0x88, 0],
        ] {
            let next = next_frame(bytes, 199).unwrap();
            assert_eq!(next, NextFrame::Other, "{bytes:x?}");
        }
        assert!(matches!(
            next_frame(&[0x81, 1, 0xff], 64),
            Err(Error::Utf8(_))
        ));
    }
}
