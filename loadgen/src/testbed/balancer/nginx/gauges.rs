//! The gauges in nginx's `stub_status`.
//!
//! `stub_status` counts for the whole program, old workers included, and says nothing of
//! nodes. A connection is *writing* from the end of the request's head to the end of the answer: for
//! a WebSocket, as long as it is open. Writing connections are therefore the sockets, the
//! commands in flight, and the request for the status itself.

use highwater_reports::record::names::gauge;

use crate::sampling::Gauges;

/// The request for the status itself, which is also writing.
const OWN_CONNECTION: f64 = 1.0;

/// Reads the gauges in an answer; `None` if it is another text.
pub(super) fn parse(text: &str) -> Option<Gauges> {
    let states = text.lines().find(|line| line.starts_with("Reading:"))?;
    let writing = number_after(states, "Writing:")?;
    let sockets = (writing - OWN_CONNECTION).max(0.0);
    Some([(gauge::BALANCER_SOCKETS.to_owned(), sockets)].into())
}

/// Returns the number behind a word.
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
    fn writing_connections_except_its_own_are_sockets() {
        let text = "Active connections: 291 \nserver accepts handled requests\n \
                    16630948 16630948 31070465 \nReading: 6 Writing: 179 Waiting: 106 \n";
        let expected = [(gauge::BALANCER_SOCKETS.to_owned(), 178.0)];
        assert_eq!(parse(text), Some(expected.into()));
    }

    #[test]
    fn other_text_has_no_gauges() {
        for text in [
            "",
            "<html>",
            "Reading: 6 Writing: x Waiting: 1",
            "Reading: Writing:",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
