//! The negotiation of compression, and compressed messages.

use flate2::{Compress, FlushCompress};
use futures_util::StreamExt;
use highwater_loadgen::access::ClientAccess;
use highwater_scenarios::plan::Compression;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::fixture::{field, listen, open, read_head, switching_protocols};

fn access(compression: Compression) -> ClientAccess {
    ClientAccess {
        compression,
        ..ClientAccess::default()
    }
}

/// Returns a whole compressed text message in one frame.
fn compressed_frame(text: &str) -> Vec<u8> {
    let mut payload = Vec::with_capacity(text.len() + 1_024);
    Compress::new(flate2::Compression::default(), false)
        .compress_vec(text.as_bytes(), &mut payload, FlushCompress::Sync)
        .unwrap();
    payload.truncate(payload.len() - 4);
    let mut frame = vec![0xc1, 126];
    frame.extend((payload.len() as u16).to_be_bytes());
    frame.extend(payload);
    frame
}

/// Runs a server that answers an offer with `accepted`, sends `text` compressed together with
/// the response, and takes one frame.
async fn listen_compressing(accepted: &'static str, text: String) -> String {
    let serve = move |mut stream: TcpStream| {
        let frame = compressed_frame(&text);
        async move {
            let head = read_head(&mut stream).await;
            let offered = field(&head, "sec-websocket-extensions").unwrap_or_default();
            let lines = match accepted {
                "" => String::new(),
                accepted => format!("Sec-WebSocket-Extensions: {accepted}\r\n"),
            };
            assert!(offered.starts_with("permessage-deflate; "), "{offered}");
            let answer = switching_protocols(&head, &lines);
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.write_all(&frame).await.unwrap();
            // A device sends its own frames uncompressed: no reserved bit is set.
            assert_eq!(stream.read_u8().await.unwrap(), 0x81);
            stream.write_all(&frame).await.unwrap();
            // A connection that is closed with unread bytes would be reset.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    };
    format!("ws://{}/", listen("127.0.0.1", serve).await)
}

#[tokio::test]
async fn compressed_messages_are_read_and_answers_are_plain() {
    let text = "heartbeat ".repeat(1_000);
    for (compression, accepted) in [
        (
            Compression::PermessageDeflate,
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        ),
        (Compression::PermessageDeflate, "permessage-deflate"),
        (
            Compression::PermessageDeflateContext,
            "permessage-deflate; server_max_window_bits=15; client_max_window_bits=12",
        ),
    ] {
        let address = listen_compressing(accepted, text.clone()).await;
        let mut socket = open(&access(compression), &address).await.unwrap();
        for _ in 0..2 {
            let message = socket.next().await.unwrap().unwrap();
            assert_eq!(message.to_text().unwrap(), text);
            socket.send(Message::text("taken")).await.unwrap();
        }
    }
}

#[tokio::test]
async fn server_that_declines_compression_has_a_plain_socket() {
    let address = listen_compressing("", "text".to_owned()).await;
    let mut socket = open(&access(Compression::PermessageDeflate), &address)
        .await
        .unwrap();
    // The server compresses all the same.
    let message = socket.next().await.unwrap();
    assert!(matches!(message, Err(Error::Protocol(_))), "{message:?}");
}

#[tokio::test]
async fn invalid_answer_to_the_offer_fails_the_handshake() {
    for accepted in [
        "permessage-bzip2",
        "permessage-deflate; server_max_window_bits=99",
        "permessage-deflate, permessage-deflate",
    ] {
        let address = listen_compressing(accepted, "text".to_owned()).await;
        let opened = open(&access(Compression::PermessageDeflate), &address).await;
        assert_eq!(opened.unwrap_err(), "handshake", "{accepted}");
    }
}
