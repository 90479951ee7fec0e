//! What a device answers to a text frame.

use std::{borrow::Cow, time::Duration};

use highwater_scenarios::plan::Dialect;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{backoff::MAX_SERVER_DELAY, telemetry::TelemetryAck};

/// What a text frame asks of the device.
#[derive(Debug, PartialEq, Eq)]
pub enum FrameAction {
    /// Send this text back.
    SendReply(String),
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
    PublishAnswered {
        /// Of the message.
        id: String,
        /// Of an error.
        status: Option<u16>,
    },
    /// What became of the device's reading of that id.
    TelemetryAnswered {
        /// The reading.
        id: String,
        /// Whether it is still the device's.
        ack: TelemetryAck,
    },
    /// Nothing.
    Ignore,
}

/// The reference server's frames to a device, all kinds in one: serde cannot
/// take a body unread out of a tagged enum.
#[derive(Deserialize)]
struct NodeFrame<'a> {
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
pub fn frame_action(dialect: Dialect, text: &str) -> FrameAction {
    match dialect {
        Dialect::Plain => FrameAction::Ignore,
        Dialect::Highwater => highwater_action(text),
    }
}

fn highwater_action(text: &str) -> FrameAction {
    let Ok(frame) = serde_json::from_str::<NodeFrame<'_>>(text) else {
        return FrameAction::Ignore;
    };
    match (frame.kind.as_ref(), frame.id) {
        ("command", Some(id)) => {
            let id = serde_json::Value::from(id.as_ref());
            let body = frame.body.map_or("null", RawValue::get);
            FrameAction::SendReply(format!(r#"{{"type":"reply","id":{id},"body":{body}}}"#))
        }
        ("published" | "error", Some(id)) => FrameAction::PublishAnswered {
            id: id.into_owned(),
            status: frame.status,
        },
        ("accepted", Some(id)) => FrameAction::TelemetryAnswered {
            id: id.into_owned(),
            ack: TelemetryAck::Accepted,
        },
        ("rejected", Some(id)) => FrameAction::TelemetryAnswered {
            id: id.into_owned(),
            ack: TelemetryAck::Rejected {
                reason: frame
                    .reason
                    .map_or_else(|| "unknown".to_owned(), reason_label),
                retry: bounded_delay(frame.retry_ms),
            },
        },
        ("goaway", _) => FrameAction::GoAway {
            retry: bounded_delay(frame.retry_ms),
            window: bounded_delay(frame.window_ms),
        },
        _ => FrameAction::Ignore,
    }
}

/// What a node asks for, as far as it is believed.
fn bounded_delay(millis: u64) -> Duration {
    Duration::from_millis(millis).min(MAX_SERVER_DELAY)
}

/// A reason as part of a counter's name: a word, whatever the node said.
fn reason_label(said: Cow<'_, str>) -> String {
    let word = |c: char| c.is_ascii_lowercase() || c == '_';
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
            frame_action(Dialect::Highwater, text),
            FrameAction::SendReply(
                r#"{"type":"reply","id":"a\"1","body":{"nonce":"7", "x":[1]}}"#.to_owned()
            )
        );
        assert_eq!(frame_action(Dialect::Plain, text), FrameAction::Ignore);
    }

    #[test]
    fn a_published_message_is_answered() {
        let answered = |status| FrameAction::PublishAnswered {
            id: "t-7".to_owned(),
            status,
        };
        let text = r#"{"type":"published","id":"t-7"}"#;
        assert_eq!(frame_action(Dialect::Highwater, text), answered(None));
        let text = r#"{"type":"error","id":"t-7","status":429,"error":"x","retry_ms":1000}"#;
        assert_eq!(frame_action(Dialect::Highwater, text), answered(Some(429)));
    }

    #[test]
    fn an_answer_to_a_reading_is_for_its_device() {
        let refused = |text| match frame_action(Dialect::Highwater, text) {
            FrameAction::TelemetryAnswered { id, ack: verdict } => (id, verdict),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            refused(r#"{"type":"accepted","id":"0-7"}"#),
            ("0-7".to_owned(), TelemetryAck::Accepted)
        );
        let verdict = |reason: &str| TelemetryAck::Rejected {
            reason: reason.to_owned(),
            retry: Duration::from_millis(500),
        };
        assert_eq!(
            refused(r#"{"type":"rejected","id":"0-7","reason":"full","retry_ms":500}"#).1,
            verdict("full")
        );
        assert_eq!(
            refused(r#"{"type":"rejected","id":"0-7","reason":"a, b","retry_ms":500}"#).1,
            verdict("unknown")
        );
    }

    #[test]
    fn a_node_that_goes_says_when_to_come_back_and_is_believed_for_an_hour() {
        let text = r#"{"type":"goaway","retry_ms":250,"window_ms":18446744073709551615}"#;
        let advice = FrameAction::GoAway {
            retry: Duration::from_millis(250),
            window: MAX_SERVER_DELAY,
        };
        assert_eq!(frame_action(Dialect::Highwater, text), advice);
    }

    #[test]
    fn anything_else_is_ignored() {
        for text in ["", "{", "[]", r#"{"type":"message","topic":"t"}"#] {
            assert_eq!(
                frame_action(Dialect::Highwater, text),
                FrameAction::Ignore,
                "{text}"
            );
        }
    }
}
