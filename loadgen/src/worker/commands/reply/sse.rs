//! The reply on an event stream (WHATWG HTML, section 9.2): the fields that a
//! caller of commands needs.

use reqwest::Response;
use serde::Deserialize;

use super::rest::{ParsedReply, ReplyResult};

/// Longest stream that is read for one reply, in bytes.
const STREAM_LIMIT: usize = 1 << 20;

/// Reads until the event `reply` or `error`; others are passed over.
pub async fn read_streamed_reply(mut response: Response) -> ReplyResult {
    let mut stream = EventStream::default();
    let mut read = 0;
    loop {
        let chunk = match response.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) | Err(_) => return ReplyResult::ConnectionBroken,
        };
        read += chunk.len();
        if read > STREAM_LIMIT {
            return ReplyResult::ConnectionBroken;
        }
        for event in stream.feed(&chunk) {
            match event.name.as_str() {
                "reply" => {
                    return ParsedReply::parse(event.data.as_bytes())
                        .map_or(ReplyResult::Malformed, ReplyResult::Reply);
                }
                "error" => return parse_error_event(&event.data),
                _ => {}
            }
        }
    }
}

fn parse_error_event(text: &str) -> ReplyResult {
    #[derive(Deserialize)]
    struct ErrorEventData {
        status: u16,
    }
    serde_json::from_str(text).map_or(ReplyResult::Malformed, |error: ErrorEventData| {
        ReplyResult::Status(error.status)
    })
}

/// An event that is complete.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SseEvent {
    pub(crate) name: String,
    pub(crate) data: String,
}

/// A stream that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct EventStream {
    line: Vec<u8>,
    event: SseEvent,
}

impl EventStream {
    /// The events that `bytes` completes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<SseEvent> {
        let mut events = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' => events.extend(self.end_line()),
                b'\r' => {}
                other => self.line.push(*other),
            }
        }
        events
    }

    fn end_line(&mut self) -> Option<SseEvent> {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return (event != SseEvent::default()).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                if !self.event.data.is_empty() {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            _ => {} // comments, ids
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_whole_however_they_are_cut() {
        let text = b": hello\r\n\r\nevent: accepted\ndata: {}\n\nevent:reply\ndata: a\ndata: b\n\n";
        let expected = [("accepted", "{}"), ("reply", "a\nb")];
        for cut in 0..text.len() {
            let mut stream = EventStream::default();
            let mut events = stream.feed(&text[..cut]);
            events.extend(stream.feed(&text[cut..]));
            let events: Vec<_> = events
                .iter()
                .map(|event| (event.name.as_str(), event.data.as_str()))
                .collect();
            assert_eq!(events, expected, "cut at {cut}");
        }
    }

    #[test]
    fn an_error_event_carries_its_status() {
        assert_eq!(
            parse_error_event(r#"{"status":404,"error":"x"}"#),
            ReplyResult::Status(404)
        );
        assert_eq!(parse_error_event("oops"), ReplyResult::Malformed);
    }
}
