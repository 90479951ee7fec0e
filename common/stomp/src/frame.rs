//! A frame.

use bytes::Bytes;

use crate::{command::Command, header, headers::Headers};

/// A command with its headers, unescaped, and its body.
///
/// ```
/// # use highwater_stomp::{header, Command, Frame, Version};
/// let frame = Frame::new(Command::Send)
///     .with(header::DESTINATION, "/topic/news")
///     .with_body("hello");
/// assert_eq!(
///     frame.encode(Version::V1_2)?,
///     &b"SEND\ndestination:/topic/news\ncontent-length:5\n\nhello\0"[..],
/// );
/// # Ok::<(), highwater_stomp::EncodeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The first line.
    pub command: Command,
    /// The headers in their order.
    pub headers: Headers,
    /// Any bytes; empty except in SEND, MESSAGE and ERROR.
    pub body: Bytes,
}

impl Frame {
    /// Creates a frame without headers and body.
    pub fn new(command: Command) -> Self {
        Self {
            command,
            headers: Headers::default(),
            body: Bytes::new(),
        }
    }

    /// Sets a header.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.set(name, value);
        self
    }

    /// Sets the body and its `content-length`.
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        let length = self.body.len().to_string();
        self.headers.set(header::CONTENT_LENGTH, &length);
        self
    }

    /// Returns the value of a header.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// Whether a WebSocket message with this frame may be text.
    pub fn is_text(&self) -> bool {
        std::str::from_utf8(&self.body).is_ok()
    }
}
