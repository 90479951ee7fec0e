//! The frame decoder, compared with tungstenite's.

use std::io::{self, Cursor, Read, Write};

use tokio_tungstenite::tungstenite::{
    Error, Message, WebSocket,
    error::ProtocolError,
    protocol::{Role, WebSocketConfig, frame::coding::CloseCode},
};

use crate::net::ws::decode::{AllowedMessages, DecodeControl, WsDecoder, WsEvent};

/// The longest message: short, so that inputs of a fuzzer reach the bound.
const MAX_MESSAGE: usize = 1024;

/// An event of a client, up to its close.
#[derive(Debug, PartialEq, Eq)]
enum DecodedEvent {
    Ping(Vec<u8>),
    Pong,
    Text(String),
    Binary(Vec<u8>),
    Close(Option<u16>),
}

/// The state after the input.
#[derive(Debug, PartialEq, Eq)]
enum DecodeEnd {
    /// The decoder needs more bytes, or the client has closed.
    NeedsMore,
    /// The connection must close as broken.
    Broken,
}

/// Checks that both decoders report the same events, however the bytes are cut. Ours may
/// reject a message earlier, by its header or a fragment. A device's decoder reports the
/// same up to the first binary message.
pub fn ws_frames(bytes: &[u8]) {
    let (events, end) = decode_with_ours(bytes, bytes.len().max(1), AllowedMessages::TextAndBinary);
    for step in [1, 3, 17] {
        let (cut, cut_end) = decode_with_ours(bytes, step, AllowedMessages::TextAndBinary);
        assert_eq!((&events, &end), (&cut, &cut_end), "in steps of {step}");
    }
    // tungstenite does not know this code, which was registered later.
    if events.last() == Some(&DecodedEvent::Close(Some(1014))) {
        return;
    }
    let (theirs, their_end) = decode_with_tungstenite(bytes);
    assert_eq!(events, theirs);
    if their_end == DecodeEnd::Broken {
        assert_eq!(end, DecodeEnd::Broken, "{events:?}");
    }
    let (device, device_end) = decode_with_ours(bytes, bytes.len().max(1), AllowedMessages::Text);
    assert!(events.starts_with(&device));
    assert!(
        !device
            .iter()
            .any(|event| matches!(event, DecodedEvent::Binary(_)))
    );
    if device.len() < events.len() {
        assert_eq!(device_end, DecodeEnd::Broken);
    }
}

fn decode_with_ours(
    bytes: &[u8],
    step: usize,
    accepts: AllowedMessages,
) -> (Vec<DecodedEvent>, DecodeEnd) {
    let mut decoder = WsDecoder::new(MAX_MESSAGE, accepts);
    let mut events = Vec::new();
    for part in bytes.chunks(step) {
        let mut closed = false;
        let fed = decoder.feed(&mut part.to_vec(), |event| {
            events.push(match event {
                WsEvent::Ping(payload) => DecodedEvent::Ping(payload.to_vec()),
                WsEvent::Pong => DecodedEvent::Pong,
                WsEvent::Text(text) => DecodedEvent::Text(text.to_owned()),
                WsEvent::Binary(bytes) => DecodedEvent::Binary(bytes.to_vec()),
                WsEvent::Close(code) => {
                    closed = true;
                    events.push(DecodedEvent::Close(code));
                    return DecodeControl::Stop;
                }
            });
            DecodeControl::Continue
        });
        if fed.is_err() {
            return (events, DecodeEnd::Broken);
        }
        if closed {
            break;
        }
    }
    (events, DecodeEnd::NeedsMore)
}

fn decode_with_tungstenite(bytes: &[u8]) -> (Vec<DecodedEvent>, DecodeEnd) {
    let config = WebSocketConfig::default()
        .max_frame_size(Some(MAX_MESSAGE))
        .max_message_size(Some(MAX_MESSAGE));
    let stream = ReadOnlyStream(Cursor::new(bytes));
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, Some(config));
    let mut events = Vec::new();
    loop {
        events.push(match socket.read() {
            Ok(Message::Ping(payload)) => DecodedEvent::Ping(payload.to_vec()),
            Ok(Message::Pong(_)) => DecodedEvent::Pong,
            Ok(Message::Text(text)) => DecodedEvent::Text(text.as_str().to_owned()),
            Ok(Message::Binary(bytes)) => DecodedEvent::Binary(bytes.to_vec()),
            // Its reading of a code that is not allowed.
            Ok(Message::Close(Some(close)))
                if close.code == CloseCode::Protocol && close.reason == "Protocol violation" =>
            {
                return (events, DecodeEnd::Broken);
            }
            Ok(Message::Close(close)) => {
                events.push(DecodedEvent::Close(close.map(|close| close.code.into())));
                return (events, DecodeEnd::NeedsMore);
            }
            Ok(Message::Frame(_)) => continue,
            Err(
                Error::ConnectionClosed
                | Error::Io(_)
                | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake),
            ) => return (events, DecodeEnd::NeedsMore),
            Err(_) => return (events, DecodeEnd::Broken),
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
