//! Our frame decoder beside tungstenite's.

use std::io::{self, Cursor, Read, Write};

use tokio_tungstenite::tungstenite::{
    Error, Message, WebSocket,
    error::ProtocolError,
    protocol::{Role, WebSocketConfig, frame::coding::CloseCode},
};

use crate::ws::decode::{Accepts, Decoder, Event, Flow};

/// Small, so that bytes of a fuzzer reach it.
const MAX_MESSAGE: usize = 1024;

/// What a client said, up to its close.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Ping(Vec<u8>),
    Pong,
    Text(String),
    Binary(Vec<u8>),
    Close(Option<u16>),
}

/// How it went on.
#[derive(Debug, PartialEq, Eq)]
enum Then {
    /// More bytes are awaited, or it is closed.
    Awaits,
    /// The connection is to be closed as broken.
    Broken,
}

/// Both decoders report the same; ours may refuse earlier, by a header or a
/// fragment, what tungstenite waits for the rest of. However the bytes are cut, ours
/// reports the same. A device's decoder reports the same as long as there is no
/// binary.
pub fn ws_frames(bytes: &[u8]) {
    let (said, then) = ours(bytes, bytes.len().max(1), Accepts::TextAndBinary);
    for step in [1, 3, 17] {
        let (cut, then_cut) = ours(bytes, step, Accepts::TextAndBinary);
        assert_eq!((&said, &then), (&cut, &then_cut), "in steps of {step}");
    }
    let (theirs, then_theirs) = tungstenite(bytes);
    assert_eq!(said, theirs);
    if then_theirs == Then::Broken {
        assert_eq!(then, Then::Broken, "{said:?}");
    }
    let (device, then_device) = ours(bytes, bytes.len().max(1), Accepts::Text);
    assert!(said.starts_with(&device));
    assert!(!device.iter().any(|said| matches!(said, Said::Binary(_))));
    if device.len() < said.len() {
        assert_eq!(then_device, Then::Broken);
    }
}

fn ours(bytes: &[u8], step: usize, accepts: Accepts) -> (Vec<Said>, Then) {
    let mut decoder = Decoder::new(MAX_MESSAGE, accepts);
    let mut said = Vec::new();
    for part in bytes.chunks(step) {
        let mut closed = false;
        let fed = decoder.feed(&mut part.to_vec(), |event| {
            said.push(match event {
                Event::Ping(payload) => Said::Ping(payload.to_vec()),
                Event::Pong => Said::Pong,
                Event::Text(text) => Said::Text(text.to_owned()),
                Event::Binary(bytes) => Said::Binary(bytes.to_vec()),
                Event::Close(code) => {
                    closed = true;
                    said.push(Said::Close(code));
                    return Flow::Stop;
                }
            });
            Flow::Continue
        });
        if fed.is_err() {
            return (said, Then::Broken);
        }
        if closed {
            break;
        }
    }
    (said, Then::Awaits)
}

fn tungstenite(bytes: &[u8]) -> (Vec<Said>, Then) {
    let config = WebSocketConfig::default()
        .max_frame_size(Some(MAX_MESSAGE))
        .max_message_size(Some(MAX_MESSAGE));
    let stream = Deaf(Cursor::new(bytes));
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, Some(config));
    let mut said = Vec::new();
    loop {
        said.push(match socket.read() {
            Ok(Message::Ping(payload)) => Said::Ping(payload.to_vec()),
            Ok(Message::Pong(_)) => Said::Pong,
            Ok(Message::Text(text)) => Said::Text(text.as_str().to_owned()),
            Ok(Message::Binary(bytes)) => Said::Binary(bytes.to_vec()),
            // Its reading of a code that is not allowed.
            Ok(Message::Close(Some(close)))
                if close.code == CloseCode::Protocol && close.reason == "Protocol violation" =>
            {
                return (said, Then::Broken);
            }
            Ok(Message::Close(close)) => {
                said.push(Said::Close(close.map(|close| close.code.into())));
                return (said, Then::Awaits);
            }
            Ok(Message::Frame(_)) => continue,
            Err(
                Error::ConnectionClosed
                | Error::Io(_)
                | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake),
            ) => return (said, Then::Awaits),
            Err(_) => return (said, Then::Broken),
        });
    }
}

/// A client that sends these bytes and listens to nothing.
struct Deaf<'a>(Cursor<&'a [u8]>);

impl Read for Deaf<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl Write for Deaf<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
