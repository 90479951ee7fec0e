//! Frames are read as they are written, in whatever pieces they arrive.

use highwater_stomp::{
    Command, DecodeError, Decoded, Decoder, EncodeError, Frame, HEART_BEAT, Limits, Version, header,
};
use proptest::prelude::*;

fn version() -> impl Strategy<Value = Version> {
    prop::sample::select(Version::ALL.to_vec())
}

fn command() -> impl Strategy<Value = Command> {
    prop::sample::select(Command::all().collect::<Vec<_>>())
}

/// Returns text with every character that is special somewhere.
fn text() -> impl Strategy<Value = String> {
    "[a-z:\\\\\r\n é😀]{0,12}"
}

fn name() -> impl Strategy<Value = String> {
    "[a-z:\\\\\r\n é😀]{1,12}"
}

fn frame() -> impl Strategy<Value = Frame> {
    let headers = prop::collection::vec((name(), text()), 0..6);
    let body = prop::option::of(prop::collection::vec(any::<u8>(), 0..100));
    (command(), headers, body).prop_map(|(command, headers, body)| {
        let mut frame = Frame::new(command);
        for (name, value) in headers {
            frame.headers.add(&name, &value);
        }
        match body {
            Some(body) if command.has_body() => frame.with_body(body),
            _ => frame,
        }
    })
}

fn decode(
    version: Version,
    pieces: impl Iterator<Item = Vec<u8>>,
) -> Result<Vec<Frame>, DecodeError> {
    let mut decoder = Decoder::new(Limits::default());
    decoder.set_version(version);
    let mut frames = Vec::new();
    for piece in pieces {
        decoder.push(&piece);
        while let Some(decoded) = decoder.next_frame()? {
            if let Decoded::Frame(frame) = decoded {
                frames.push(frame);
            }
        }
    }
    Ok(frames)
}

proptest! {
    /// A frame that has bytes is read from them, whichever two pieces they are in.
    #[test]
    fn frame_survives_a_split_at_any_byte(frame in frame(), version in version()) {
        let Ok(bytes) = frame.encode(version) else {
            return Ok(());
        };
        for split in 0..=bytes.len() {
            let (left, right) = bytes.split_at(split);
            let pieces = [left.to_vec(), right.to_vec()].into_iter();
            prop_assert_eq!(decode(version, pieces), Ok(vec![frame.clone()]));
        }
    }

    /// Frames and heart-beats in a row are read from pieces of any size.
    #[test]
    fn frames_survive_pieces_of_any_size(
        frames in prop::collection::vec(frame(), 0..5),
        version in version(),
        piece in 1usize..80,
    ) {
        let mut bytes = Vec::new();
        let mut written = Vec::new();
        for frame in frames {
            if let Ok(encoded) = frame.encode(version) {
                bytes.extend(encoded);
                bytes.extend(HEART_BEAT);
                written.push(frame);
            }
        }
        let pieces = bytes.chunks(piece).map(<[u8]>::to_vec);
        prop_assert_eq!(decode(version, pieces), Ok(written));
    }

    /// Every header has a form in 1.2.
    #[test]
    fn every_frame_of_1_2_has_bytes(frame in frame()) {
        let escaped = !matches!(frame.command, Command::Connect | Command::Connected);
        if escaped {
            prop_assert!(frame.encode(Version::V1_2).is_ok());
        }
    }

    /// Any bytes are frames or an error, and never more than the limits allow.
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        highwater_stomp::fuzzing::stomp_frames(&bytes);
    }

    /// Bytes that look like frames are read the same in pieces.
    #[test]
    fn almost_frames_are_read_without_a_panic(
        lines in prop::collection::vec("(SEND|ACK|a:b|content-length:[0-9]|\\\\[a-z]:|\r|\0|x|)", 0..12),
        version: u8,
        piece: u8,
    ) {
        let text = lines.join("\n");
        let bytes = [&[version, piece], text.as_bytes()].concat();
        highwater_stomp::fuzzing::stomp_frames(&bytes);
    }
}

#[test]
fn frame_without_a_length_stays_without_it() {
    let bytes = b"SEND\ndestination:/a\n\ntext\0";
    let frames = decode(Version::V1_2, [bytes.to_vec()].into_iter()).unwrap();
    assert_eq!(&frames[0].encode(Version::V1_2).unwrap()[..], bytes);
}

#[test]
fn body_with_a_nul_gets_a_length() {
    let mut frame = Frame::new(Command::Send);
    frame.body = vec![b'a', 0].into();
    let bytes = frame.encode(Version::V1_2).unwrap();
    assert_eq!(&bytes[..], b"SEND\ncontent-length:2\n\na\0\0");
}

#[test]
fn wrong_length_is_not_written() {
    let frame = Frame::new(Command::Send)
        .with_body("12345")
        .with(header::CONTENT_LENGTH, "3");
    let bytes = frame.encode(Version::V1_2).unwrap();
    assert_eq!(&bytes[..], b"SEND\ncontent-length:5\n\n12345\0");
}

#[test]
fn what_a_version_cannot_express_is_an_error() {
    let send = |name, value| Frame::new(Command::Send).with(name, value);
    for (frame, version, character) in [
        (send("a:b", ""), Version::V1_0, ':'),
        (send("a", "b\nc"), Version::V1_0, '\n'),
        (send("a", "b\rc"), Version::V1_1, '\r'),
        (send("a", "b\0c"), Version::V1_2, '\0'),
        (
            Frame::new(Command::Connect).with("a", "b\n"),
            Version::V1_2,
            '\n',
        ),
    ] {
        let error = frame.encode(version).unwrap_err();
        let is_expected = matches!(
            error,
            EncodeError::Header { character: found, .. } if found == character
        );
        assert!(is_expected, "{error}");
    }
    assert_eq!(
        send("", "a").encode(Version::V1_2),
        Err(EncodeError::NoName)
    );
    let mut begin = Frame::new(Command::Begin);
    begin.body = "x".into();
    assert_eq!(
        begin.encode(Version::V1_2),
        Err(EncodeError::UnexpectedBody(Command::Begin))
    );
}
