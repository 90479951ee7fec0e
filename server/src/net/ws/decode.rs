//! Bytes to events.
//!
//! The caller reads into a buffer that connections share, and feeds the bytes. Only an
//! incomplete frame or message is kept here, on the heap, until the rest arrives. An idle
//! connection keeps nothing.

use std::io::Cursor;

use tokio_tungstenite::tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};

use super::{close::CloseReason, encode::MAX_CONTROL};

/// The longest header: 2 bytes, 8 of length, 4 of mask.
const MAX_HEADER: usize = 14;

/// A complete message or control frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WsEvent<'a> {
    Ping(&'a [u8]),
    Pong,
    Text(&'a str),
    Binary(&'a [u8]),
    /// The code, if the frame had one.
    Close(Option<u16>),
}

/// Whether to go on after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecodeControl {
    Continue,
    /// The rest of the input is ignored.
    Stop,
}

/// The kinds of messages that a peer may send. The header of any other kind is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AllowedMessages {
    Text,
    TextAndBinary,
}

/// The decoder of one connection.
pub(crate) struct WsDecoder {
    max_message: u32,
    allowed: AllowedMessages,
    /// The beginning of a frame that is not complete.
    partial: Vec<u8>,
    /// The beginning of a message whose last fragment has not arrived.
    // Boxed: few peers ever send fragments, and every connection pays for the size.
    fragments: Option<Box<FragmentedMessage>>,
}

impl WsDecoder {
    /// Returns a decoder that rejects messages longer than `max_message` bytes.
    pub(crate) fn new(max_message: usize, allowed: AllowedMessages) -> Self {
        Self {
            max_message: u32::try_from(max_message).unwrap_or(u32::MAX),
            allowed,
            partial: Vec::new(),
            fragments: None,
        }
    }

    /// Decodes bytes and emits the events that they complete. `input` is unmasked in place.
    /// Returns the number of complete frames. Fragments and pongs count, which cost the peer
    /// little and emit nothing that a caller could count.
    ///
    /// # Errors
    /// The reason to close the connection with. Nothing can be decoded after it.
    pub(crate) fn feed(
        &mut self,
        input: &mut [u8],
        mut on: impl FnMut(WsEvent<'_>) -> DecodeControl,
    ) -> Result<u32, CloseReason> {
        let mut frames = 0;
        if self.partial.is_empty() {
            let used = self.decode_frames(input, &mut frames, &mut on)?;
            self.partial.extend_from_slice(&input[used..]);
        } else {
            let mut joined = std::mem::take(&mut self.partial);
            joined.extend_from_slice(input);
            let used = self.decode_frames(&mut joined, &mut frames, &mut on)?;
            // A complete frame drops the buffer, so that an idle connection has none.
            if used < joined.len() {
                joined.drain(..used);
                self.partial = joined;
            }
        }
        Ok(frames)
    }

    /// Returns the bytes that are kept until the rest arrives.
    pub(crate) fn buffered_bytes(&self) -> usize {
        let fragments = self.fragments.as_ref();
        // Capacities, because they are the memory that the connection costs.
        self.partial.capacity() + fragments.map_or(0, |begun| begun.bytes.capacity())
    }

    /// Drops the incomplete frame and message.
    pub(crate) fn clear(&mut self) {
        self.partial = Vec::new();
        self.fragments = None;
    }

    /// Decodes complete frames, counts them, and returns their length in bytes.
    fn decode_frames(
        &mut self,
        input: &mut [u8],
        frames: &mut u32,
        on: &mut impl FnMut(WsEvent<'_>) -> DecodeControl,
    ) -> Result<usize, CloseReason> {
        let mut used = 0;
        while let Some(head) = self.parse_header(&input[used..])? {
            let start = used + head.header_len;
            let end = start + head.payload_len;
            if end > input.len() {
                break;
            }
            let payload = &mut input[start..end];
            unmask(payload, head.mask);
            used = end;
            *frames += 1;
            if self.handle_frame(&head, payload, on)? == DecodeControl::Stop {
                return Ok(input.len());
            }
        }
        Ok(used)
    }

    /// Checks and returns the header at the start of `input`; `None` while it is incomplete.
    fn parse_header(&self, input: &[u8]) -> Result<Option<ParsedHeader>, CloseReason> {
        let mut cursor = Cursor::new(&input[..input.len().min(MAX_HEADER)]);
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| CloseReason::Protocol)?;
        let Some((header, payload)) = parsed else {
            return Ok(None);
        };
        // No extension is negotiated, so reserved bits are an error (RFC 6455, section 5.2).
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(CloseReason::Protocol);
        }
        // A client masks every frame (section 5.1).
        let mask = header.mask.ok_or(CloseReason::Protocol)?;
        let kept = self.fragments.as_ref().map_or(0, |begun| begun.bytes.len());
        // By the header alone: a payload over the limit is never buffered.
        let limit = match header.opcode {
            // Control frames are short and not fragmented (section 5.5).
            OpCode::Control(_) if !header.is_final || payload > MAX_CONTROL as u64 => {
                return Err(CloseReason::Protocol);
            }
            OpCode::Control(_) => MAX_CONTROL,
            OpCode::Data(Data::Binary) if self.allowed == AllowedMessages::Text => {
                return Err(CloseReason::Binary);
            }
            OpCode::Data(_) => (self.max_message as usize).saturating_sub(kept),
        };
        match usize::try_from(payload) {
            Ok(payload) if payload <= limit => Ok(Some(ParsedHeader {
                opcode: header.opcode,
                is_final: header.is_final,
                mask,
                header_len: cursor.position() as usize,
                payload_len: payload,
            })),
            _ => Err(CloseReason::TooBig),
        }
    }

