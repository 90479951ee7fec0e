//! The frames of a server that compresses, as frames without compression.
//!
//! ```text
//! Header ──► Plain ──────────────────────────────► Header
//!    │       payload as it is
//!    └─────► Compressed ──► (last frame) ► Tail ──► Header
//!            payload inflated              the 4 bytes that senders cut off
//! ```
//!
//! A compressed message becomes an empty first fragment, a fragment per inflated piece, and an
//! empty last one. No message is ever whole in here: tungstenite puts the fragments together,
//! and checks them against the limit of messages and the rules of fragments, as it does for
//! plain ones. A frame that breaks a rule passes unchanged, so that tungstenite finds it.

use std::io;

use flate2::{Decompress, FlushDecompress, Status};

use super::negotiation::DeflateParams;

/// Largest piece of an inflated message, in bytes.
const PIECE: usize = 2_048;
/// The end of every flush, which a sender cuts off (RFC 7692, section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// Most DEFLATE streams that may end within a message. One is usual (RFC 7692, section
/// 7.2.3.5). The start of another one clears a window of 32 KiB for a few bytes of input.
const MAX_STREAM_ENDS: u32 = 16;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2_RSV3: u8 = 0x30;
const OPCODE: u8 = 0x0f;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;

/// The server sent a compressed message that is not DEFLATE (RFC 1951).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid compressed message: expected DEFLATE")]
pub(crate) struct InvalidDeflate;

/// Whether an error of a connection says that a compressed message is invalid.
pub(crate) fn is_invalid_deflate(error: &io::Error) -> bool {
    let cause = error.get_ref();
    cause.is_some_and(|cause| cause.is::<InvalidDeflate>())
}

/// A converter of the frames of one socket.
#[derive(Debug)]
pub(crate) struct FrameInflater {
    state: FrameState,
    header: FrameHeader,
    /// Whether the last fragment of a compressed message is still to come.
    is_in_message: bool,
    /// Whether the last call of the decoder gave a piece, so that more of the same input may
    /// follow.
    has_more: bool,
    /// DEFLATE streams that have ended within the message.
    stream_ends: u32,
    /// The decoder with its window. Without context takeover it lives as long as a message.
    decoder: Option<Decompress>,
    params: DeflateParams,
}

/// The part of a frame that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FrameState {
    /// A frame's header, or the rest of it.
    Header,
    /// The payload of a frame that passes unchanged.
    Plain { remaining: u64 },
    /// The payload of a frame of a compressed message.
    Compressed { remaining: u64, is_final: bool },
    /// The tail of a compressed message.
    Tail { fed: usize },
}

/// The bytes of a frame's header that have come.
#[derive(Debug, Default)]
struct FrameHeader {
    bytes: [u8; 14],
    len: usize,
}

/// The result of one call of the decoder.
struct Inflated {
    consumed: usize,
    produced: usize,
}

impl FrameInflater {
    pub(crate) fn new(params: DeflateParams) -> Self {
        Self {
            state: FrameState::Header,
            header: FrameHeader::default(),
            is_in_message: false,
            has_more: false,
            stream_ends: 0,
            decoder: None,
            params,
        }
    }

    /// Whether nothing more comes before the next byte of the server.
    pub(crate) fn needs_input(&self) -> bool {
        match self.state {
            FrameState::Header | FrameState::Plain { .. } => true,
            FrameState::Compressed { remaining, .. } => remaining > 0 && !self.has_more,
            FrameState::Tail { .. } => false,
        }
    }

    /// Whether a window is held.
    #[cfg(test)]
    pub(crate) fn holds_window(&self) -> bool {
        self.decoder.is_some()
    }

    /// Takes a part of `input`, and appends the frames that follow from it to `output`: at
    /// most [`PIECE`] bytes and some headers, or the input as it is. Returns the bytes that
    /// were taken.
    pub(crate) fn advance(
        &mut self,
        input: &[u8],
        output: &mut Vec<u8>,
    ) -> Result<usize, InvalidDeflate> {
        match self.state {
            FrameState::Header => Ok(self.read_header(input, output)),
            FrameState::Plain { remaining } => {
                let taken = cut(input, remaining);
                output.extend_from_slice(taken);
                self.state = after_plain(remaining - taken.len() as u64);
                Ok(taken.len())
            }
            FrameState::Compressed {
                remaining,
                is_final,
            } => {
                let consumed = self.inflate_piece(cut(input, remaining), output)?;
                let remaining = remaining - consumed as u64;
                self.state = match remaining == 0 && !self.has_more {
                    true if is_final => FrameState::Tail { fed: 0 },
                    true => FrameState::Header,
                    false => FrameState::Compressed {
                        remaining,
                        is_final,
                    },
                };
                Ok(consumed)
            }
            FrameState::Tail { fed } => {
                let fed = fed + self.inflate_piece(&TAIL[fed..], output)?;
                self.state = FrameState::Tail { fed };
                if fed == TAIL.len() && !self.has_more {
                    self.end_message(output);
                }
                Ok(0)
            }
        }
    }

