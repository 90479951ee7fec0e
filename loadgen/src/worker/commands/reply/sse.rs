//! The reply on an event stream (WHATWG HTML, section 9.2).
//!
//! The parser reads the fields that a caller of commands needs: `event` and `data`.

use futures_util::future::BoxFuture;
use reqwest::Response;

use super::ReplyReader;
use crate::worker::dialect::{Dialect, ReplyResult};

/// Longest stream that is read for one reply, in bytes.
const STREAM_LIMIT: usize = 1 << 20;

/// The reader of a response that is an event stream.
pub struct SseReader;

impl ReplyReader for SseReader {
    fn accept(&self) -> &'static str {
        "text/event-stream"
    }

    fn read<'a>(
        &'a self,
        response: Response,
        dialect: &'a dyn Dialect,
        nonce: &'a str,
    ) -> BoxFuture<'a, ReplyResult> {
        Box::pin(read(response, dialect, nonce))
    }
}

async fn read(mut response: Response, dialect: &dyn Dialect, nonce: &str) -> ReplyResult {
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
            if let Some(result) = dialect.decode_event(&event.name, &event.data, nonce) {
                return result;
            }
        }
    }
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
            return (event != SseEvent::default()).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => self.add_data(value),
            // `id`, `retry`, and comments, whose field is empty.
            _ => {}
        }
        None
    }

    fn add_data(&mut self, value: &str) {
        if !self.event.data.is_empty() {
            self.event.data.push('\n');
        }
        self.event.data.push_str(value);
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
