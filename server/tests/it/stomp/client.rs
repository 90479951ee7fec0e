//! The STOMP client of the tests.

use std::{collections::VecDeque, net::SocketAddr};

use futures_util::{SinkExt, StreamExt};
use highwater_stomp::{Command, Decoded, Decoder, Frame, Limits, Version, header};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::rig::{TEST_TIMEOUT, TestNode};

/// A client's end of a socket.
pub(crate) struct StompClient {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    decoder: Decoder,
    version: Version,
    received: VecDeque<Frame>,
    pub(crate) subprotocol: Option<String>,
    receipts: u32,
}

impl StompClient {
    /// Opens a socket and a session of STOMP 1.2 for a user.
    pub(crate) async fn connect(node: &TestNode, user: &str) -> Self {
        let mut client = Self::open(node).await;
        let connected = client.log_in(Version::V1_2, &[(header::LOGIN, user)]).await;
        assert_eq!(connected.command, Command::Connected);
        client
    }

    /// Opens a socket.
    pub(crate) async fn open(node: &TestNode) -> Self {
        Self::open_with(node.address, &[]).await.unwrap()
    }

    /// Opens a socket with more headers of the handshake.
    pub(crate) async fn open_with(
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Box<Error>> {
        let url = format!("ws://{address}/stomp");
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).unwrap();
            request.headers_mut().insert(*name, value);
        }
        let connected = timeout(TEST_TIMEOUT, tokio_tungstenite::connect_async(request));
        let (socket, response) = connected.await.unwrap().map_err(Box::new)?;
        let subprotocol = response.headers().get("sec-websocket-protocol");
        Ok(Self {
            socket,
            decoder: Decoder::new(Limits {
                max_body_bytes: 1 << 20,
                ..Limits::default()
            }),
            version: Version::V1_2,
            received: VecDeque::new(),
            subprotocol: subprotocol.map(|value| value.to_str().unwrap().to_owned()),
            receipts: 0,
        })
    }

    /// Sends CONNECT and returns the answer.
    pub(crate) async fn log_in(&mut self, version: Version, headers: &[(&str, &str)]) -> Frame {
        let mut frame = Frame::new(Command::Connect)
            .with(header::ACCEPT_VERSION, version.number())
            .with(header::HOST, "home");
        for (name, value) in headers {
            frame = frame.with(name, value);
        }
        self.send(frame).await;
        self.version = version;
        self.decoder.set_version(version);
        self.frame().await
    }

    pub(crate) async fn send(&mut self, frame: Frame) {
        let bytes = frame.encode(self.version).unwrap();
        let message = match frame.is_text() {
            true => Message::text(std::str::from_utf8(&bytes).unwrap()),
            false => Message::binary(bytes),
        };
        self.socket.send(message).await.unwrap();
    }

    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        let message = Message::binary(bytes.to_vec());
        self.socket.send(message).await.unwrap();
    }

    /// Sends a frame and waits for its receipt. Messages that come before stay in their order.
    pub(crate) async fn request(&mut self, frame: Frame) {
        self.receipts += 1;
        let receipt = format!("receipt-{}", self.receipts);
        self.send(frame.with(header::RECEIPT, &receipt)).await;
        let mut others = VecDeque::new();
        loop {
            let frame = self.frame().await;
            if frame.get(header::RECEIPT_ID) == Some(&receipt) {
                assert_eq!(frame.command, Command::Receipt, "{frame:?}");
                others.append(&mut self.received);
                self.received = others;
                return;
            }
            others.push_back(frame);
        }
    }

    pub(crate) async fn subscribe(&mut self, id: &str, destination: &str, ack: &str) {
        let frame = Frame::new(Command::Subscribe)
            .with(header::ID, id)
            .with(header::DESTINATION, destination)
            .with(header::ACK, ack);
        self.request(frame).await;
    }

    pub(crate) async fn unsubscribe(&mut self, id: &str) {
        let frame = Frame::new(Command::Unsubscribe).with(header::ID, id);
        self.request(frame).await;
    }

    /// Sends a message and waits for its receipt.
    pub(crate) async fn publish(&mut self, destination: &str, body: &str) {
        self.request(message_to(destination, body)).await;
    }

    /// Acknowledges or rejects a message.
    pub(crate) async fn settle(&mut self, command: Command, message: &Frame) {
        let id = highwater_stomp::AckId::of_message(message, self.version).unwrap();
        let frame = id.to_frame(command, self.version);
        self.request(frame).await;
    }

    /// Returns the next message. Receipts of requests whose test stopped waiting are skipped.
    pub(crate) async fn message(&mut self) -> Frame {
        loop {
            let frame = self.frame().await;
            match frame.command {
                Command::Message => return frame,
                Command::Receipt => {}
                _ => panic!("expected a message, got {frame:?}"),
            }
        }
    }

    /// Returns the body of the next message.
    pub(crate) async fn body(&mut self) -> String {
        text(&self.message().await)
    }

    /// Returns the next frame.
    pub(crate) async fn frame(&mut self) -> Frame {
        match self.next().await {
            Ok(frame) => frame,
            Err(code) => panic!("expected a frame, got a close with {code:?}"),
        }
    }

    /// Returns the next frame, or the code of the close.
    pub(crate) async fn next(&mut self) -> Result<Frame, Option<u16>> {
        loop {
            if let Some(frame) = self.received.pop_front() {
                return Ok(frame);
            }
            match self.message_bytes().await? {
                bytes if bytes.is_empty() => {}
                bytes => {
                    self.decoder.push(&bytes);
                    while let Some(decoded) = self.decoder.next_frame().unwrap() {
                        if let Decoded::Frame(frame) = decoded {
                            self.received.push_back(frame);
                        }
                    }
                }
            }
        }
    }

    /// Returns the bytes of the next WebSocket message, or the code of the close.
    pub(crate) async fn message_bytes(&mut self) -> Result<Vec<u8>, Option<u16>> {
        let next = timeout(TEST_TIMEOUT, self.socket.next()).await;
        match next.expect("the client timed out") {
            Some(Ok(Message::Text(text))) => Ok(text.as_bytes().to_vec()),
            Some(Ok(Message::Binary(bytes))) => Ok(bytes.to_vec()),
            Some(Ok(Message::Close(close))) => Err(close.map(|close| close.code.into())),
            Some(Ok(_)) => Ok(Vec::new()),
            Some(Err(_)) | None => Err(None),
        }
    }

    /// Returns the text of the ERROR that ends the session, and the code of the close.
    pub(crate) async fn error(&mut self) -> (String, u16) {
        let mut found = None;
        loop {
            match self.next().await {
                Ok(frame) if frame.command == Command::Error => {
                    found = frame.get(header::MESSAGE).map(str::to_owned);
                }
                Ok(_) => {}
                Err(code) => return (found.expect("no ERROR"), code.expect("no close code")),
            }
        }
    }

    /// Ends the session in order.
    pub(crate) async fn disconnect(mut self) {
        self.request(Frame::new(Command::Disconnect)).await;
        assert_eq!(self.next().await, Err(Some(1000)));
    }

    /// Closes the connection without a word.
    pub(crate) fn drop_connection(self) {}
}

/// Returns a SEND.
pub(crate) fn message_to(destination: &str, body: &str) -> Frame {
    Frame::new(Command::Send)
        .with(header::DESTINATION, destination)
        .with_body(body.to_owned())
}

pub(crate) fn text(frame: &Frame) -> String {
    String::from_utf8(frame.body.to_vec()).unwrap()
}
