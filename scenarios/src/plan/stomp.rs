//! STOMP: what opens a session, and what a pool's sessions subscribe to.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

/// The subprotocols of STOMP 1.2, 1.1 and 1.0, in the order in which devices offer them.
pub(crate) const STOMP_SUBPROTOCOLS: [&str; 3] = ["v12.stomp", "v11.stomp", "v10.stomp"];

/// The CONNECT frame of every session, with placeholders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StompSpec {
    /// The virtual host.
    pub host: String,
    /// The user's name; `None` sends none.
    pub login: Option<String>,
    /// The user's password; `None` sends none.
    pub passcode: Option<String>,
    /// The acknowledgement of messages to the topics of `[[publish]]`.
    pub ack: StompAck,
}

/// A subscription of each session of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StompSubscription {
    /// The destination, with placeholders.
    pub destination: String,
    /// The acknowledgement of its messages.
    pub ack: StompAck,
}

/// The acknowledgement of a subscription's messages.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum StompAck {
    /// The server takes a message as handled when it has sent it.
    #[default]
    Auto,
    /// The session acknowledges each message, and with it all messages before it.
    Client,
    /// The session acknowledges each message by itself.
    ClientIndividual,
}
