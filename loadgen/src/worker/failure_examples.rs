//! Examples of failures: the answers and errors behind the counters.
//!
//! A counter says how many handshakes got a 401, and an example says what the server wrote
//! with it. A worker keeps some different examples of each counter, and the coordinator
//! records them.

use std::collections::BTreeMap;

use highwater_reports::record::FailureExample;
use highwater_types::format::visible;
use parking_lot::Mutex;

use crate::{access::SecretMask, control::FailureReport};

/// Most counters with examples. A server may answer with random statuses and close codes.
const MAX_COUNTERS: usize = 64;
/// Most examples of one counter in a run.
const MAX_EXAMPLES: usize = 3;
/// Failures of one counter in an interval whose texts are compared with the examples: a
/// storm of failures costs no more than these.
const MAX_COMPARED: u32 = 16;
/// Longest text of an example, in bytes.
const MAX_TEXT_BYTES: usize = 200;
/// Longest part of a text that is searched for secrets, in bytes.
const MAX_RAW_BYTES: usize = 4 * MAX_TEXT_BYTES;

/// The examples that a worker has found.
#[derive(Debug, Default)]
pub struct FailureExamples {
    mask: SecretMask,
    found: Mutex<Found>,
}

#[derive(Debug, Default)]
struct Found {
    by_counter: BTreeMap<String, CounterExamples>,
    unsent: Vec<FailureReport>,
}

/// The examples of one counter.
#[derive(Debug, Default)]
struct CounterExamples {
    known: Vec<FailureExample>,
    /// Failures compared since the last interval.
    compared: u32,
}

impl FailureExamples {
    /// Creates a store whose examples do not show the secrets of `mask`.
    pub fn new(mask: SecretMask) -> Self {
        Self {
            mask,
            found: Mutex::default(),
        }
    }

    /// Takes the example that `example` returns, if the counter has few and no equal one.
    pub fn record(&self, counter: &str, example: impl FnOnce() -> FailureExample) {
        let mut found = self.found.lock();
        let Found { by_counter, unsent } = &mut *found;
        if by_counter.len() >= MAX_COUNTERS && !by_counter.contains_key(counter) {
            return;
        }
        let of_counter = by_counter.entry(counter.to_owned()).or_default();
        if of_counter.known.len() >= MAX_EXAMPLES || of_counter.compared >= MAX_COMPARED {
            return;
        }
        of_counter.compared += 1;
        let example = example().map_texts(|text| self.shown(&text));
        if example != FailureExample::default() && !of_counter.known.contains(&example) {
            of_counter.known.push(example.clone());
            unsent.push(FailureReport {
                counter: counter.to_owned(),
                example,
            });
        }
    }

    /// Takes the examples that were not sent to the coordinator yet.
    pub fn take_unsent(&self) -> Vec<FailureReport> {
        let mut found = self.found.lock();
        for of_counter in found.by_counter.values_mut() {
            of_counter.compared = 0;
        }
        std::mem::take(&mut found.unsent)
    }

    /// Returns the beginning of a text on one line, without secrets and with its control
    /// characters escaped; `None` if it is empty.
    fn shown(&self, text: &str) -> Option<String> {
        let words: Vec<&str> = start_of(text, MAX_RAW_BYTES).split_whitespace().collect();
        // Masked before it is cut: a secret that the cut divides would not be found.
        let line = self.mask.masked(&words.join(" "));
        let line = visible(&line);
        let start = start_of(&line, MAX_TEXT_BYTES);
        let ellipsis = if start.len() < line.len() { "…" } else { "" };
        (!start.is_empty()).then(|| format!("{start}{ellipsis}"))
    }
}

/// Returns a body or a header value as a text, as far as an example may show it.
pub fn text_of(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(MAX_RAW_BYTES)];
    String::from_utf8_lossy(start).into_owned()
}

fn start_of(text: &str, most_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(most_bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> FailureExample {
        FailureExample {
            body: Some(text.to_owned()),
            ..FailureExample::default()
        }
    }

    #[test]
    fn some_different_examples_of_each_counter_are_kept() {
        let examples = FailureExamples::default();
        for number in 0..10 {
            examples.record("a", || body("same"));
            examples.record("b", || body(&format!("number {number}")));
            examples.record("c", FailureExample::default);
        }
        let unsent = examples.take_unsent();
        let of = |counter: &str| {
            unsent
                .iter()
                .filter(|found| found.counter == counter)
                .count()
        };
        assert_eq!([of("a"), of("b"), of("c")], [1, MAX_EXAMPLES, 0]);
        assert_eq!(examples.take_unsent(), []);

        examples.record("a", || body("other"));
        assert_eq!(examples.take_unsent().len(), 1);
        for number in 0..1_000 {
            examples.record(&format!("disconnect.closed_{number}"), || body("bye"));
        }
        assert_eq!(examples.take_unsent().len(), MAX_COUNTERS - 3);
    }

    #[test]
    fn storm_of_equal_failures_is_compared_a_few_times() {
        let examples = FailureExamples::default();
        let mut made = 0;
        for _ in 0..1_000 {
            examples.record("a", || {
                made += 1;
                body("same")
            });
        }
        assert_eq!(made, MAX_COMPARED);
    }

    #[test]
    fn text_is_one_short_line_without_secrets() {
        let mask = SecretMask::new(
            &[("X-Key".to_owned(), "s3cr3t-key".to_owned().into())],
            &["ws://h/ws?token=t0k3n-of-h".to_owned()],
            [],
        );
        let examples = FailureExamples::new(mask);
        let shown = |text: &str| examples.shown(text);
        assert_eq!(shown(" no\r\n  token "), Some("no token".to_owned()));
        assert_eq!(shown(" \n"), None);
        assert_eq!(shown("who\u{1b}?"), Some("who\\u{1b}?".to_owned()));
        assert_eq!(
            shown("bad s3cr3t-key, t0k3n-of-h"),
            Some("bad ***, ***".to_owned())
        );
        let at_the_cut = "x".repeat(MAX_TEXT_BYTES - 4) + "s3cr3t-key";
        assert!(!shown(&at_the_cut).unwrap().contains("s3cr"));
        let long = shown(&"ä".repeat(9_999)).unwrap();
        assert_eq!(long.len(), MAX_TEXT_BYTES + "…".len());
    }
}
