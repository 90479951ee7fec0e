//! nginx: `stub_status`.
//!
//! It counts for the whole program, workers that were told to finish included, and
//! tells nothing of nodes. A connection is *writing* from the end of its request's
//! head to the end of the answer: for a WebSocket, as long as it is open. So what
//! writes is the sockets, the commands under way, and this question itself.

use highwater_reports::record::names::gauge;

use crate::sampling::Gauges;

/// The question itself.
const OWN_CONNECTION: f64 = 1.0;

/// The gauges in an answer; `None` if it is something else.
pub(crate) fn gauges(text: &str) -> Option<Gauges> {
    let states = text.lines().find(|line| line.starts_with("Reading:"))?;
    let writing = number_after(states, "Writing:")?;
    let sockets = (writing - OWN_CONNECTION).max(0.0);
    Some([(gauge::BALANCER_SOCKETS.to_owned(), sockets)].into())
}

/// The number behind a word.
fn number_after(line: &str, word: &str) -> Option<f64> {
    let mut words = line.split_whitespace();
    words.find(|found| *found == word)?;
    let number: u32 = words.next()?.parse().ok()?;
    Some(number.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_writes_but_for_the_question_is_forwarded() {
        let text = "Active connections: 291 \nserver accepts handled requests\n \
                    16630948 16630948 31070465 \nReading: 6 Writing: 179 Waiting: 106 \n";
        let expected = [(gauge::BALANCER_SOCKETS.to_owned(), 178.0)];
        assert_eq!(gauges(text), Some(expected.into()));
    }

    #[test]
    fn what_is_no_status_says_nothing() {
        for text in [
            "",
            "<html>",
            "Reading: 6 Writing: x Waiting: 1",
            "Reading: Writing:",
        ] {
            assert_eq!(gauges(text), None, "{text}");
        }
    }
}
