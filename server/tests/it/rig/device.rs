//! The devices of the tests.

use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use hyper::HeaderMap;
use serde_json::{Value, json};
use tokio::{net::TcpStream, task::JoinHandle, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

use super::{TEST_TIMEOUT, TestNode};

/// A device's end of a socket. Its implementation (tungstenite) shares no code with the node.
pub(crate) struct TestDevice {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) headers: HeaderMap,
}

impl TestDevice {
    pub(crate) async fn open(node: &TestNode, id: &str) -> Self {
        Self::try_open(node, id).await.unwrap()
    }

    pub(crate) async fn try_open(node: &TestNode, id: &str) -> Result<Self, Box<Error>> {
        Self::open_at(node.address, id).await
    }

    pub(crate) async fn open_at(address: SocketAddr, id: &str) -> Result<Self, Box<Error>> {
        Self::open_path(address, &format!("/ws?device={id}")).await
    }

    /// Opens a device socket at any path.
    pub(crate) async fn open_path(address: SocketAddr, path: &str) -> Result<Self, Box<Error>> {
        let url = format!("ws://{address}{path}");
        let request = url.into_client_request().unwrap();
        let connected = timeout(TEST_TIMEOUT, tokio_tungstenite::connect_async(request));
        // Boxed, because tungstenite's error is large.
        let (socket, response) = connected.await.unwrap().map_err(Box::new)?;
        Ok(Self {
            socket,
            headers: response.headers().clone(),
        })
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.send_text(&frame.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> Option<Message> {
        let next = timeout(TEST_TIMEOUT, self.socket.next()).await;
        next.expect("the device timed out").and_then(Result::ok)
    }

    /// Returns the next JSON frame.
    pub(crate) async fn frame(&mut self) -> Value {
        loop {
            match self.next().await {
                Some(Message::Text(text)) => return serde_json::from_str(&text).unwrap(),
                // The pong of a ping whose test did not wait for it.
                Some(Message::Pong(_)) => {}
                other => panic!("expected a text frame, got {other:?}"),
            }
        }
    }

    /// Makes a round trip. The node has handled all earlier frames then, since it handles
    /// frames in order.
    pub(crate) async fn ping(&mut self, payload: &'static [u8]) {
        self.socket
            .send(Message::Ping(Bytes::from_static(payload)))
            .await
            .unwrap();
        loop {
            match self.next().await {
                Some(Message::Pong(answer)) if answer == payload => return,
                Some(Message::Text(_) | Message::Pong(_)) => {}
                other => panic!("expected a pong, got {other:?}"),
            }
        }
    }

    /// Returns the close code of the node; `None` if the socket ends without a close frame.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        loop {
            match self.next().await {
                Some(Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
                Some(_) => {}
                None => return None,
            }
        }
    }

    /// Replies to the next command with the command's body.
    pub(crate) async fn reply_to_next(&mut self) {
        let command = self.frame().await;
        assert_eq!(command["type"], "command");
        self.send(json!({"type": "reply", "id": command["id"], "body": command["body"]}))
            .await;
    }

    /// Replies to commands until the socket ends.
    pub(crate) fn reply_to_all(mut self) -> JoinHandle<()> {
        tokio::spawn(async move {
            while let Some(Ok(message)) = self.socket.next().await {
                let Message::Text(text) = message else {
                    continue;
                };
                let frame: Value = serde_json::from_str(&text).unwrap();
                if frame["type"] == "command" {
                    let reply = json!({"type": "reply", "id": frame["id"], "body": frame["body"]});
                    let sent = self.socket.send(Message::text(reply.to_string())).await;
                    // The node may close the socket between a command and its reply.
                    if sent.is_err() {
                        return;
                    }
                }
            }
        })
    }
}
