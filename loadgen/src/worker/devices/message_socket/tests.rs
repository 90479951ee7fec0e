//! The socket against tungstenite's own, which is the oracle.

use std::io::{Cursor, Read, Write};

use futures_util::StreamExt;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_tungstenite::tungstenite::WebSocket;

use super::*;

/// The largest message of these tests, in bytes.
const MAX_MESSAGE: usize = 300;

/// The messages of a socket, and the error that ended it.
#[derive(Debug, PartialEq)]
struct Received {
    messages: Vec<Message>,
    error: Option<String>,
}

/// Bytes of a server, which takes everything that is sent to it.
struct ReadOnly(Cursor<Vec<u8>>);

impl Read for ReadOnly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Read::read(&mut self.0, buffer)
    }
}

impl Write for ReadOnly {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn expected(bytes: &[u8]) -> Received {
    let config = config(MAX_MESSAGE as u32, 512);
    let stream = ReadOnly(Cursor::new(bytes.to_vec()));
    let mut socket = WebSocket::from_raw_socket(stream, Role::Client, Some(config));
    let mut messages = Vec::new();
    let error = loop {
        match socket.read() {
            Ok(message) => messages.push(message),
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => break None,
            Err(error) => break Some(error.to_string()),
        }
    };
    Received { messages, error }
}

/// Receives bytes that come in pieces of at most `piece` bytes, the first of them early.
async fn receive(bytes: &[u8], piece: usize) -> Received {
    let (mut server, client) = duplex(piece);
    let (early, later) = bytes.split_at(bytes.len().min(piece / 2));
    let mut socket = MessageSocket::new(client, early, MAX_MESSAGE);
    let serve = async {
        // An error says that the device has left.
        let _ = server.write_all(later).await;
        let _ = server.shutdown().await;
        // The answers to pings must not block.
        let _ = server.read_to_end(&mut Vec::new()).await;
    };
    let read = async {
        let mut messages = Vec::new();
        loop {
            match socket.next().await {
                Some(Ok(message)) => messages.push(message),
                Some(Err(error)) => break (messages, Some(error.to_string())),
                None => break (messages, None),
            }
        }
    };
    let (messages, error) = tokio::select! {
        received = read => received,
        () = async { serve.await; std::future::pending().await } => unreachable!("it never ends"),
    };
    Received { messages, error }
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u8::try_from(payload.len()) {
        Ok(short @ ..=125) => frame.push(short),
        _ => {
            frame.push(126);
            frame.extend((payload.len() as u16).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// Frames of a server: mostly valid ones, and some first bytes that no server should send.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => prop::sample::select(vec![0x81_u8, 0x82, 0x89, 0x8a]),
        2 => prop::sample::select(vec![0x01_u8, 0x00, 0x80, 0x88]),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        "[a-zé]{0,20}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..400),
    ];
    let one = (first, payload).prop_map(|(first, payload)| frame(first, &payload));
    prop::collection::vec(one, 0..12).prop_map(|frames| frames.concat())
}

proptest! {
    #[test]
    fn any_frames_in_any_pieces_are_as_tungstenite_reads_them(
        bytes in frames(),
        cut in 0_usize..8,
        piece in prop_oneof![1_usize..20, Just(5_000)],
    ) {
        // The last frame may be cut off.
        let bytes = &bytes[..bytes.len().saturating_sub(cut)];
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        prop_assert_eq!(runtime.block_on(receive(bytes, piece)), expected(bytes));
    }
}

/// Sends `message` from a device. Returns what the other end reads, masked as it must be.
async fn sent(message: Message) -> Message {
    let (server, client) = duplex(64);
    let mut socket = MessageSocket::new(client, &[], MAX_MESSAGE);
    let mut server =
        tokio_tungstenite::WebSocketStream::from_raw_socket(server, Role::Server, None).await;
    let (sent, received) = tokio::join!(socket.send(message), server.next());
    sent.unwrap();
    assert_eq!(socket.buffered_bytes(), 0);
    received.unwrap().unwrap()
}

#[tokio::test]
async fn sent_messages_arrive_and_leave_no_buffer() {
    for message in [
        Message::text("x".repeat(100_000)),
        Message::binary(vec![7; 3]),
        Message::Ping(vec![1, 2, 3, 4].into()),
    ] {
        assert_eq!(sent(message.clone()).await, message);
    }
}

#[tokio::test]
async fn ping_is_answered_and_leaves_no_buffer() {
    let (mut server, client) = duplex(64);
    let mut socket = MessageSocket::new(client, &[], MAX_MESSAGE);
    // Two at once, so that the second is kept until the first is taken.
    let pings = [frame(0x89, b"a"), frame(0x89, b"b")].concat();
    server.write_all(&pings).await.unwrap();
    for _ in 0..2 {
        socket.next().await.unwrap().unwrap();
    }
    for payload in [b'a', b'b'] {
        let mut pong = [0; 7];
        server.read_exact(&mut pong).await.unwrap();
        assert_eq!(pong[..2], [0x8a, 0x81]);
        assert_eq!(pong[6] ^ pong[2], payload);
    }
    assert_eq!(socket.buffered_bytes(), 0);
}

// The clock is paused, so that it goes on only when both ends wait for each other.
#[tokio::test(start_paused = true)]
async fn device_that_is_not_read_stops_reading() {
    let (mut server, client) = duplex(1 << 16);
    let mut socket = MessageSocket::new(client, &[], MAX_MESSAGE);
    let ping = frame(0x89, &[0; 125]);
    let flood = async {
        loop {
            server.write_all(&ping).await.unwrap();
        }
    };
    let read = async { while socket.next().await.is_some() {} };
    tokio::select! {
        biased;
        () = read => unreachable!("the socket is open"),
        () = flood => unreachable!("the server sends on"),
        () = tokio::time::sleep(std::time::Duration::from_millis(200)) => {}
    }
    assert!(socket.unsent.len() > WRITE_LIMIT);
    assert!(socket.unsent.len() < WRITE_LIMIT + 2 * READ_SIZE);
}

#[tokio::test]
async fn close_frames_go_both_ways() {
    let (server, client) = duplex(64);
    let mut socket = MessageSocket::new(client, &[], MAX_MESSAGE);
    let mut server =
        tokio_tungstenite::WebSocketStream::from_raw_socket(server, Role::Server, None).await;
    socket.close(None).await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), Message::Close(None));
    // tungstenite answers with the next read.
    let (answer, end) = tokio::join!(socket.next(), server.next());
    assert!(matches!(answer, Some(Ok(Message::Close(None)))));
    assert!(end.is_none());
    assert!(socket.send(Message::text("late")).await.is_err());
}
