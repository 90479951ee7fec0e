//! The version and the decoder of a session.

use std::{str, time::Duration};

use highwater_stomp::{
    AckId, Command, DecodeError, Decoded, Decoder, EncodeError, Frame, Limits, Version, header,
};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::{heart_beats::HeartBeats, names};

/// Most bytes of a reason that a report shows.
const MAX_REASON_BYTES: usize = 300;

/// The state of one session.
#[derive(Debug)]
pub struct StompSession {
    decoder: Decoder,
    version: Version,
    /// The heart-beats of both ends.
    pub heart_beats: HeartBeats,
    last_message: Option<Instant>,
}

impl StompSession {
    /// Creates a session before its CONNECT. Bodies have at most `max_message` bytes.
    pub fn new(max_message: usize) -> Self {
        Self {
            decoder: Decoder::new(Limits {
                max_body_bytes: max_message,
                ..Limits::default()
            }),
            version: Version::V1_2,
            heart_beats: HeartBeats::default(),
            last_message: None,
        }
    }

    /// Sets what CONNECTED says.
    pub fn on_connected(&mut self, version: Version, heart_beats: HeartBeats) {
        self.version = version;
        self.decoder.set_version(version);
        self.heart_beats = heart_beats;
    }

    /// Takes in the payload of a WebSocket message and returns its frames. `None` for ends of
    /// lines alone, which are a heart-beat.
    ///
    /// # Errors
    /// If the bytes are not STOMP.
    pub fn receive(&mut self, payload: &[u8]) -> Result<Option<Vec<Frame>>, DecodeError> {
        let is_between = self.decoder.partial_bytes() == 0;
        self.decoder.push(payload);
        let mut frames = Vec::new();
        let mut has_heart_beat = false;
        while let Some(decoded) = self.decoder.next_frame()? {
            match decoded {
                Decoded::Frame(frame) => frames.push(frame),
                Decoded::HeartBeat => has_heart_beat = true,
            }
        }
        // Many servers end a frame with a line feed, which is not a heart-beat.
        let is_alone = is_between && frames.is_empty() && self.decoder.partial_bytes() == 0;
        Ok((!(is_alone && has_heart_beat)).then_some(frames))
    }

    /// Returns the time since the last message, and begins to count it anew.
    pub fn message_gap(&mut self, now: Instant) -> Option<Duration> {
        let last = self.last_message.replace(now)?;
        Some(now.saturating_duration_since(last))
    }

    /// Returns a frame as a WebSocket message.
    ///
    /// # Errors
    /// If the version has no form for a header.
    pub fn encode(&self, frame: &Frame) -> Result<Message, EncodeError> {
        encode(frame, self.version)
    }

    /// Returns the acknowledgement of a message; `None` where its subscription needs none, or the
    /// message has no id.
    pub fn acknowledgement(&self, message: &Frame) -> Option<Message> {
        let subscription = message.get(header::SUBSCRIPTION)?;
        if !names::is_acknowledged(subscription) {
            return None;
        }
        let id = AckId::of_message(message, self.version).ok()?;
        self.encode(&id.to_frame(Command::Ack, self.version)).ok()
    }
}

/// Returns a frame as a WebSocket message: text, as all servers accept it.
///
/// # Errors
/// If the version has no form for a header.
pub fn encode(frame: &Frame, version: Version) -> Result<Message, EncodeError> {
    let bytes = frame.encode(version)?;
    Ok(match str::from_utf8(&bytes) {
        Ok(text) => Message::text(text),
        Err(_) => Message::binary(bytes),
    })
}

/// Returns the reason in an ERROR: its header `message` and the start of its body.
pub fn error_reason(error: &Frame) -> String {
    let header = error.get(header::MESSAGE).unwrap_or_default().trim();
    let body = String::from_utf8_lossy(&error.body);
    let body = body.trim();
    let mut reason = match (header, body) {
        ("", "") => "an ERROR without a reason".to_owned(),
        (header, "") => header.to_owned(),
        ("", body) => body.to_owned(),
        (header, body) => format!("{header}: {body}"),
    };
    reason.truncate(reason.floor_char_boundary(MAX_REASON_BYTES));
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(frames: Option<Vec<Frame>>) -> Vec<Command> {
        let frames = frames.expect("not a heart-beat").into_iter();
        frames.map(|frame| frame.command).collect()
    }

    #[test]
    fn only_ends_of_lines_alone_are_a_heart_beat() {
        let mut session = StompSession::new(1024);
        assert_eq!(session.receive(b"\n"), Ok(None));
        let frame = session.receive(b"RECEIPT\nreceipt-id:1\n\n\0\n");
        assert_eq!(commands(frame.unwrap()), [Command::Receipt]);
        let two = session
            .receive(b"RECEIPT\nreceipt-id:1\n\n\0MESSAGE\n\nx\0")
            .unwrap();
        assert_eq!(commands(two), [Command::Receipt, Command::Message]);
    }

    #[test]
    fn frame_in_two_messages_is_read_whole() {
        let mut session = StompSession::new(1024);
        let first = session
            .receive(b"MESSAGE\ncontent-length:3\n\na\n")
            .unwrap();
        assert_eq!(commands(first), []);
        // The line feed belongs to the body.
        let second = session.receive(b"\n\0").unwrap();
        assert_eq!(commands(second), [Command::Message]);
        assert!(session.receive(b"HELLO\n\n\0").is_err());
    }

    #[test]
    fn message_is_acknowledged_as_its_version_has_it() {
        let mut session = StompSession::new(1024);
        let frame = |subscription: &str| {
            Frame::new(Command::Message)
                .with(header::SUBSCRIPTION, subscription)
                .with(header::MESSAGE_ID, "m:1")
                .with(header::ACK, "a1")
        };
        let text = |message: Option<Message>| message.map(|message| message.to_string());
        assert_eq!(session.acknowledgement(&frame("s0")), None);
        let ack = text(session.acknowledgement(&frame("s0-ack")));
        assert_eq!(ack.as_deref(), Some("ACK\nid:a1\n\n\0"));
        session.on_connected(Version::V1_1, HeartBeats::default());
        let ack = text(session.acknowledgement(&frame("s0-ack")));
        let expected = "ACK\nmessage-id:m\\c1\nsubscription:s0-ack\n\n\0";
        assert_eq!(ack.as_deref(), Some(expected));
        let nameless = Frame::new(Command::Message).with(header::SUBSCRIPTION, "s0-ack");
        assert_eq!(session.acknowledgement(&nameless), None);
    }

    #[test]
    fn reason_of_an_error_is_short() {
        let error = |message: &str, body: &str| {
            let frame = Frame::new(Command::Error).with(header::MESSAGE, message);
            error_reason(&frame.with_body(body.to_owned()))
        };
        assert_eq!(error("Bad CONNECT", ""), "Bad CONNECT");
        assert_eq!(
            error("not_found", "no such queue\n"),
            "not_found: no such queue"
        );
        assert_eq!(error("", ""), "an ERROR without a reason");
        assert!(error("é", &"é".repeat(1000)).len() <= MAX_REASON_BYTES);
    }
}
