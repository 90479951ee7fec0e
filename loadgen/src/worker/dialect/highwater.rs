//! The JSON frames of the reference server (`docs/protocol.md`).

use std::{borrow::Cow, time::Duration};

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Message;

use super::{
    command::{OutgoingCommand, ReplyNodes, StatusMeaning},
    incoming::{Incoming, MAX_SERVER_DELAY, ReconnectAdvice, TelemetryAck},
    interface::Dialect,
};
use crate::{keys::LoadItemKey, worker::http::HttpRequest};

/// The header field with a command's deadline: the node gives up when the caller does.
const TIMEOUT_HEADER: &str = "x-highwater-timeout-ms";

/// The payload of the ping that follows the subscriptions. A node answers in order, so
/// its pong says that the node has them. A heartbeat's payload has another length.
const SUBSCRIBE_PING: &[u8] = b"topics";

/// The start of every message to a topic. The node writes `type` first.
const MESSAGE_PREFIX: &str = r#"{"type":"message""#;

/// Longest reason that becomes part of a counter's name, in bytes.
const REASON_LIMIT: usize = 20;

/// The dialect of the reference server.
///
/// A device replies to a command with the command's own body. The body carries the
/// caller's nonce, so that the caller can tell its reply from any other.
pub struct Highwater;

/// A frame from a node, all types in one struct: serde cannot take a body unread out of
/// a tagged enum.
#[derive(Deserialize)]
struct NodeFrame<'a> {
    // Borrowed unless the JSON has escapes, so that a frame costs no allocation.
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

/// The reference server's reply to a command.
#[derive(Deserialize)]
struct ReplyJson {
    node: Option<String>,
    owner: Option<String>,
    body: Option<EchoedBody>,
}

/// The command's own body, which the device sent back.
#[derive(Deserialize)]
struct EchoedBody {
    nonce: Option<String>,
}

