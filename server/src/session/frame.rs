//! The JSON frames between devices and nodes; `docs/protocol.md` specifies them.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    id::{TelemetryId, Topic},
    ingest::RejectReason,
    net::ws::encode,
};

/// A frame from a device.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FromDevice<'a> {
    /// A heartbeat of a device that cannot send the frames of WebSocket pings, as in a browser.
    Ping,
    Reply {
        id: u64,
        body: String,
    },
    Subscribe(Topic),
    Unsubscribe(Topic),
    Telemetry {
        id: TelemetryId,
        body: String,
    },
    /// `body` is the JSON text as the device wrote it.
    Publish {
        topic: Topic,
        id: Option<Cow<'a, str>>,
        body: &'a str,
    },
}

/// The shortest time after which a device that got `goaway` may reconnect, in
/// milliseconds.
const RETRY_MS: u64 = 100;

/// The longest message id, in bytes. The answer to the device contains the id, so its
/// length counts in the write queue.
const MAX_MESSAGE_ID_BYTES: usize = 64;

/// The reason why a text is not a frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum InvalidFrame {
    /// The text is not a JSON object, has an unknown type or lacks a field.
    Malformed,
    /// The name of a topic or the id of a telemetry record is not allowed.
    InvalidName,
}

/// A frame to a device.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum ToDevice<'a> {
    Pong,
    Command {
        id: &'a str,
        name: &'a str,
        body: &'a RawValue,
    },
    Published {
        id: &'a str,
    },
    Error {
        id: &'a str,
        status: u16,
        error: &'a str,
        retry_ms: u64,
    },
    Goaway {
        retry_ms: u64,
        window_ms: u64,
    },
    Accepted {
        id: &'a TelemetryId,
    },
    Rejected {
        id: &'a TelemetryId,
        reason: &'static str,
        retry_ms: u64,
    },
}

/// The fields of all frames from devices. Unknown fields are ignored, so that devices may
/// be newer than the node.
#[derive(Deserialize)]
struct RawFrame<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    topic: Option<Text<'a>>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

/// A string of a frame: a part of the input, or a copy if the device wrote it with escapes,
/// which mean the same (RFC 8259, section 8.3).
// A type of its own, because serde copies every `Option<Cow<str>>`.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Parses the text of a device.
pub(crate) fn parse(text: &str) -> Result<FromDevice<'_>, InvalidFrame> {
    // Serde accepts an array as a struct too.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(InvalidFrame::Malformed);
    }
    let frame: RawFrame<'_> = serde_json::from_str(text).map_err(|_| InvalidFrame::Malformed)?;
    match &*frame.kind.0 {
        "ping" => Ok(FromDevice::Ping),
        "reply" => {
            let Text(id) = frame.id.ok_or(InvalidFrame::Malformed)?;
            Ok(FromDevice::Reply {
                // An invalid id matches no command, so it is as harmless as a late reply.
                id: parse_command_id(&id).unwrap_or(u64::MAX),
                body: frame.body.unwrap_or(RawValue::NULL).get().to_owned(),
            })
        }
        "subscribe" => topic(frame.topic).map(FromDevice::Subscribe),
        "unsubscribe" => topic(frame.topic).map(FromDevice::Unsubscribe),
        "telemetry" => {
            let Text(id) = frame.id.ok_or(InvalidFrame::Malformed)?;
            Ok(FromDevice::Telemetry {
                id: id.parse().map_err(|_| InvalidFrame::InvalidName)?,
                body: frame.body.unwrap_or(RawValue::NULL).get().to_owned(),
            })
        }
        "publish" => {
            let body = frame.body.ok_or(InvalidFrame::Malformed)?.get();
            let id = frame.id.map(|Text(id)| id);
            if id
                .as_ref()
                .is_some_and(|id| id.len() > MAX_MESSAGE_ID_BYTES)
            {
                return Err(InvalidFrame::Malformed);
            }
            Ok(FromDevice::Publish {
                topic: topic(frame.topic)?,
                id,
                body,
            })
        }
        _ => Err(InvalidFrame::Malformed),
    }
}

/// Returns the frame that answers a heartbeat in a text frame.
pub(crate) fn pong() -> Bytes {
    encode_frame(&ToDevice::Pong)
}

