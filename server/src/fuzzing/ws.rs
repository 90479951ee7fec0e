//! Our frame decoder beside tungstenite's.

use std::io::{self, Cursor, Read, Write};

use tokio_tungstenite::tungstenite::{
    Error, Message, WebSocket,
    error::ProtocolError,
    protocol::{Role, WebSocketConfig, frame::coding::CloseCode},
};

use crate::net::ws::decode::{AllowedMessages, DecodeControl, WsDecoder, WsEvent};

/// Small, so that bytes of a fuzzer reach it.
const MAX_MESSAGE: usize = 1024;

/// What a client said, up to its close.
#[derive(Debug, PartialEq, Eq)]
enum DecodedEvent {
    Ping(Vec<u8>),
    Pong,
    Text(String),
    Binary(Vec<u8>),
    Close(Option<u16>),
}

/// How it went on.
#[derive(Debug, PartialEq, Eq)]
enum DecodeEnd {
    /// More bytes are awaited, or it is closed.
    NeedsMore,
    /// The connection is to be closed as broken.
    Broken,
}

/// Both decoders report the same; ours may refuse earlier, by a header or a
/// fragment, what tungstenite waits for the rest of. However the bytes are cut, ours
/// reports the same. A device's decoder reports the same as long as there is no
/// binary.
pub fn ws_frames(bytes: &[u8]) {
    let (said, then) = decode_with_ours(bytes, bytes.len().max(1), AllowedMessages::TextAndBinary);
    for step in [1, 3, 17] {
        let (cut, then_cut) = decode_with_ours(bytes, step, AllowedMessages::TextAndBinary);
        assert_eq!((&said, &then), (&cut, &then_cut), "in steps of {step}");
    }
    let (theirs, then_theirs) = decode_with_tungstenite(bytes);
    assert_eq!(said, theirs);
    if then_theirs == DecodeEnd::Broken {
        assert_eq!(then, DecodeEnd::Broken, "{said:?}");
    }
    let (device, then_device) = decode_with_ours(bytes, bytes.len().max(1), AllowedMessages::Text);
    assert!(said.starts_with(&device));
    assert!(
        !device
            .iter()
            .any(|said| matches!(said, DecodedEvent::Binary(_)))
    );
    if device.len() < said.len() {
        assert_eq!(then_device, DecodeEnd::Broken);
    }
}

fn decode_with_ours(
    bytes: &[u8],
    step: usize,
    accepts: AllowedMessages,
) -> (Vec<DecodedEvent>, DecodeEnd) {
    let mut decoder = WsDecoder::new(MAX_MESSAGE, accepts);
    let mut said = Vec::new();
    for part in bytes.chunks(step) {
        let mut closed = false;
        let fed = decoder.feed(&mut part.to_vec(), |event| {
            said.push(match event {
                WsEvent::Ping(payload) => DecodedEvent::Ping(payload.to_vec()),
                WsEvent::Pong => DecodedEvent::Pong,
                WsEvent::Text(text) => DecodedEvent::Text(text.to_owned()),
                WsEvent::Binary(bytes) => DecodedEvent::Binary(bytes.to_vec()),
                WsEvent::Close(code) => {
                    closed = true;
                    said.push(DecodedEvent::Close(code));
                    return DecodeControl::Stop;
                }
            });
            DecodeControl::Continue
        });
        if fed.is_err() {
            return (said, DecodeEnd::Broken);
        }
        if closed {
            break;
        }
    }
    (said, DecodeEnd::NeedsMore)
}

fn decode_with_tungstenite(bytes: &[u8]) -> (Vec<DecodedEvent>, DecodeEnd) {
    let config = WebSocketConfig::default()
        .max_frame_size(Some(MAX_MESSAGE))
        .max_message_size(Some(MAX_MESSAGE));
    let stream = ReadOnlyStream(Cursor::new(bytes));
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, Some(config));
    let mut said = Vec::new();
    loop {
        said.push(match socket.read() {
            Ok(Message::Ping(payload)) => DecodedEvent::Ping(payload.to_vec()),
            Ok(Message::Pong(_)) => DecodedEvent::Pong,
            Ok(Message::Text(text)) => DecodedEvent::Text(text.as_str().to_owned()),
            Ok(Message::Binary(bytes)) => DecodedEvent::Binary(bytes.to_vec()),
            // Its reading of a code that is not allowed.
            Ok(Message::Close(Some(close)))
                if close.code == CloseCode::Protocol && close.reason == "Protocol violation" =>
            {
                return (said, DecodeEnd::Broken);
            }
            Ok(Message::Close(close)) => {
                said.push(DecodedEvent::Close(close.map(|close| close.code.into())));
                return (said, DecodeEnd::NeedsMore);
            }
            Ok(Message::Frame(_)) => continue,
            Err(
                Error::ConnectionClosed
                | Error::Io(_)
                | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake),
            ) => return (said, DecodeEnd::NeedsMore),
            Err(_) => return (said, DecodeEnd::Broken),
        });
    }
}

/// A client that sends these bytes and listens to nothing.
struct ReadOnlyStream<'a>(Cursor<&'a [u8]>);

impl Read for ReadOnlyStream<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl Write for ReadOnlyStream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