impl Dialect for Highwater {
    fn decode<'f>(&self, frame: &'f Message) -> Incoming<'f> {
        match frame {
            Message::Pong(payload) if payload[..] == *SUBSCRIBE_PING => {
                Incoming::SubscriptionsConfirmed
            }
            Message::Pong(payload) => Incoming::from_pong(payload),
            // Ahead of the JSON parser: a subscriber gets thousands of these a second.
            Message::Text(text) if text.starts_with(MESSAGE_PREFIX) => Incoming::TopicMessage(text),
            Message::Text(text) => decode_text(text),
            _ => Incoming::Ignored,
        }
    }

    fn command_request(&self, path: String, command: &OutgoingCommand<'_>) -> HttpRequest {
        let timeout = command.timeout.as_millis().to_string();
        HttpRequest::json(path, command.json_body()).with_header(TIMEOUT_HEADER, timeout)
    }

    fn decode_reply(&self, body: &[u8], nonce: &str) -> Option<ReplyNodes> {
        let reply: ReplyJson = serde_json::from_slice(body).ok()?;
        let echoed = reply.body.and_then(|body| body.nonce);
        (echoed.as_deref() == Some(nonce)).then_some(ReplyNodes {
            node: reply.node,
            owner: reply.owner,
        })
    }

    fn status_meaning(&self, status: u16) -> StatusMeaning {
        match status {
            // 409: a newer socket of the device replaced the one that got the command.
            404 | 409 => StatusMeaning::NotConnected,
            429 | 503 => StatusMeaning::Rejected,
            504 => StatusMeaning::TimedOut,
            _ => StatusMeaning::Unexpected,
        }
    }

    fn subscribe_frames(&self, topics: &[String]) -> Vec<Message> {
        // Topics are names of the plan, which need no escapes in JSON.
        let subscribe =
            |topic: &String| Message::text(format!(r#"{{"type":"subscribe","topic":"{topic}"}}"#));
        let mut frames: Vec<Message> = topics.iter().map(subscribe).collect();
        frames.push(Message::Ping(SUBSCRIBE_PING.into()));
        frames
    }

    fn publish_frame(&self, topic: &str, key: LoadItemKey, body: &str) -> Option<Message> {
        let frame = format!(r#"{{"type":"publish","topic":"{topic}","id":"{key}","body":{body}}}"#);
        Some(Message::text(frame))
    }

    fn publish_request(&self, topic: &str, body: &str) -> Option<HttpRequest> {
        let path = format!("/topics/{topic}/messages");
        let body = format!(r#"{{"body":{body}}}"#);
        Some(HttpRequest::json(path, body))
    }

    fn telemetry_frame(&self, key: LoadItemKey, body: &str) -> Option<Message> {
        let frame = format!(r#"{{"type":"telemetry","id":"{key}","body":{body}}}"#);
        Some(Message::text(frame))
    }
}

fn decode_text(text: &str) -> Incoming<'_> {
    let Ok(frame) = serde_json::from_str::<NodeFrame<'_>>(text) else {
        return Incoming::Ignored;
    };
    // Before the id is read, because this frame has none.
    if frame.kind == "goaway" {
        return Incoming::GoAway(ReconnectAdvice {
            retry: bounded_delay(frame.retry_ms),
            window: bounded_delay(frame.window_ms),
        });
    }
    let Some(id) = frame.id.as_deref() else {
        return Incoming::Ignored;
    };
    match frame.kind.as_ref() {
        "command" => Incoming::Command {
            reply: command_reply(id, frame.body),
        },
        "published" | "error" => with_key(id, |key| Incoming::PublishAnswer {
            key,
            status: frame.status,
        }),
        "accepted" => with_key(id, |key| Incoming::TelemetryAnswer {
            key,
            ack: TelemetryAck::Accepted,
        }),
        "rejected" => with_key(id, |key| Incoming::TelemetryAnswer {
            key,
            ack: TelemetryAck::Rejected {
                reason: reason_label(frame.reason.as_deref()),
                retry: bounded_delay(frame.retry_ms),
            },
        }),
        _ => Incoming::Ignored,
    }
}

/// Returns the reply to command `id`: the command's own body.
fn command_reply(id: &str, body: Option<&RawValue>) -> Message {
    // The id is the server's, so that it is quoted as JSON again.
    let id = serde_json::Value::from(id);
    let body = body.map_or("null", RawValue::get);
    Message::text(format!(r#"{{"type":"reply","id":{id},"body":{body}}}"#))
}

/// Decodes an answer to a message or record of the device. An id that the device never
/// sent means nothing.
fn with_key<'f>(id: &str, answer: impl FnOnce(LoadItemKey) -> Incoming<'f>) -> Incoming<'f> {
    LoadItemKey::parse(id).map_or(Incoming::Ignored, answer)
}

fn bounded_delay(millis: u64) -> Duration {
    Duration::from_millis(millis).min(MAX_SERVER_DELAY)
}

/// Returns a node's reason as part of a counter's name. Anything but a short word is
/// `unknown`, because a server could otherwise fill the record with names.
fn reason_label(reason: Option<&str>) -> String {
    let in_word = |c: char| c.is_ascii_lowercase() || c == '_';
    let is_word =
        |text: &&str| (1..=REASON_LIMIT).contains(&text.len()) && text.chars().all(in_word);
    reason.filter(is_word).unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: LoadItemKey = LoadItemKey { load: 0, number: 7 };

    #[test]
    fn command_is_answered_with_its_own_body() {
        let text = r#"{"type":"command","id":"a\"1","name":"read","body":{"nonce":"7", "x":[1]}}"#;
        let reply = r#"{"type":"reply","id":"a\"1","body":{"nonce":"7", "x":[1]}}"#;
        let reply = Message::text(reply);
        assert_eq!(decode_text(text), Incoming::Command { reply });
    }

    #[test]
    fn published_message_is_answered_by_its_key() {
        let answer = |status| Incoming::PublishAnswer { key: KEY, status };
        let text = r#"{"type":"published","id":"0-7"}"#;
        assert_eq!(decode_text(text), answer(None));
        let text = r#"{"type":"error","id":"0-7","status":429,"error":"x","retry_ms":1000}"#;
        assert_eq!(decode_text(text), answer(Some(429)));
        let text = r#"{"type":"published","id":"other"}"#;
        assert_eq!(decode_text(text), Incoming::Ignored);
    }

    #[test]
    fn telemetry_answer_carries_reason_and_delay() {
        let answer = |ack| Incoming::TelemetryAnswer { key: KEY, ack };
        let rejected = |reason: &str| {
            answer(TelemetryAck::Rejected {
                reason: reason.to_owned(),
                retry: Duration::from_millis(500),
            })
        };
        for (text, expected) in [
            (
                r#"{"type":"accepted","id":"0-7"}"#,
                answer(TelemetryAck::Accepted),
            ),
            (
                r#"{"type":"rejected","id":"0-7","reason":"full","retry_ms":500}"#,
                rejected("full"),
            ),
            (
                r#"{"type":"rejected","id":"0-7","reason":"a, b","retry_ms":500}"#,
                rejected("unknown"),
            ),
        ] {
            assert_eq!(decode_text(text), expected, "{text}");
        }
    }

    #[test]
    fn goaway_advises_a_delay_of_an_hour_at_most() {
        let text = r#"{"type":"goaway","retry_ms":250,"window_ms":18446744073709551615}"#;
        let advice = ReconnectAdvice {
            retry: Duration::from_millis(250),
            window: MAX_SERVER_DELAY,
        };
        assert_eq!(decode_text(text), Incoming::GoAway(advice));
    }

    #[test]
    fn pong_confirms_subscriptions_or_answers_a_heartbeat() {
        let frames = Highwater.subscribe_frames(&["t".to_owned()]);
        let Some(Message::Ping(payload)) = frames.last() else {
            panic!("the last frame asks for the confirmation");
        };
        let pong = Message::Pong(payload.clone());
        assert_eq!(Highwater.decode(&pong), Incoming::SubscriptionsConfirmed);
        let pong = Message::Pong(7_u32.to_be_bytes().to_vec().into());
        assert_eq!(Highwater.decode(&pong), Incoming::HeartbeatAnswer(7));
    }

    #[test]
    fn message_to_a_topic_is_passed_on_whole() {
        let text = r#"{"type":"message","topic":"t","body":1}"#;
        let frame = Message::text(text);
        assert_eq!(Highwater.decode(&frame), Incoming::TopicMessage(text));
    }

    #[test]
    fn unknown_text_is_ignored() {
        for text in [
            "",
            "{",
            "[]",
            r#"{"type":"command"}"#,
            r#"{"type":"x","id":"0-7"}"#,
        ] {
            assert_eq!(decode_text(text), Incoming::Ignored, "{text}");
        }
    }

    #[test]
    fn reply_to_another_command_is_not_a_reply() {
        let body = br#"{"node":"n1","owner":"n2","body":{"nonce":"7"}}"#;
        let nodes = ReplyNodes {
            node: Some("n1".to_owned()),
            owner: Some("n2".to_owned()),
        };
        assert_eq!(Highwater.decode_reply(body, "7"), Some(nodes));
        assert_eq!(Highwater.decode_reply(body, "8"), None);
        assert_eq!(Highwater.decode_reply(b"oops", "7"), None);
    }
}
