//! A socket of a server that is not ours, read and written as text.

use std::{io, net::TcpStream, time::Duration};

use tokio_tungstenite::tungstenite::{Error, Message, WebSocket, protocol::CloseFrame};

use super::server::Request;

/// A socket that speaks texts.
pub(crate) struct Conversation {
    socket: WebSocket<TcpStream>,
}

/// The result of waiting for a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    Text(String),
    /// The time passed without a text.
    Nothing,
    /// The socket ended.
    End,
}

impl Conversation {
    /// Opens the socket.
    pub(crate) fn open(request: Request) -> Self {
        Self {
            socket: request.open_socket(""),
        }
    }

    /// Returns the next text; `None` when the socket ends.
    pub(crate) fn next(&mut self) -> Option<String> {
        match self.wait(None) {
            Received::Text(text) => Some(text),
            Received::Nothing | Received::End => None,
        }
    }

    /// Returns the next text that comes within a time.
    pub(crate) fn next_within(&mut self, time: Duration) -> Received {
        self.wait(Some(time))
    }

    /// Sends a text. A client that has gone reads nothing.
    pub(crate) fn send(&mut self, text: impl Into<String>) {
        let _ = self.socket.send(Message::text(text.into()));
    }

    /// Closes the socket with a code, and reads until the client has answered.
    pub(crate) fn close(mut self, code: u16) {
        let reason = "".into();
        let code = code.into();
        let _ = self.socket.close(Some(CloseFrame { code, reason }));
        while self.socket.read().is_ok() {}
    }

    fn wait(&mut self, time: Option<Duration>) -> Received {
        self.socket.get_ref().set_read_timeout(time).unwrap();
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return Received::Text(text.as_str().to_owned()),
                Ok(Message::Close(_)) => {
                    // Sends the close frame that tungstenite has queued.
                    let _ = self.socket.flush();
                    return Received::End;
                }
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Received::Nothing;
                }
                Err(_) => return Received::End,
            }
        }
    }
}
