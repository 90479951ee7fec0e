//! Packets of MQTT 3.1.1, to send and to wait for.

use std::time::Duration;

use highwater_types::duration;
use serde::{Deserialize, Serialize};

/// A packet to send, with placeholders in its texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MqttFrame {
    /// The request to connect, with a clean session.
    Connect {
        /// The client id.
        client: String,
        /// The user's name; none is sent where it is empty.
        username: String,
        /// The user's password.
        password: String,
        /// Longest silence of the client after which the server may close the socket.
        #[serde(with = "duration::millis")]
        keep_alive: Duration,
    },
    /// The request for a subscription, with quality of service 0.
    Subscribe {
        /// The topic filter.
        topic: String,
    },
    /// A message, with quality of service 0.
    Publish {
        /// The topic.
        topic: String,
        /// The payload.
        payload: String,
    },
    /// The heartbeat.
    Pingreq,
    /// The end of the session.
    Disconnect,
}

/// A test on received packets, with placeholders in its texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MqttMatch {
    /// The connection is accepted.
    Connack,
    /// The subscription is accepted.
    Suback,
    /// The answer to a heartbeat.
    Pingresp,
    /// A message.
    Publish {
        /// The topic; `None` for any.
        topic: Option<String>,
        /// The payload; `None` for any.
        payload: Option<String>,
    },
}
