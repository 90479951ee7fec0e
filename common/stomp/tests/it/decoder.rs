//! Bytes that are frames, and bytes that are not.

use highwater_stomp::{Command, DecodeError, Decoded, Decoder, Frame, Limits, Version, header};

const LIMITS: Limits = Limits {
    max_head_bytes: 64,
    max_headers: 3,
    max_body_bytes: 8,
};

fn decode(version: Version, bytes: &[u8]) -> Result<Vec<Decoded>, DecodeError> {
    let mut decoder = Decoder::new(LIMITS);
    decoder.set_version(version);
    decoder.push(bytes);
    std::iter::from_fn(|| decoder.next_frame().transpose()).collect()
}

fn decode_one(version: Version, bytes: &[u8]) -> Frame {
    match decode(version, bytes).expect("a frame").as_slice() {
        [Decoded::Frame(frame)] => frame.clone(),
        other => panic!("{other:?}"),
    }
}

fn error(version: Version, bytes: &[u8]) -> String {
    decode(version, bytes).expect_err("no frame").to_string()
}

#[test]
fn lines_may_end_with_cr_lf() {
    let frame = decode_one(Version::V1_2, b"SEND\r\ndestination:/a\r\n\r\nhi\0");
    assert_eq!(frame.command, Command::Send);
    assert_eq!(frame.get(header::DESTINATION), Some("/a"));
    assert_eq!(&frame.body[..], b"hi");
}

#[test]
fn first_of_repeated_headers_counts() {
    let frame = decode_one(Version::V1_2, b"SEND\nfoo:World\nfoo:Hello\n\n\0");
    assert_eq!(frame.get("foo"), Some("World"));
    assert_eq!(frame.headers.len(), 1);
}

#[test]
fn spaces_belong_to_names_and_values() {
    let frame = decode_one(Version::V1_1, b"SEND\n a : b \n\n\0");
    assert_eq!(frame.get(" a "), Some(" b "));
}

#[test]
fn body_with_a_length_may_contain_nul() {
    let frame = decode_one(Version::V1_2, b"SEND\ncontent-length:3\n\na\0b\0");
    assert_eq!(&frame.body[..], b"a\0b");
}

#[test]
fn body_without_a_length_ends_at_the_first_nul() {
    let frames = decode(Version::V1_2, b"SEND\n\na\0SEND\n\nb\0").unwrap();
    assert_eq!(frames.len(), 2);
}

#[test]
fn ends_of_lines_between_frames_are_one_heart_beat() {
    let found = decode(Version::V1_2, b"\n\r\n\nBEGIN\n\n\0\n").unwrap();
    let [
        Decoded::HeartBeat,
        Decoded::Frame(frame),
        Decoded::HeartBeat,
    ] = found.as_slice()
    else {
        panic!("{found:?}");
    };
    assert_eq!(frame.command, Command::Begin);
}

#[test]
fn escapes_are_those_of_the_version() {
    let escaped = b"SEND\na\\cb:\\n\\\\\n\n\0";
    for version in [Version::V1_1, Version::V1_2] {
        assert_eq!(decode_one(version, escaped).get("a:b"), Some("\n\\"));
    }
    assert_eq!(
        decode_one(Version::V1_0, escaped).get("a\\cb"),
        Some("\\n\\\\")
    );
    let cr = b"SEND\na:\\r\n\n\0";
    assert_eq!(decode_one(Version::V1_2, cr).get("a"), Some("\r"));
    assert_eq!(
        error(Version::V1_1, cr),
        r#"invalid escape in header "a:\\r": STOMP 1.1 defines \n, \c and \\"#
    );
    assert_eq!(
        error(Version::V1_2, b"SEND\na:\\t\n\n\0"),
        r#"invalid escape in header "a:\\t": STOMP 1.2 defines \r, \n, \c and \\"#
    );
}

#[test]
fn frames_that_open_a_session_have_no_escapes() {
    let frame = decode_one(Version::V1_2, b"CONNECT\npasscode:a\\b:c\n\n\0");
    assert_eq!(frame.get(header::PASSCODE), Some("a\\b:c"));
}