    fn handle_frame(
        &mut self,
        head: &ParsedHeader,
        payload: &[u8],
        on: &mut impl FnMut(WsEvent<'_>) -> DecodeControl,
    ) -> Result<DecodeControl, CloseReason> {
        match (head.opcode, self.fragments.as_mut()) {
            (OpCode::Control(Control::Ping), _) => Ok(on(WsEvent::Ping(payload))),
            (OpCode::Control(Control::Pong), _) => Ok(on(WsEvent::Pong)),
            (OpCode::Control(Control::Close), _) => Ok(on(WsEvent::Close(close_code(payload)?))),
            (OpCode::Data(Data::Text), None) if head.is_final => emit_text(payload, on),
            (OpCode::Data(Data::Binary), None) if head.is_final => Ok(on(WsEvent::Binary(payload))),
            (OpCode::Data(kind @ (Data::Text | Data::Binary)), None) => {
                let begun = self.fragments.insert(Box::new(FragmentedMessage {
                    kind,
                    bytes: Vec::new(),
                    valid_len: 0,
                }));
                begun.extend(payload)?;
                Ok(DecodeControl::Continue)
            }
            (OpCode::Data(Data::Continue), Some(begun)) => {
                begun.extend(payload)?;
                if !head.is_final {
                    return Ok(DecodeControl::Continue);
                }
                match self.fragments.take() {
                    Some(whole) if whole.kind == Data::Text => emit_text(&whole.bytes, on),
                    Some(whole) => Ok(on(WsEvent::Binary(&whole.bytes))),
                    None => Ok(DecodeControl::Continue),
                }
            }
            _ => Err(CloseReason::Protocol),
        }
    }
}

/// The beginning of a fragmented message.
struct FragmentedMessage {
    kind: Data,
    bytes: Vec<u8>,
    /// Length of the prefix of complete characters, if the message is text.
    valid_len: usize,
}

impl FragmentedMessage {
    /// Appends a fragment. Rejects text that no further fragment can make valid.
    fn extend(&mut self, payload: &[u8]) -> Result<(), CloseReason> {
        self.bytes.extend_from_slice(payload);
        if self.kind != Data::Text {
            return Ok(());
        }
        // Fail fast on invalid UTF-8 (RFC 6455, section 8.1), and check no byte twice.
        self.valid_len += match std::str::from_utf8(&self.bytes[self.valid_len..]) {
            Ok(text) => text.len(),
            // The fragment ends within a character, which the next one may complete.
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return Err(CloseReason::BadPayload),
        };
        Ok(())
    }
}

struct ParsedHeader {
    opcode: OpCode,
    is_final: bool,
    mask: [u8; 4],
    header_len: usize,
    payload_len: usize,
}

fn emit_text(
    payload: &[u8],
    on: &mut impl FnMut(WsEvent<'_>) -> DecodeControl,
) -> Result<DecodeControl, CloseReason> {
    let text = std::str::from_utf8(payload).map_err(|_| CloseReason::BadPayload)?;
    Ok(on(WsEvent::Text(text)))
}

/// Returns the code of a close frame: a payload is empty, or a code and a reason in UTF-8.
fn close_code(payload: &[u8]) -> Result<Option<u16>, CloseReason> {
    match payload {
        [] => Ok(None),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if !is_valid_close_code(code) || std::str::from_utf8(reason).is_err() {
                return Err(CloseReason::Protocol);
            }
            Ok(Some(code))
        }
        [_] => Err(CloseReason::Protocol),
    }
}

/// Whether a peer may send the code. Codes such as 1005 must never be on the wire (section
/// 7.4.1). 1012 to 1014 were registered later; 3000 and above belong to libraries and
/// applications.
fn is_valid_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    for (byte, key) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns a client's frame.
    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 4];
        let mut frame = vec![first];
        match payload.len() {
            short @ 0..126 => frame.push(0x80 | short as u8),
            long => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&(long as u16).to_be_bytes());
            }
        }
        frame.extend_from_slice(&mask);
        let start = frame.len();
        frame.extend_from_slice(payload);
        unmask(&mut frame[start..], mask);
        frame
    }

    fn decode(decoder: &mut WsDecoder, bytes: &[u8]) -> Result<Vec<String>, CloseReason> {
        let mut seen = Vec::new();
        decoder.feed(&mut bytes.to_vec(), |event| {
            seen.push(format!("{event:?}"));
            DecodeControl::Continue
        })?;
        Ok(seen)
    }

    fn error_of(bytes: &[u8]) -> CloseReason {
        decode(&mut WsDecoder::new(100, AllowedMessages::Text), bytes).unwrap_err()
    }

    #[test]
    fn control_frames_may_come_between_fragments() {
        let bytes = [masked(0x01, b"Hel"), masked(0x89, b""), masked(0x80, b"lo")].concat();
        let seen = decode(&mut WsDecoder::new(100, AllowedMessages::Text), &bytes).unwrap();
        assert_eq!(seen, ["Ping([])", "Text(\"Hello\")"]);
    }

    #[test]
    fn binary_message_is_decoded_only_if_allowed() {
        let frames = [(0x02, &b"\xff"[..]), (0x80, b"x"), (0x82, b"y")];
        let bytes = frames
            .map(|(first, payload)| masked(first, payload))
            .concat();
        let mut decoder = WsDecoder::new(100, AllowedMessages::TextAndBinary);
        let seen = decode(&mut decoder, &bytes).unwrap();
        assert_eq!(seen, ["Binary([255, 120])", "Binary([121])"]);
        assert_eq!(error_of(&bytes), CloseReason::Binary);
    }

    #[test]
    fn invalid_text_is_rejected_with_the_fragment_that_breaks_it() {
        let character = "\u{1f600}".as_bytes();
        let mut decoder = WsDecoder::new(100, AllowedMessages::Text);
        let begun = decode(&mut decoder, &masked(0x01, &character[..2]));
        assert_eq!(begun, Ok(vec![]));
        let broken = decode(&mut decoder, &masked(0x00, b"x"));
        assert_eq!(broken, Err(CloseReason::BadPayload));

        let split = [masked(0x01, &character[..3]), masked(0x80, &character[3..])].concat();
        let seen = decode(&mut WsDecoder::new(100, AllowedMessages::Text), &split).unwrap();
        assert_eq!(seen, ["Text(\"\u{1f600}\")"]);
        let unfinished = [masked(0x01, b"x"), masked(0x80, &character[..3])].concat();
        assert_eq!(error_of(&unfinished), CloseReason::BadPayload);
    }

    #[test]
    fn invalid_frame_has_its_close_reason() {
        assert_eq!(error_of(&masked(0x82, b"x")), CloseReason::Binary);
        assert_eq!(error_of(&masked(0x81, &[0xff])), CloseReason::BadPayload);
        assert_eq!(error_of(&masked(0x81, &[b'x'; 101])), CloseReason::TooBig);
        let huge = [&[0x81, 0xff][..], &[0xff; 8], &[0; 4]].concat();
        assert_eq!(error_of(&huge), CloseReason::TooBig);
        let endless = [masked(0x01, &[b'a'; 60]), masked(0x00, &[b'a'; 60])].concat();
        assert_eq!(error_of(&endless), CloseReason::TooBig);
        for (defect, bytes) in [
            ("unmasked", vec![0x81, 0x01, b'x']),
            ("reserved bit", masked(0xc1, b"x")),
            ("reserved opcode", masked(0x83, b"x")),
            ("nothing to continue", masked(0x80, b"x")),
            ("fragmented ping", masked(0x09, b"x")),
            ("long ping", masked(0x89, &[0; 126])),
            ("half a code", masked(0x88, &[3])),
            ("reserved code", masked(0x88, &1005_u16.to_be_bytes())),
            (
                "message in a message",
                [masked(0x01, b"a"), masked(0x81, b"b")].concat(),
            ),
        ] {
            assert_eq!(error_of(&bytes), CloseReason::Protocol, "{defect}");
        }
    }

    #[test]
    fn incomplete_bytes_are_counted_until_they_are_complete() {
        let mut decoder = WsDecoder::new(100, AllowedMessages::Text);
        let whole = masked(0x81, &[b'x'; 90]);
        decode(&mut decoder, &whole[..50]).unwrap();
        assert!(decoder.buffered_bytes() >= 50);
        decode(&mut decoder, &whole[50..]).unwrap();
        assert_eq!(decoder.buffered_bytes(), 0);
        decode(&mut decoder, &masked(0x01, &[b'x'; 60])).unwrap();
        assert!(decoder.buffered_bytes() >= 60);
        decoder.clear();
        assert_eq!(decoder.buffered_bytes(), 0);
        for byte in masked(0x89, b"beat") {
            decode(&mut decoder, &[byte]).unwrap();
        }
        assert_eq!(decoder.buffered_bytes(), 0);
        assert!(decoder.fragments.is_none());
    }

    #[test]
    fn close_code_is_valid_if_a_peer_may_send_it() {
        for (code, valid) in [
            (0, false),
            (999, false),
            (1000, true),
            (1003, true),
            (1004, false),
            (1005, false),
            (1006, false),
            (1007, true),
            (1012, true),
            (1014, true),
            (1015, false),
            (1016, false),
            (2999, false),
            (3000, true),
            (4999, true),
            (5000, false),
            (u16::MAX, false),
        ] {
            let frame = masked(0x88, &u16::to_be_bytes(code));
            let decoded = decode(&mut WsDecoder::new(100, AllowedMessages::Text), &frame);
            assert_eq!(decoded.is_ok(), valid, "{code}: {decoded:?}");
        }
    }

    #[test]
    fn every_complete_frame_is_counted() {
        let mut decoder = WsDecoder::new(100, AllowedMessages::Text);
        let parts = [
            masked(0x01, b""),
            masked(0x00, b""),
            masked(0x8a, b""),
            masked(0x80, b"x"),
        ];
        let mut bytes = parts.concat();
        let last = bytes.len() - 1;
        let count = |decoder: &mut WsDecoder, bytes: &mut [u8]| {
            decoder.feed(bytes, |_| DecodeControl::Continue).unwrap()
        };
        assert_eq!(count(&mut decoder, &mut bytes[..last]), 3);
        assert_eq!(count(&mut decoder, &mut bytes[last..]), 1);
    }

    proptest! {
        #[test]
        fn messages_are_decoded_from_any_pieces(
            texts in prop::collection::vec("[a-zü]{0,200}", 1..6),
            cuts in prop::collection::vec(1_usize..40, 1..50),
        ) {
            let bytes: Vec<u8> = texts.iter().flat_map(|text| masked(0x81, text.as_bytes())).collect();
            let mut decoder = WsDecoder::new(1000, AllowedMessages::Text);
            let (mut seen, mut at, mut cut) = (Vec::new(), 0, cuts.iter().cycle());
            while at < bytes.len() {
                let end = (at + cut.next().unwrap()).min(bytes.len());
                seen.extend(decode(&mut decoder, &bytes[at..end]).unwrap());
                at = end;
            }
            let expected: Vec<_> = texts.iter().map(|text| format!("Text({text:?})")).collect();
            prop_assert_eq!(seen, expected);
        }

        #[test]
        fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..200)) {
            for allowed in [AllowedMessages::Text, AllowedMessages::TextAndBinary] {
                let _ = decode(&mut WsDecoder::new(100, allowed), &noise);
            }
        }
    }
}