/// Returns the frame of a command.
pub(crate) fn command(id: u64, name: &str, body: &RawValue) -> Bytes {
    encode_frame(&ToDevice::Command {
        id: &format!("c{id:x}"),
        name,
        body,
    })
}

/// Returns the frame of a message to a topic. `body` is JSON text.
pub(crate) fn message(topic: &Topic, body: &str) -> Bytes {
    // By hand, so that the body is copied once and not parsed: the characters of a topic
    // need no escape.
    encode::text(format!(r#"{{"type":"message","topic":"{topic}","body":{body}}}"#).as_bytes())
}

/// Returns the frame that confirms a message that the device published.
pub(crate) fn published(id: &str) -> Bytes {
    encode_frame(&ToDevice::Published { id })
}

/// Returns the frame of a failed request, with an HTTP status, the error, and the time
/// until the next attempt in milliseconds.
pub(crate) fn error(id: &str, status: u16, error: &str, retry_ms: u64) -> Bytes {
    encode_frame(&ToDevice::Error {
        id,
        status,
        error,
        retry_ms,
    })
}

/// Returns the frame that asks a device to reconnect elsewhere, at a random time within
/// `window`.
pub(crate) fn goaway(window: Duration) -> Bytes {
    encode_frame(&ToDevice::Goaway {
        retry_ms: RETRY_MS,
        window_ms: window.as_millis() as u64,
    })
}

/// Returns the frame that confirms that the queue has accepted a telemetry record.
pub(crate) fn accepted(id: &TelemetryId) -> Bytes {
    encode_frame(&ToDevice::Accepted { id })
}

/// Returns the frame that rejects a telemetry record. The device may send it again.
pub(crate) fn rejected(id: &TelemetryId, reason: RejectReason) -> Bytes {
    encode_frame(&ToDevice::Rejected {
        id,
        reason: reason.label(),
        retry_ms: reason.retry_ms(),
    })
}

fn parse_command_id(id: &str) -> Option<u64> {
    u64::from_str_radix(id.strip_prefix('c')?, 16).ok()
}

fn topic(topic: Option<Text<'_>>) -> Result<Topic, InvalidFrame> {
    let Text(topic) = topic.ok_or(InvalidFrame::Malformed)?;
    topic.parse().map_err(|_| InvalidFrame::InvalidName)
}

fn encode_frame(frame: &ToDevice<'_>) -> Bytes {
    match serde_json::to_vec(frame) {
        Ok(text) => encode::text(&text),
        Err(error) => unreachable!("a frame of strings and raw JSON always serializes: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_frames_of_devices_are_parsed() {
        for (text, expected) in [
            (
                r#"{"type":"reply","id":"c1f","body":{"a": [1]}}"#,
                FromDevice::Reply {
                    id: 0x1f,
                    body: r#"{"a": [1]}"#.to_owned(),
                },
            ),
            (
                r#"{"type":"reply","id":"c0","extra":1}"#,
                FromDevice::Reply {
                    id: 0,
                    body: "null".to_owned(),
                },
            ),
            (
                r#"{"type":"telemetry","id":"0-17","body":21.5}"#,
                FromDevice::Telemetry {
                    id: "0-17".parse().unwrap(),
                    body: "21.5".to_owned(),
                },
            ),
            (
                r#"{"topic":"news","type":"subscribe"}"#,
                FromDevice::Subscribe("news".parse().unwrap()),
            ),
            (
                r#"{"type":"publish","topic":"t","id":"a\"1","body":{"x": 1}}"#,
                FromDevice::Publish {
                    topic: "t".parse().unwrap(),
                    id: Some(r#"a"1"#.into()),
                    body: r#"{"x": 1}"#,
                },
            ),
        ] {
            assert_eq!(parse(text), Ok(expected));
        }
    }

    #[test]
    fn escapes_in_strings_mean_the_same() {
        for (text, expected) in [
            (
                r#"{"type":"sub\u0073cribe","topic":"room\u002d1"}"#,
                Ok(FromDevice::Subscribe("room-1".parse().unwrap())),
            ),
            (
                r#"{"\u0074ype":"unsubscribe","t\u006fpic":"room-1"}"#,
                Ok(FromDevice::Unsubscribe("room-1".parse().unwrap())),
            ),
            (
                r#"{"type":"re\u0070ly","id":"\u00631f"}"#,
                Ok(FromDevice::Reply {
                    id: 0x1f,
                    body: "null".to_owned(),
                }),
            ),
            (
                r#"{"type":"telemetry","id":"0\u002d17","body":"\u0061"}"#,
                Ok(FromDevice::Telemetry {
                    id: "0-17".parse().unwrap(),
                    body: r#""\u0061""#.to_owned(),
                }),
            ),
            (
                r#"{"type":"publish","topic":"\u0074","id":"\/","body":1}"#,
                Ok(FromDevice::Publish {
                    topic: "t".parse().unwrap(),
                    id: Some("/".into()),
                    body: "1",
                }),
            ),
            (r#"{"type":"pi\u006eg"}"#, Ok(FromDevice::Ping)),
            // A name that is not allowed, in both spellings.
            (
                r#"{"type":"subscribe","topic":"caf\u00e9"}"#,
                Err(InvalidFrame::InvalidName),
            ),
            (
                "{\"type\":\"subscribe\",\"topic\":\"caf\u{e9}\"}",
                Err(InvalidFrame::InvalidName),
            ),
            // Half of a surrogate pair is not a character.
            (
                r#"{"type":"subscribe","topic":"\ud800"}"#,
                Err(InvalidFrame::Malformed),
            ),
            (
                r#"{"type":"subscribe","topic":"a","\u0074opic":"b"}"#,
                Err(InvalidFrame::Malformed),
            ),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn string_without_escapes_is_not_copied() {
        let text = r#"{"type":"publish","topic":"t","id":"a","body":1}"#;
        let Ok(FromDevice::Publish { id: Some(id), .. }) = parse(text) else {
            panic!("{text} is a frame");
        };
        assert!(matches!(id, Cow::Borrowed("a")));
    }

    #[test]
    fn invalid_frames_are_rejected() {
        let long_id = "x".repeat(MAX_MESSAGE_ID_BYTES + 1);
        for text in [
            "",
            "[]",
            r#"["subscribe",null,"news",null]"#,
            "{}",
            r#"{"type":"dance"}"#,
            r#"{"type":"reply"}"#,
            r#"{"type":"subscribe"}"#,
            r#"{"type":"telemetry","body":1}"#,
            r#"{"type":"publish","topic":"t"}"#,
            r#"{"type":"publish","body":1}"#,
            &format!(r#"{{"type":"publish","topic":"t","id":"{long_id}","body":1}}"#),
        ] {
            assert_eq!(parse(text), Err(InvalidFrame::Malformed), "{text}");
        }
        for text in [
            r#"{"type":"subscribe","topic":"a b"}"#,
            r#"{"type":"telemetry","id":"a b"}"#,
        ] {
            assert_eq!(parse(text), Err(InvalidFrame::InvalidName), "{text}");
        }
    }

    #[test]
    fn frames_to_devices_are_json() {
        let body = RawValue::from_string(r#"{"x":1}"#.to_owned()).unwrap();
        let id = "0-17".parse().unwrap();
        for (frame, text) in [
            (
                command(31, "read", &body),
                r#"{"type":"command","id":"c1f","name":"read","body":{"x":1}}"#,
            ),
            (
                message(&"t".parse().unwrap(), r#"{"x": 1}"#),
                r#"{"type":"message","topic":"t","body":{"x": 1}}"#,
            ),
            (
                error(r#"a"1"#, 429, "too many", 1000),
                r#"{"type":"error","id":"a\"1","status":429,"error":"too many","retry_ms":1000}"#,
            ),
            (
                goaway(Duration::from_secs(5)),
                r#"{"type":"goaway","retry_ms":100,"window_ms":5000}"#,
            ),
            (pong(), r#"{"type":"pong"}"#),
            (accepted(&id), r#"{"type":"accepted","id":"0-17"}"#),
            (
                rejected(&id, RejectReason::Full),
                r#"{"type":"rejected","id":"0-17","reason":"full","retry_ms":500}"#,
            ),
        ] {
            // After the two bytes of the WebSocket header.
            assert_eq!(&frame[2..], text.as_bytes());
        }
    }
}
