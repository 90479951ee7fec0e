//! What a device answers to a text frame.

use std::{borrow::Cow, time::Duration};

use highwater_scenarios::plan::Dialect;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{backoff::LONGEST_PAUSE, telemetry::Verdict};

/// What a text frame asks of the device.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    /// Send this text back.
    Reply(String),
    /// The node is about to close the socket and advises when to come back:
    /// after `retry`, somewhere within `window`.
    GoAway {
        /// Shortest pause.
        retry: Duration,
        /// Spread on top of it.
        window: Duration,
    },
    /// A message that the device published, by its id, has its answer: the
    /// status of an error, or none.
    Answered {
        /// Of the message.
        id: String,
        /// Of an error.
        status: Option<u16>,
    },
    /// What became of the device's reading of that id.
    Reading {
        /// The reading.
        id: String,
        /// Whether it is still the device's.
        verdict: Verdict,
    },
    /// Nothing.
    Nothing,
}

/// The reference server's frames to a device, all kinds in one: serde cannot
/// take a body unread out of a tagged enum.
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    status: Option<u16>,
    #[serde(default)]
    retry_ms: u64,
    #[serde(default)]
    window_ms: u64,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
}

/// What `text` asks of a device that speaks `dialect`. A device replies to a
/// command with the command's own body, so that the caller can tell its reply
/// from any other.
pub fn asked(dialect: Dialect, text: &str) -> Asked {
    match dialect {
        Dialect::Plain => Asked::Nothing,
        Dialect::Highwater => highwater(text),
    }
}

fn highwater(text: &str) -> Asked {
    let Ok(frame) = serde_json::from_str::<Frame<'_>>(text) else {
        return Asked::Nothing;
    };
    match (frame.kind.as_ref(), frame.id) {
        ("command", Some(id)) => {
            let id = serde_json::Value::from(id.as_ref());
            let body = frame.body.map_or("null", RawValue::get);
            Asked::Reply(format!(r#"{{"type":"reply","id":{id},"body":{body}}}"#))
        }
        ("published" | "error", Some(id)) => Asked::Answered {
            id: id.into_owned(),
            status: frame.status,
        },
        ("accepted", Some(id)) => Asked::Reading {
            id: id.into_owned(),
            verdict: Verdict::Accepted,
        },
        ("refused", Some(id)) => Asked::Reading {
            id: id.into_owned(),
            verdict: Verdict::Refused {
                reason: frame.reason.map_or_else(|| "unknown".to_owned(), reason),
                retry: pause(frame.retry_ms),
            },
        },
        ("goaway", _) => Asked::GoAway {
            retry: pause(frame.retry_ms),
            window: pause(frame.window_ms),
        },
        _ => Asked::Nothing,
    }
}

/// What a node asks for, as far as it is believed.
fn pause(millis: u64) -> Duration {
    Duration::from_millis(millis).min(LONGEST_PAUSE)
}

/// A reason as part of a counter's name: a word, whatever the node said.
fn reason(said: Cow<'_, str>) -> String {
    let word = |c: char| c.is_ascii_lowercase() || c == '-';
    match !said.is_empty() && said.len() <= 20 && said.chars().all(word) {
        true => said.into_owned(),
        false => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_answered_with_its_own_body() {
        let text = r#"{"type":"command","id":"a\"1","name":"read","body":{"nonce":"7", "x":[1]}}"#;
        assert_eq!(
            asked(Dialect::Highwater, text),
            Asked::Reply(
                r#"{"type":"reply","id":"a\"1","body":{"nonce":"7", "x":[1]}}"#.to_owned()
            )
        );
        assert_eq!(asked(Dialect::Plain, text), Asked::Nothing);
    }

    #[test]
    fn a_published_message_is_answered() {
        let answered = |status| Asked::Answered {
            id: "t-7".to_owned(),
            status,
        };
        let text = r#"{"type":"published","id":"t-7"}"#;
        assert_eq!(asked(Dialect::Highwater, text), answered(None));
        let text = r#"{"type":"error","id":"t-7","status":429,"error":"x","retry_ms":1000}"#;
        assert_eq!(asked(Dialect::Highwater, text), answered(Some(429)));
    }

    #[test]
    fn an_answer_to_a_reading_is_for_its_device() {
        let refused = |text| match asked(Dialect::Highwater, text) {
            Asked::Reading { id, verdict } => (id, verdict),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            refused(r#"{"type":"accepted","id":"0-7"}"#),
            ("0-7".to_owned(), Verdict::Accepted)
        );
        let verdict = |reason: &str| Verdict::Refused {
            reason: reason.to_owned(),
            retry: Duration::from_millis(500),
        };
        assert_eq!(
            refused(r#"{"type":"refused","id":"0-7","reason":"full","retry_ms":500}"#).1,
            verdict("full")
        );
        assert_eq!(
            refused(r#"{"type":"refused","id":"0-7","reason":"a, b","retry_ms":500}"#).1,
            verdict("unknown")
        );
    }

    #[test]
    fn a_node_that_goes_says_when_to_come_back_and_is_believed_for_an_hour() {
        let text = r#"{"type":"goaway","retry_ms":250,"window_ms":18446744073709551615}"#;
        let advice = Asked::GoAway {
            retry: Duration::from_millis(250),
            window: LONGEST_PAUSE,
        };
        assert_eq!(asked(Dialect::Highwater, text), advice);
    }

    #[test]
    fn anything_else_is_ignored() {
        for text in ["", "{", "[]", r#"{"type":"message","topic":"t"}"#] {
            assert_eq!(asked(Dialect::Highwater, text), Asked::Nothing, "{text}");
        }
    }
}
