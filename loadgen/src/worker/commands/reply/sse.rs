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
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SseEvent {
    /// The type: `message` where the stream names none.
    pub(crate) name: String,
    pub(crate) data: String,
}

/// A parser of a stream that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct EventStream {
    line: Vec<u8>,
    /// Whether the last byte was a CR, whose LF belongs to the same end of line.
    after_cr: bool,
    /// Whether a line has ended. A byte order mark counts before the first line only.
    has_begun: bool,
    name: String,
    /// The event's data, with an LF behind each line; empty without a `data` field.
    data: String,
}

impl EventStream {
    /// Returns the events that `bytes` completes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<SseEvent> {
        let mut events = Vec::new();
        for byte in bytes {
            // CR LF, LF and CR end a line alike.
            let after_cr = std::mem::replace(&mut self.after_cr, *byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => events.extend(self.end_line()),
                other => self.line.push(*other),
            }
        }
        events
    }

    /// Takes in the line that has ended; an empty one completes an event.
    fn end_line(&mut self) -> Option<SseEvent> {
        let bytes = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&bytes);
        let mut line = &*line;
        if !std::mem::replace(&mut self.has_begun, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            return self.end_event();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        // One space after the colon belongs to the syntax, any further one to the value.
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            // `id`, `retry`, and comments, whose field is empty.
            _ => {}
        }
        None
    }

    /// Ends the event; `None` without data, which the standard drops.
    fn end_event(&mut self) -> Option<SseEvent> {
        let mut name = std::mem::take(&mut self.name);
        let mut data = std::mem::take(&mut self.data);
        data.pop()?;
        if name.is_empty() {
            name.push_str("message");
        }
        Some(SseEvent { name, data })
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

    #[test]
    fn fields_are_read_as_the_standard_says() {
        let check = |text: &str, expected: &[(&str, &str)]| {
            let events = EventStream::default().feed(text.as_bytes());
            let events: Vec<_> = events
                .iter()
                .map(|event| (event.name.as_str(), event.data.as_str()))
                .collect();
            assert_eq!(events, expected, "{text:?}");
        };
        check("data: a\n\n", &[("message", "a")]);
        check(
            "\u{feff}data:a\r\rdata: b\r\r",
            &[("message", "a"), ("message", "b")],
        );
        // A name without data is dropped with its line.
        check("event: x\n\ndata\n\n", &[("message", "")]);
        check("data\ndata\n\n", &[("message", "\n")]);
        check(
            "data:  two\nid: 7\nretry: 9\n: note\n\n",
            &[("message", " two")],
        );
        check("data: cut off", &[]);
    }
}
