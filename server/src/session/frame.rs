//! The JSON that devices and nodes exchange; see `docs/protocol.md`.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    id::{TelemetryId, Topic},
    ingest::RejectReason,
    ws::encode,
};

/// Device to node.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FromDevice<'a> {
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
    /// The body is JSON as it was written.
    Publish {
        topic: Topic,
        id: Option<Cow<'a, str>>,
        body: &'a str,
    },
}

/// When a device that was asked to leave should come back at the earliest.
const RETRY_MS: u64 = 100;

/// The longest id of a message, in bytes.
const MAX_MESSAGE_ID_BYTES: usize = 64;

/// Why a text is no frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum InvalidFrame {
    /// Not JSON, not an object, an unknown type, a field missing.
    Malformed,
    /// The name of a topic or a reading that is not allowed.
    InvalidName,
}

/// Node to device.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum ToDevice<'a> {
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

/// A field this node does not know is ignored, so that devices may be newer.
#[derive(Deserialize)]
struct RawFrame<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    topic: Option<&'a str>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

/// Reads a device's text.
pub(crate) fn parse(text: &str) -> Result<FromDevice<'_>, InvalidFrame> {
    // Serde takes an array for a struct as well.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(InvalidFrame::Malformed);
    }
    let frame: RawFrame<'_> = serde_json::from_str(text).map_err(|_| InvalidFrame::Malformed)?;
    match frame.kind {
        "reply" => {
            let id = frame.id.ok_or(InvalidFrame::Malformed)?;
            Ok(FromDevice::Reply {
                // An id that is none of ours matches no command; it is as harmless
                // as a late reply.
                id: parse_command_id(&id).unwrap_or(u64::MAX),
                body: frame.body.unwrap_or(RawValue::NULL).get().to_owned(),
            })
        }
        "subscribe" => topic(frame.topic).map(FromDevice::Subscribe),
        "unsubscribe" => topic(frame.topic).map(FromDevice::Unsubscribe),
        "telemetry" => {
            let id = frame.id.ok_or(InvalidFrame::Malformed)?;
            Ok(FromDevice::Telemetry {
                id: id.parse().map_err(|_| InvalidFrame::InvalidName)?,
                body: frame.body.unwrap_or(RawValue::NULL).get().to_owned(),
            })
        }
        "publish" => {
            let body = frame.body.ok_or(InvalidFrame::Malformed)?.get();
            if frame
                .id
                .as_ref()
                .is_some_and(|id| id.len() > MAX_MESSAGE_ID_BYTES)
            {
                return Err(InvalidFrame::Malformed);
            }
            Ok(FromDevice::Publish {
                topic: topic(frame.topic)?,
                id: frame.id,
                body,
            })
        }
        _ => Err(InvalidFrame::Malformed),
    }
}

/// The frame that carries a command.
pub(crate) fn command(id: u64, name: &str, body: &RawValue) -> Bytes {
    encode_frame(&ToDevice::Command {
        id: &format!("c{id:x}"),
        name,
        body,
    })
}