    fn read_header(&mut self, input: &[u8], output: &mut Vec<u8>) -> usize {
        let taken = self.header.take(input);
        if !self.header.is_complete() {
            return taken;
        }
        let header = std::mem::take(&mut self.header);
        let length = header.payload_len();
        if !header.is_compressed(self.is_in_message) {
            output.extend_from_slice(&header.bytes[..header.len]);
            self.state = after_plain(length);
            return taken;
        }
        if !self.is_in_message {
            self.is_in_message = true;
            push_frame(output, header.opcode(), &[]);
        }
        self.state = FrameState::Compressed {
            remaining: length,
            is_final: header.bytes[0] & FIN != 0,
        };
        taken
    }

    /// Inflates a piece of the message. Returns the bytes of `input` that were taken.
    fn inflate_piece(
        &mut self,
        input: &[u8],
        output: &mut Vec<u8>,
    ) -> Result<usize, InvalidDeflate> {
        // On the stack: an idle socket holds no buffer.
        let mut piece = [0; PIECE];
        let Inflated { consumed, produced } = self.inflate(input, &mut piece)?;
        self.has_more = produced > 0;
        if self.has_more {
            push_frame(output, CONTINUATION, &piece[..produced]);
        } else if consumed == 0 && !input.is_empty() {
            // The decoder has room and input, and does nothing.
            return Err(InvalidDeflate);
        }
        Ok(consumed)
    }

    fn inflate(&mut self, input: &[u8], piece: &mut [u8]) -> Result<Inflated, InvalidDeflate> {
        if input.is_empty() && self.decoder.is_none() {
            // Empty fragments hold no window.
            return Ok(Inflated {
                consumed: 0,
                produced: 0,
            });
        }
        let decoder = self.decoder.get_or_insert_with(|| Decompress::new(false));
        let (total_in, total_out) = (decoder.total_in(), decoder.total_out());
        let status = decoder
            .decompress(input, piece, FlushDecompress::None)
            .map_err(|_| InvalidDeflate)?;
        // Within the lengths of two slices.
        let inflated = Inflated {
            consumed: (decoder.total_in() - total_in) as usize,
            produced: (decoder.total_out() - total_out) as usize,
        };
        if status == Status::StreamEnd {
            // RFC 7692, section 7.2.3.5: a block may be the last one of its stream, and the
            // message goes on with another stream.
            self.stream_ends += 1;
            if self.stream_ends > MAX_STREAM_ENDS {
                return Err(InvalidDeflate);
            }
            decoder.reset(false);
        }
        Ok(inflated)
    }

    fn end_message(&mut self, output: &mut Vec<u8>) {
        push_frame(output, FIN | CONTINUATION, &[]);
        self.state = FrameState::Header;
        self.is_in_message = false;
        self.stream_ends = 0;
        if !self.params.has_context_takeover {
            self.decoder = None;
        }
    }
}

impl FrameHeader {
    /// Takes bytes up to the end of the header. Returns their number.
    fn take(&mut self, input: &[u8]) -> usize {
        let mut taken = 0;
        while !self.is_complete() && taken < input.len() {
            self.bytes[self.len] = input[taken];
            self.len += 1;
            taken += 1;
        }
        taken
    }

    /// Whether all bytes have come (RFC 6455, section 5.2).
    fn is_complete(&self) -> bool {
        let mask_len = match self.bytes[1] & MASKED {
            0 => 0,
            _ => 4,
        };
        self.len >= 2 && self.len == 2 + self.length_len() + mask_len
    }

    /// Returns the number of bytes of the extended payload length.
    fn length_len(&self) -> usize {
        match self.bytes[1] & LENGTH {
            126 => 2,
            127 => 8,
            _ => 0,
        }
    }

    fn payload_len(&self) -> u64 {
        let extended = &self.bytes[2..2 + self.length_len()];
        match extended.is_empty() {
            true => u64::from(self.bytes[1] & LENGTH),
            false => extended
                .iter()
                .fold(0, |length, byte| length << 8 | u64::from(*byte)),
        }
    }

    fn opcode(&self) -> u8 {
        self.bytes[0] & OPCODE
    }

    /// Whether the payload is to be inflated. RFC 7692, section 6: RSV1 stands in the first
    /// frame of a compressed message and in no other.
    fn is_compressed(&self, is_in_message: bool) -> bool {
        let is_first = matches!(self.opcode(), TEXT | BINARY) && !is_in_message;
        let is_next = self.opcode() == CONTINUATION && is_in_message;
        let is_valid = self.bytes[0] & RSV2_RSV3 == 0
            && self.bytes[1] & MASKED == 0
            // RFC 6455, section 5.2: the highest bit of a length is 0.
            && self.payload_len() <= i64::MAX as u64;
        match self.bytes[0] & RSV1 {
            0 => is_next && is_valid,
            _ => is_first && is_valid,
        }
    }
}

fn after_plain(remaining: u64) -> FrameState {
    match remaining {
        0 => FrameState::Header,
        _ => FrameState::Plain { remaining },
    }
}

/// Returns the part of `input` that belongs to a payload with `remaining` bytes.
fn cut(input: &[u8], remaining: u64) -> &[u8] {
    let length = usize::try_from(remaining).unwrap_or(usize::MAX);
    &input[..input.len().min(length)]
}

/// Appends an unmasked frame with at most 65,535 bytes.
fn push_frame(output: &mut Vec<u8>, first: u8, payload: &[u8]) {
    output.push(first);
    match payload.len() {
        short @ 0..=125 => output.push(short as u8),
        long => {
            output.push(126);
            output.extend_from_slice(&(long as u16).to_be_bytes());
        }
    }
    output.extend_from_slice(payload);
}