#[test]
fn credentials_are_not_shown() {
    let frame = decode_one(Version::V1_2, b"CONNECT\nlogin:me\npasscode:secret\n\n\0");
    let shown = format!("{frame:?}");
    assert!(
        !shown.contains("secret") && !shown.contains("\"me\""),
        "{shown}"
    );
}

#[test]
fn error_names_the_bound_that_was_exceeded() {
    for (bytes, expected) in [
        (
            b"SEND\na:1\nb:1\na:1\nd:1\n\n\0".to_vec(),
            "too many headers: expected at most 3",
        ),
        (
            [b"SEND\na:".to_vec(), vec![b'x'; 60]].concat(),
            "frame head too long: expected at most 64 bytes of command and headers",
        ),
        (
            vec![b'X'; 65],
            "frame head too long: expected at most 64 bytes of command and headers",
        ),
        (
            b"SEND\n\n123456789".to_vec(),
            "body too long: expected at most 8 bytes",
        ),
        (
            b"SEND\ncontent-length:9\n\n".to_vec(),
            "body too long: expected at most 8 bytes",
        ),
    ] {
        assert_eq!(error(Version::V1_2, &bytes), expected);
    }
}

#[test]
fn frames_at_the_bounds_are_accepted() {
    let frame = decode_one(Version::V1_2, b"SEND\na:1\na:1\nb:1\n\n12345678\0");
    assert_eq!(frame.body.len(), 8);
    let head = [b"SEND\na:".to_vec(), vec![b'x'; 55], b"\n\n\0".to_vec()].concat();
    assert_eq!(decode_one(Version::V1_2, &head).get("a").unwrap().len(), 55);
}

#[test]
fn error_says_what_is_invalid_and_what_is_expected() {
    for (bytes, expected) in [
        (
            &b"Send\n\n\0"[..],
            "invalid command \"Send\": expected a command of STOMP in capitals",
        ),
        (
            b"SEND\nnothing\n\n\0",
            "invalid header \"nothing\": expected NAME:VALUE",
        ),
        (
            b"SEND\n:value\n\n\0",
            "invalid header \":value\": expected NAME:VALUE",
        ),
        (
            b"SEND\ncontent-length:+1\n\n",
            "invalid header content-length \"+1\": expected a number of bytes",
        ),
        (
            b"SEND\ncontent-length:1\n\nab\0",
            "invalid body: expected NUL after the 1 bytes of content-length",
        ),
        (
            b"BEGIN\n\nbody\0",
            "invalid body of BEGIN: expected a body in SEND, MESSAGE and ERROR only",
        ),
        (b"SEND\na:\xff\n\n\0", "invalid header: expected UTF-8"),
    ] {
        assert_eq!(error(Version::V1_2, bytes), expected);
    }
    for bytes in [
        &b"SEND\na:\0\n\n\0"[..],
        b"SEND\na:\r1\n\n\0",
        b"\rSEND\n\n\0",
    ] {
        assert!(matches!(
            decode(Version::V1_2, bytes),
            Err(DecodeError::ControlByte { .. })
        ));
    }
}

#[test]
fn decoder_between_frames_holds_no_memory() {
    let mut decoder = Decoder::new(LIMITS);
    decoder.push(b"SEND\n\n1234");
    assert_eq!(decoder.next_frame(), Ok(None));
    assert_eq!(decoder.partial_bytes(), 4);
    decoder.push(b"\0");
    assert!(matches!(decoder.next_frame(), Ok(Some(Decoded::Frame(_)))));
    assert_eq!(decoder.next_frame(), Ok(None));
    assert_eq!(decoder.partial_bytes(), 0);
}

#[test]
fn version_set_after_a_frame_holds_for_those_behind_it() {
    let mut decoder = Decoder::new(LIMITS);
    decoder.push(b"CONNECT\n\n\0SEND\na:\\c\n\n\0");
    assert!(matches!(decoder.next_frame(), Ok(Some(_))));
    decoder.set_version(Version::V1_0);
    let Ok(Some(Decoded::Frame(frame))) = decoder.next_frame() else {
        panic!("a frame is there");
    };
    assert_eq!(frame.get("a"), Some("\\c"));
}
