//! Frames as data: what a pool's sockets send, and what they make of received frames.
//!
//! The plan holds the texts as they were written; [`frames`](crate::frames) compiles them.

use std::time::Duration;

use highwater_types::duration;
use serde::{Deserialize, Serialize};

use super::{MqttFrame, MqttMatch};

/// The frames of a pool's sockets besides WebSocket pings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolFrames {
    /// The text between several messages in one frame of the server.
    pub separator: Option<String>,
    /// The steps after the handshake; a socket counts as open when the last has come to its
    /// end.
    pub open: Vec<OpenStep>,
    /// The answers to frames of the server.
    pub answer: Vec<AnswerRule>,
    /// The heartbeat; `None` is a WebSocket ping.
    pub heartbeat: Option<HeartbeatFrames>,
    /// The frames that count as received messages.
    pub count_messages: Option<MatchSpec>,
    /// The frames before the close frame.
    pub close: Vec<FrameSpec>,
}

impl PoolFrames {
    /// Whether a frame or a test of the pool is a packet of MQTT.
    pub fn is_mqtt(&self) -> bool {
        let steps = self.open.iter();
        let (sent, expected) = match &self.heartbeat {
            Some(HeartbeatFrames::Send { send, expect }) => (Some(send), expect.as_ref()),
            Some(HeartbeatFrames::Watch(watch)) => (None, Some(watch)),
            None => (None, None),
        };
        let mut frames = steps
            .clone()
            .filter_map(|step| step.send.as_ref())
            .chain(self.answer.iter().map(|rule| &rule.send))
            .chain(&self.close)
            .chain(sent);
        let mut tests = steps
            .filter_map(|step| step.expect.as_ref())
            .chain(self.answer.iter().map(|rule| &rule.to))
            .chain(&self.count_messages)
            .chain(expected);
        frames.any(|frame| matches!(frame, FrameSpec::Mqtt(_)))
            || tests.any(|test| matches!(test, MatchSpec::Mqtt(_)))
    }
}

/// One step of the opening: a frame to send, a frame to wait for, or one after the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenStep {
    /// The frame to send first.
    pub send: Option<FrameSpec>,
    /// The frame to wait for; others before it are skipped.
    pub expect: Option<MatchSpec>,
    /// Most time to wait.
    #[serde(with = "duration::millis")]
    pub within: Duration,
    /// Values to take from the expected frame.
    #[serde(default)]
    pub take: Vec<TakeSpec>,
}

/// A frame of the server, and the frame that answers it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerRule {
    /// The frame of the server.
    pub to: MatchSpec,
    /// The answer.
    pub send: FrameSpec,
}

/// A heartbeat other than a WebSocket ping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeartbeatFrames {
    /// The socket sends, and the server answers.
    Send {
        /// The frame to send.
        send: FrameSpec,
        /// The answer; `None` for heartbeats without one, which count as sent alone.
        expect: Option<MatchSpec>,
    },
    /// The server sends, and the next frame is due within a period of the last.
    Watch(MatchSpec),
}

/// A frame to send, with placeholders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrameSpec {
    /// A text frame.
    Text(String),
    /// A binary frame, in hexadecimal.
    Hex(String),
    /// A binary frame with a packet of MQTT.
    Mqtt(MqttFrame),
}

/// A test on received frames, with placeholders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MatchSpec {
    /// The whole text.
    Text(String),
    /// The start of the text.
    Prefix(String),
    /// Values in JSON, by their places.
    Json(Vec<(String, JsonExpectation)>),
    /// All bytes, in hexadecimal.
    Hex(String),
    /// A regular expression.
    Regex(String),
    /// A packet of MQTT.
    Mqtt(MqttMatch),
}

impl MatchSpec {
    /// Whether an answer of this form tells which of several messages it answers.
    pub(crate) fn tells_messages_apart(&self) -> bool {
        const PLACES: [&str; 2] = ["{ref}", "{nonce}"];
        const GROUPS: [&str; 2] = ["<ref>", "<nonce>"];
        let has = |text: &str, marks: [&str; 2]| marks.iter().any(|mark| text.contains(mark));
        match self {
            Self::Text(text) | Self::Prefix(text) => has(text, PLACES),
            Self::Regex(text) => has(text, GROUPS),
            Self::Hex(_) => false,
            Self::Json(tests) => tests.iter().any(|(_, expected)| {
                matches!(expected, JsonExpectation::Text(text) if has(text, PLACES))
            }),
            Self::Mqtt(MqttMatch::Publish { topic, payload }) => {
                let mut texts = topic.iter().chain(payload);
                texts.any(|text| has(text, PLACES))
            }
            Self::Mqtt(MqttMatch::Connack | MqttMatch::Suback | MqttMatch::Pingresp) => false,
        }
    }
}

/// The value that is expected in a place of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum JsonExpectation {
    /// A whole number.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// A text with placeholders.
    Text(String),
}

/// A value to take from an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeSpec {
    /// The placeholder that the value gets.
    pub name: String,
    /// The value's place.
    pub from: TakeSource,
}

/// The place of a value in an answer: `json:/csrf`, `cookie:session`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TakeSource {
    /// A place in JSON.
    Json(String),
    /// The first group of a regular expression.
    Regex(String),
    /// A cookie that an HTTP response sets.
    Cookie(String),
    /// A header field of an HTTP response.
    Header(String),
}
