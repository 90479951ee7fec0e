//! The reply on an event stream (WHATWG HTML, section 9.2).
//!
//! The parser reads the fields that a caller of commands needs: `event` and `data`.

use reqwest::Response;

use crate::worker::dialect::{Dialect, ReplyResult};

/// Longest stream that is read for one reply, in bytes.
const STREAM_LIMIT: usize = 1 << 20;

/// Reads an event stream until an event ends the command with `nonce`.
pub(super) async fn read(
    mut response: Response,
    dialect: &dyn Dialect,
    nonce: &str,
) -> ReplyResult {
    let mut stream = EventStream::default();
    let mut received = 0;
    // The end of the stream counts as a broken connection: the reply comes before it.
    while let Ok(Some(chunk)) = response.chunk().await {
        received += chunk.len();
        if received > STREAM_LIMIT {
            break;
        }
        for event in stream.feed(&chunk) {
            if let Some(result) = dialect.decode_event(&event.name, &event.data, nonce) {
                return result;
            }
        }
    }
    ReplyResult::ConnectionBroken
}

/// A complete event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SseEvent {
    pub(crate) name: String,
    pub(crate) data: String,
}

/// A parser of a stream that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct EventStream {
    line: Vec<u8>,
    event: SseEvent,
}

impl EventStream {
    /// Returns the events that `bytes` completes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<SseEvent> {
        let mut events = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' => events.extend(self.end_line()),
                // The standard allows CR LF, LF and CR. Servers send one of the first two.
                b'\r' => {}
                other => self.line.push(*other),
            }
        }
        events
    }

    /// Takes in the line that has ended; an empty one completes an event.
    fn end_line(&mut self) -> Option<SseEvent> {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            // WHATWG HTML, section 9.2.7: a comment alone keeps the connection open.
            return (event != SseEvent::default()).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        // One space after the colon belongs to the syntax, any further one to the value.
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                // WHATWG HTML, section 9.2.6: each further line follows a line feed.
                if !self.event.data.is_empty() {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            // `id`, `retry`, and comments, whose field is empty.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_cut_anywhere_gives_the_same_events() {
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
}
