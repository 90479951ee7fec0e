//! The meanings of frames that a device receives.

use std::time::Duration;

use tokio_tungstenite::tungstenite::Message;

use crate::keys::LoadItemKey;

/// Longest delay that a server may ask for. A longer one is cut to it: a broken server
/// must not take devices out of the run for good.
pub const MAX_SERVER_DELAY: Duration = Duration::from_secs(3_600);

/// The meaning of a frame that a device received.
#[derive(Debug, PartialEq)]
pub enum Incoming<'f> {
    /// The answer to the heartbeat of this number.
    HeartbeatAnswer(u32),
    /// The node has the device's subscriptions.
    SubscriptionsConfirmed,
    /// A message to a topic; the text carries the publisher's stamp somewhere.
    TopicMessage(&'f str),
    /// A command that the device answers with this frame.
    Command {
        /// The reply.
        reply: Message,
    },
    /// The node is about to close the socket.
    GoAway(ReconnectAdvice),
    /// The answer to a message that the device published.
    PublishAnswer {
        /// Key of the message.
        key: LoadItemKey,
        /// Status of an error; `None` if the message was accepted.
        status: Option<u16>,
    },
    /// The answer to a telemetry record that the device sent.
    TelemetryAnswer {
        /// Key of the record.
        key: LoadItemKey,
        /// Whether the system has the record.
        ack: TelemetryAck,
    },
    /// A frame without meaning for the device.
    Ignored,
}

/// A node's advice when to reconnect: after `retry` and a random part of `window`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconnectAdvice {
    /// Shortest delay.
    pub retry: Duration,
    /// Longest random delay on top of it, which spreads the devices of the node.
    pub window: Duration,
}

/// A node's answer to a telemetry record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TelemetryAck {
    /// The queue has the record.
    Accepted,
    /// The device keeps the record and sends it again.
    Rejected {
        /// The node's reason, as one word.
        reason: String,
        /// Delay before the device sends the record again.
        retry: Duration,
    },
}

impl Incoming<'_> {
    /// Decodes the payload of a pong; a heartbeat's has four bytes.
    pub fn from_pong(payload: &[u8]) -> Self {
        // RFC 6455, section 5.5.3, allows a pong that answers no ping.
        match payload.try_into() {
            Ok(number) => Self::HeartbeatAnswer(u32::from_be_bytes(number)),
            Err(_) => Self::Ignored,
        }
    }
}
