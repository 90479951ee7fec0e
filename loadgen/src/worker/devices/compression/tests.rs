//! Frames of a server that compresses, read as a device's socket reads them.

use std::io;

use flate2::{Compress, Compression, FlushCompress};
use futures_util::StreamExt;
use proptest::prelude::*;
use tokio::io::{AsyncWriteExt, DuplexStream, Join, Sink, duplex, join, sink};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{inflater::is_invalid_deflate, negotiation::DeflateParams, stream::InflateStream};
use crate::worker::devices::message_socket::MessageSocket;

/// The largest message of these tests, in bytes.
const MAX_MESSAGE: usize = 64 * 1024;
/// A ping without a payload.
const PING: [u8; 2] = [0x89, 0];
/// `Hello`, compressed: the example of RFC 7692, section 7.2.3.1.
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

type Socket = MessageSocket<InflateStream<Join<DuplexStream, Sink>>>;

/// The results of a socket: its messages, the error that ended it, and the socket itself.
struct Received {
    messages: Vec<Message>,
    error: Option<Error>,
    socket: Socket,
}

impl Received {
    fn texts(&self) -> Vec<&str> {
        let texts = self.messages.iter();
        texts.map(|message| message.to_text().unwrap()).collect()
    }
}

/// Lets a device read `bytes`, which come in pieces of at most `piece` bytes.
async fn receive(bytes: &[u8], piece: usize, has_context_takeover: bool) -> Received {
    let (mut server, client) = duplex(piece);
    // The answers to pings must not block.
    let connection = join(client, sink());
    let params = DeflateParams {
        has_context_takeover,
    };
    // The server may send its first frames together with the response.
    let (early, later) = bytes.split_at(bytes.len().min(piece / 2));
    let stream = InflateStream::new(connection, early.to_vec(), params);
    let mut socket = MessageSocket::new(stream, &[], MAX_MESSAGE);
    let send = async {
        // An error says that the device has left.
        let _ = server.write_all(later).await;
        drop(server);
        std::future::pending().await
    };
    let read = async {
        let mut messages = Vec::new();
        loop {
            match socket.next().await {
                Some(Ok(message)) => messages.push(message),
                Some(Err(error)) => break (messages, Some(error), socket),
                None => break (messages, None, socket),
            }
        }
    };
    // A device reads no more after an error, and the server may still have bytes to send.
    let (messages, error, socket) = tokio::select! {
        received = read => received,
        () = send => unreachable!("the server waits for ever"),
    };
    Received {
        messages,
        error,
        socket,
    }
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        short @ ..=125 => frame.push(short as u8),
        long => {
            frame.push(127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// A server's half of a socket.
struct Server {
    compress: Compress,
    has_context_takeover: bool,
    sent: Vec<u8>,
}

impl Server {
    fn new(has_context_takeover: bool) -> Self {
        Self {
            compress: Compress::new(Compression::default(), false),
            has_context_takeover,
            sent: Vec::new(),
        }
    }

    fn compress(&mut self, payload: &[u8]) -> Vec<u8> {
        if payload.is_empty() {
            // RFC 7692, section 7.2.3.6: a second flush of nothing would give nothing.
            return vec![0];
        }
        if !self.has_context_takeover {
            self.compress.reset();
        }
        let mut compressed = Vec::with_capacity(payload.len() + 1_024);
        self.compress
            .compress_vec(payload, &mut compressed, FlushCompress::Sync)
            .unwrap();
        assert!(compressed.ends_with(&[0, 0, 0xff, 0xff]));
        compressed.truncate(compressed.len() - 4);
        compressed
    }

    /// Sends a message in fragments of `fragment` bytes, with a ping after each.
    fn send(&mut self, message: &Message, is_compressed: bool, fragment: usize) {
        let opcode = if message.is_text() { 1 } else { 2 };
        let payload = message.clone().into_data();
        let (payload, mut first) = match is_compressed {
            true => (self.compress(&payload), 0x40 | opcode),
            false => (payload.to_vec(), opcode),
        };
        for part in payload.chunks(fragment) {
            self.sent.extend(frame(first, part));
            self.sent.extend(PING);
            first = 0;
        }
        self.sent.extend(frame(0x80 | first, &[]));
    }
}

fn any_message() -> impl Strategy<Value = Message> {
    let word = prop_oneof![
        Just("heartbeat "),
        Just("ö🦀"),
        Just("0"),
        Just("{\"a\":1}")
    ];
    prop_oneof![
        prop::collection::vec(word, 0..2_000).prop_map(|words| Message::text(words.concat())),
        prop::collection::vec(any::<u8>(), 0..5_000).prop_map(Message::binary),
    ]
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_fragmentation_gives_the_same_messages(
        messages in prop::collection::vec((any_message(), any::<bool>(), 1..3_000_usize), 0..6),
        piece in 1..5_000_usize,
        has_context_takeover in any::<bool>(),
    ) {
        let mut server = Server::new(has_context_takeover);
        for (message, is_compressed, fragment) in &messages {
            server.send(message, *is_compressed, *fragment);
        }
        let received = block_on(receive(&server.sent, piece, has_context_takeover));
        let data = received.messages.iter().filter(|message| !message.is_ping());
        let sent = messages.iter().map(|(message, ..)| message);
        prop_assert!(data.eq(sent));
        let stream = received.socket.get_ref();
        prop_assert_eq!(stream.buffered_bytes(), 0);
        let compressed = messages.iter().any(|(_, is_compressed, _)| *is_compressed);
        prop_assert_eq!(stream.holds_window(), compressed && has_context_takeover);
    }
}

#[tokio::test]
async fn examples_of_the_standard_are_read() {
    let stored = [0, 5, 0, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0];
    let with_end_of_stream = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0, 0];
    let two_blocks = [
        0xf2, 0x48, 0x05, 0, 0, 0, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0,
    ];
    for (payload, text) in [
        // RFC 7692, sections 7.2.3.1 and 7.2.3.3 to 7.2.3.6.
        (&HELLO[..], "Hello"),
        (&stored, "Hello"),
        (&with_end_of_stream, "Hello"),
        (&two_blocks, "Hello"),
        (&[0], ""),
        (&[], ""),
    ] {
        let received = receive(&frame(0xc1, payload), 4, false).await;
        assert_eq!(received.texts(), [text], "{payload:x?}");
    }
    // Sections 7.2.3.1 and 7.2.3.2: in two fragments, and with the window of the message before.
    let mut frames = [frame(0x41, &HELLO[..3]), frame(0x80, &HELLO[3..])].concat();
    frames.extend(frame(0xc1, &[0xf2, 0, 0x11, 0, 0]));
    assert_eq!(receive(&frames, 64, true).await.texts(), ["Hello", "Hello"]);
    // Without a window the second message refers to nothing.
    let received = receive(&frames, 64, false).await;
    assert_ne!(received.texts(), ["Hello", "Hello"]);
}

#[tokio::test]
async fn invalid_frames_are_errors_of_the_protocol() {
    let first = frame(0x41, &HELLO);
    for (name, frames) in [
        ("compressed ping", frame(0xc9, &[0])),
        (
            "compressed continuation",
            [&first[..], &frame(0xc0, &[])].concat(),
        ),
        (
            "message within a message",
            [&first[..], &frame(0x81, b"x")].concat(),
        ),
        (
            "compressed message within one",
            [&first[..], &frame(0xc1, &HELLO)].concat(),
        ),
        ("continuation of nothing", frame(0x80, b"x")),
        ("further reserved bit", frame(0xe1, &HELLO)),
        ("reserved opcode", frame(0xc3, &HELLO)),
        (
            "masked",
            [&[0xc1, 0x80 | 7, 0, 0, 0, 0][..], &HELLO].concat(),
        ),
    ] {
        let received = receive(&frames, 64, false).await;
        let error = received.error;
        assert!(
            matches!(error, Some(Error::Protocol(_))),
            "{name}: {error:?}"
        );
        assert!(received.messages.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn invalid_deflate_is_told_from_a_broken_connection() {
    let ends = [&[3, 0][..]; 100].concat();
    for payload in [&[0xff, 0xff, 0xff][..], &[0, 1, 0, 1, 0], &ends] {
        let received = receive(&frame(0xc1, payload), 64, false).await;
        match received.error {
            Some(Error::Io(error)) => assert!(is_invalid_deflate(&error), "{error}"),
            other => panic!("{other:?}"),
        }
    }
    assert!(!is_invalid_deflate(&io::ErrorKind::InvalidData.into()));
}

#[tokio::test]
async fn bomb_ends_at_the_limit_of_messages() {
    let mut server = Server::new(false);
    let bomb = server.compress(&vec![0; 32 * MAX_MESSAGE]);
    assert!(bomb.len() < MAX_MESSAGE / 16);
    // In one frame, and with a frame for every byte.
    let mut cut = frame(0x42, &bomb[..1]);
    for byte in &bomb[1..] {
        cut.extend(frame(0, &[*byte]));
    }
    for frames in [frame(0xc2, &bomb), cut] {
        let received = receive(&frames, 1_024, false).await;
        assert!(
            matches!(received.error, Some(Error::Capacity(_))),
            "{:?}",
            received.error
        );
        let buffered = received.socket.get_ref().buffered_bytes();
        assert!(buffered < 8 * 1_024, "{buffered} bytes");
    }
}

#[tokio::test]
async fn endless_empty_fragments_hold_no_memory() {
    let mut frames = frame(0x41, &[]);
    for _ in 0..50_000 {
        frames.extend(frame(0, &[]));
    }
    let received = receive(&frames, 1_024, false).await;
    assert!(received.messages.is_empty());
    let stream = received.socket.get_ref();
    assert_eq!((stream.buffered_bytes(), stream.holds_window()), (0, false));
}
