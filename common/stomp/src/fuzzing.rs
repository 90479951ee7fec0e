//! The function of the fuzz target. It accepts any bytes and panics when a guarantee is
//! broken. Not part of the library's interface.

use crate::{
    acknowledge::{AckId, AckMode},
    connect::{Connect, Connected},
    decoder::{Decoded, Decoder},
    error::DecodeError,
    frame::Frame,
    header,
    limits::Limits,
    version::Version,
};

/// Bounds that short inputs reach.
const LIMITS: Limits = Limits {
    max_head_bytes: 512,
    max_headers: 8,
    max_body_bytes: 512,
};

/// Checks the decoder: the pieces in which bytes arrive change nothing, every frame is within
/// the limits, and what is written again is read as the same frame. The first byte of the input
/// chooses the version, the second the size of the pieces.
pub fn stomp_frames(bytes: &[u8]) {
    let [version, piece, bytes @ ..] = bytes else {
        return;
    };
    let version = Version::ALL[usize::from(*version) % Version::ALL.len()];
    let piece = usize::from(*piece).max(1);
    let whole = decode(version, bytes, bytes.len().max(1));
    assert_eq!(whole, decode(version, bytes, piece));
    for frame in whole.0 {
        check_frame(&frame, version);
    }
}

/// Returns the frames of bytes that arrive in pieces, and the error behind them.
fn decode(version: Version, bytes: &[u8], piece: usize) -> (Vec<Frame>, Option<DecodeError>) {
    let mut decoder = Decoder::new(LIMITS);
    decoder.set_version(version);
    let mut frames = Vec::new();
    for piece in bytes.chunks(piece) {
        decoder.push(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(Decoded::Frame(frame))) => frames.push(frame),
                Ok(Some(Decoded::HeartBeat)) => {}
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
        let most = LIMITS.max_head_bytes + LIMITS.max_body_bytes + 2;
        assert!(decoder.partial_bytes() <= most);
    }
    (frames, None)
}

fn check_frame(frame: &Frame, version: Version) {
    assert!(frame.headers.len() <= LIMITS.max_headers);
    assert!(frame.body.len() <= LIMITS.max_body_bytes);
    let again = frame
        .encode(version)
        .expect("cannot write a frame that was just read");
    let (frames, error) = decode_unbounded(version, &again);
    assert_eq!(error, None);
    assert_eq!(frames, [normal(frame)]);
    let _ = Connect::from_frame(frame).map(|connect| format!("{connect:?}"));
    let _ = Connected::from_frame(frame);
    let _ = AckId::from_frame(frame, version);
    let _ = AckMode::parse(frame.get(header::ACK));
}

/// Returns the frame with the number of its `content-length` in its shortest form.
fn normal(frame: &Frame) -> Frame {
    let mut frame = frame.clone();
    if frame.get(header::CONTENT_LENGTH).is_some() {
        let length = frame.body.len().to_string();
        frame.headers.set(header::CONTENT_LENGTH, &length);
    }
    frame
}

/// Decodes what the encoder wrote, which escapes may have made longer than the limits.
fn decode_unbounded(version: Version, bytes: &[u8]) -> (Vec<Frame>, Option<DecodeError>) {
    let mut decoder = Decoder::new(Limits::default());
    decoder.set_version(version);
    decoder.push(bytes);
    match decoder.next_frame() {
        Ok(Some(Decoded::Frame(frame))) => (vec![frame], None),
        Ok(_) => (Vec::new(), None),
        Err(error) => (Vec::new(), Some(error)),
    }
}