/// The frame that carries a topic's message.
///
/// `body` is JSON text; a topic's characters need no escape.
pub(crate) fn message(topic: &Topic, body: &str) -> Bytes {
    encode::text(format!(r#"{{"type":"message","topic":"{topic}","body":{body}}}"#).as_bytes())
}

/// The frame that says that a device's message was published.
pub(crate) fn published(id: &str) -> Bytes {
    encode_frame(&ToDevice::Published { id })
}

/// The frame that says that something a device asked for was not done: an HTTP
/// status, why, and when to try again.
pub(crate) fn error(id: &str, status: u16, error: &str, retry_ms: u64) -> Bytes {
    encode_frame(&ToDevice::Error {
        id,
        status,
        error,
        retry_ms,
    })
}

/// The frame that asks a device to leave, and to spread its return over a window.
pub(crate) fn goaway(window: Duration) -> Bytes {
    encode_frame(&ToDevice::Goaway {
        retry_ms: RETRY_MS,
        window_ms: window.as_millis() as u64,
    })
}

/// The frame that says that a reading is the queue's from now on.
pub(crate) fn accepted(id: &TelemetryId) -> Bytes {
    encode_frame(&ToDevice::Accepted { id })
}

/// The frame that says that a reading is still the device's, and why.
pub(crate) fn rejected(id: &TelemetryId, refusal: RejectReason) -> Bytes {
    encode_frame(&ToDevice::Rejected {
        id,
        reason: refusal.label(),
        retry_ms: refusal.retry_ms(),
    })
}

fn parse_command_id(id: &str) -> Option<u64> {
    u64::from_str_radix(id.strip_prefix('c')?, 16).ok()
}

fn topic(topic: Option<&str>) -> Result<Topic, InvalidFrame> {
    topic
        .ok_or(InvalidFrame::Malformed)?
        .parse()
        .map_err(|_| InvalidFrame::InvalidName)
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
    fn frames_of_devices() {
        let reply = parse(r#"{"type":"reply","id":"c1f","body":{"a": [1]}}"#).unwrap();
        assert_eq!(
            reply,
            FromDevice::Reply {
                id: 0x1f,
                body: r#"{"a": [1]}"#.to_owned()
            }
        );
        let reply = parse(r#"{"type":"reply","id":"c0","extra":1}"#).unwrap();
        assert_eq!(
            reply,
            FromDevice::Reply {
                id: 0,
                body: "null".to_owned()
            }
        );
        let reading = parse(r#"{"type":"telemetry","id":"0-17","body":21.5}"#).unwrap();
        assert_eq!(
            reading,
            FromDevice::Telemetry {
                id: "0-17".parse().unwrap(),
                body: "21.5".to_owned()
            }
        );
        let subscribe = parse(r#"{"topic":"news","type":"subscribe"}"#).unwrap();
        assert_eq!(subscribe, FromDevice::Subscribe("news".parse().unwrap()));
    }

    #[test]
    fn a_message_to_a_topic() {
        let text = r#"{"type":"publish","topic":"t","id":"a\"1","body":{"x": 1}}"#;
        let expected = FromDevice::Publish {
            topic: "t".parse().unwrap(),
            id: Some(r#"a"1"#.into()),
            body: r#"{"x": 1}"#,
        };
        assert_eq!(parse(text).unwrap(), expected);
        for text in [
            r#"{"type":"publish","topic":"t"}"#.to_owned(),
            r#"{"type":"publish","body":1}"#.to_owned(),
            format!(
                r#"{{"type":"publish","topic":"t","id":"{}","body":1}}"#,
                "x".repeat(65)
            ),
        ] {
            assert_eq!(parse(&text), Err(InvalidFrame::Malformed), "{text}");
        }
        let frame = message(&"t".parse().unwrap(), r#"{"x": 1}"#);
        assert_eq!(
            &frame[2..],
            br#"{"type":"message","topic":"t","body":{"x": 1}}"#
        );
        let frame = error(r#"a"1"#, 429, "too many", 1000);
        assert_eq!(
            &frame[2..],
            br#"{"type":"error","id":"a\"1","status":429,"error":"too many","retry_ms":1000}"#
        );
    }

    #[test]
    fn what_is_no_frame() {
        for text in [
            "",
            "[]",
            r#"["subscribe",null,"news",null]"#,
            "{}",
            r#"{"type":"dance"}"#,
            r#"{"type":"reply"}"#,
            r#"{"type":"subscribe"}"#,
            r#"{"type":"telemetry","body":1}"#,
        ] {
            assert_eq!(parse(text), Err(InvalidFrame::Malformed), "{text}");
        }
        assert_eq!(
            parse(r#"{"type":"subscribe","topic":"a b"}"#),
            Err(InvalidFrame::InvalidName)
        );
        assert_eq!(
            parse(r#"{"type":"telemetry","id":"a b"}"#),
            Err(InvalidFrame::InvalidName)
        );
    }

    #[test]
    fn frames_of_nodes() {
        let body = RawValue::from_string(r#"{"x":1}"#.to_owned()).unwrap();
        let frame = command(31, "read", &body);
        assert_eq!(
            &frame[2..],
            br#"{"type":"command","id":"c1f","name":"read","body":{"x":1}}"#
        );
        let frame = goaway(Duration::from_secs(5));
        assert_eq!(
            &frame[2..],
            br#"{"type":"goaway","retry_ms":100,"window_ms":5000}"#
        );
        let id = "0-17".parse().unwrap();
        assert_eq!(&accepted(&id)[2..], br#"{"type":"accepted","id":"0-17"}"#);
        assert_eq!(
            &rejected(&id, RejectReason::Full)[2..],
            br#"{"type":"rejected","id":"0-17","reason":"full","retry_ms":500}"#
        );
    }
}
