//! Examples of HTTP answers that no request of the scenario hopes for.
//!
//! Counters say how many handshakes got a 401, and an example says what the server wrote
//! with it. One example for each kind of request and status is kept.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use reqwest::Response;

use super::http::read_body;
use crate::control::{RequestKind, UnexpectedAnswer};

/// Most examples of one worker: a server may answer with random statuses.
const MAX_EXAMPLES: usize = 16;

/// Longest part of an address or a body in an example, in characters.
const MAX_TEXT_CHARS: usize = 160;

/// The examples that a worker has found.
#[derive(Debug, Default)]
pub struct UnexpectedAnswers(Mutex<Examples>);

#[derive(Debug, Default)]
struct Examples {
    known: BTreeSet<(RequestKind, u16)>,
    unsent: Vec<UnexpectedAnswer>,
}

impl UnexpectedAnswers {
    /// Takes an answer as the example of its kind and status, if it is the first.
    pub fn record(&self, request: RequestKind, status: u16, location: Option<&[u8]>, body: &[u8]) {
        let mut examples = self.0.lock();
        let key = (request, status);
        if examples.known.len() >= MAX_EXAMPLES || !examples.known.insert(key) {
            return;
        }
        examples.unsent.push(UnexpectedAnswer {
            request,
            status,
            location: location.and_then(excerpt),
            body: excerpt(body),
        });
    }

    /// Reads the body of a response, so that its connection can be used again, and takes
    /// it as [`record`](Self::record) does.
    pub async fn record_response(&self, request: RequestKind, response: Response) {
        let status = response.status().as_u16();
        let location = response.headers().get(reqwest::header::LOCATION).cloned();
        let body = read_body(response).await.unwrap_or_default();
        let location = location
            .as_ref()
            .map(reqwest::header::HeaderValue::as_bytes);
        self.record(request, status, location, &body);
    }

    /// Takes the examples that were not sent to the coordinator yet.
    pub fn take_unsent(&self) -> Vec<UnexpectedAnswer> {
        std::mem::take(&mut self.0.lock().unsent)
    }
}

/// Returns the beginning of a text on one line; `None` if it is empty.
fn excerpt(bytes: &[u8]) -> Option<String> {
    // Four bytes are the longest character.
    let start = &bytes[..bytes.len().min(MAX_TEXT_CHARS * 4)];
    let text = String::from_utf8_lossy(start);
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    let start: String = line.chars().take(MAX_TEXT_CHARS).collect();
    (!start.is_empty()).then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_example_for_each_kind_and_status_is_kept() {
        let answers = UnexpectedAnswers::default();
        for _ in 0..3 {
            answers.record(RequestKind::Handshake, 401, None, b" no\r\n  token ");
            answers.record(RequestKind::Command, 302, Some(b"/login"), b"");
        }
        let unsent = answers.take_unsent();
        assert_eq!(unsent.len(), 2);
        assert_eq!(unsent[0].body.as_deref(), Some("no token"));
        assert_eq!(unsent[1].location.as_deref(), Some("/login"));
        for status in 400..500 {
            answers.record(RequestKind::Command, status, None, &[b'x'; 9_999]);
        }
        let unsent = answers.take_unsent();
        assert_eq!(unsent.len(), MAX_EXAMPLES - 2);
        assert_eq!(
            unsent[0].body.as_deref().map(str::len),
            Some(MAX_TEXT_CHARS)
        );
    }
}
