//! The causes of lost sockets.

use tokio_tungstenite::tungstenite::{Error, error::ProtocolError};

/// The cause of a lost socket: the KIND of `disconnect.KIND`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisconnectKind {
    /// The server sent a close frame with this code.
    Closed(u16),
    /// The connection broke without a close frame.
    Reset,
    /// The server broke the protocol.
    Protocol,
    /// A message was larger than the pool's `max_message`: a limit of the harness.
    MessageTooLarge,
    /// The client closed it after too many missed heartbeats.
    HeartbeatsMissed,
}

impl DisconnectKind {
    /// Returns the KIND of `disconnect.KIND`.
    pub fn kind(self) -> String {
        match self {
            Self::Closed(code) => format!("closed_{code}"),
            Self::Reset => "reset".to_owned(),
            Self::Protocol => "protocol".to_owned(),
            Self::MessageTooLarge => "message_too_large".to_owned(),
            Self::HeartbeatsMissed => "gave_up".to_owned(),
        }
    }
}

impl From<&Error> for DisconnectKind {
    fn from(error: &Error) -> Self {
        match error {
            // tungstenite calls a TCP connection that ends without a close frame an error of
            // the protocol.
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Reset,
            Error::Capacity(_) => Self::MessageTooLarge,
            Error::Protocol(_) | Error::Utf8(_) => Self::Protocol,
            _ => Self::Reset,
        }
    }
}
