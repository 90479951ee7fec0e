//! The ways in which an open socket is lost.

use highwater_reports::record::FailureExample;
use tokio_tungstenite::tungstenite::{Error, error::ProtocolError, protocol::CloseFrame};

use super::compression::inflater::is_invalid_deflate;

/// The loss of an open socket.
#[derive(Debug, PartialEq, Eq)]
pub struct Disconnect {
    /// The cause, which is counted.
    pub kind: DisconnectKind,
    /// The server's reason or the error.
    // Boxed: otherwise the future of every device holds room for it.
    pub example: Option<Box<FailureExample>>,
}

/// The cause of a lost socket: the KIND of `disconnect.KIND`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisconnectKind {
    /// The server sent a close frame with this code.
    Closed(u16),
    /// The connection broke without a close frame.
    Reset,
    /// The server broke the protocol.
    Protocol,
    /// The server sent an ERROR of STOMP.
    StompError,
    /// The server sent bytes that are not STOMP.
    StompProtocol,
    /// A message was larger than the pool's `max_message`: a limit of the harness.
    MessageTooLarge,
    /// The client closed it after too many missed heartbeats.
    HeartbeatsMissed,
}

impl Disconnect {
    /// Creates the loss of a socket by a close frame. One without a code counts as 1005 (RFC
    /// 6455, section 7.1.5).
    pub(super) fn closed(code: u16, frame: Option<CloseFrame>) -> Self {
        let reason = frame.map(|frame| frame.reason.as_str().to_owned());
        let example = reason.map(|reason| FailureExample {
            close_reason: Some(reason),
            ..FailureExample::default()
        });
        Self {
            kind: DisconnectKind::Closed(code),
            example: example.map(Box::new),
        }
    }

    /// Creates the loss of a socket that an error describes.
    pub(super) fn with_error(kind: DisconnectKind, error: impl Into<String>) -> Self {
        Self {
            kind,
            example: Some(Box::new(FailureExample::of_error(error))),
        }
    }
}

impl DisconnectKind {
    /// Returns the KIND of `disconnect.KIND`.
    pub fn kind(self) -> String {
        match self {
            Self::Closed(code) => format!("closed_{code}"),
            Self::Reset => "reset".to_owned(),
            Self::Protocol => "protocol".to_owned(),
            Self::StompError => "stomp_error".to_owned(),
            Self::StompProtocol => "stomp_protocol".to_owned(),
            Self::MessageTooLarge => "message_too_large".to_owned(),
            Self::HeartbeatsMissed => "gave_up".to_owned(),
        }
    }
}

impl From<DisconnectKind> for Disconnect {
    fn from(kind: DisconnectKind) -> Self {
        Self {
            kind,
            example: None,
        }
    }
}

impl From<&Error> for Disconnect {
    fn from(error: &Error) -> Self {
        let kind = match error {
            // tungstenite calls a TCP connection that ends without a close frame an error of
            // the protocol.
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                return DisconnectKind::Reset.into();
            }
            Error::Capacity(_) => DisconnectKind::MessageTooLarge,
            Error::Protocol(_) | Error::Utf8(_) => DisconnectKind::Protocol,
            Error::Io(error) if is_invalid_deflate(error) => DisconnectKind::Protocol,
            _ => DisconnectKind::Reset,
        };
        Self::with_error(kind, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_frame_keeps_its_reason() {
        let frame = CloseFrame {
            code: 4008.into(),
            reason: "kicked".into(),
        };
        let closed = Disconnect::closed(4008, Some(frame));
        assert_eq!(closed.kind.kind(), "closed_4008");
        let example = closed.example.unwrap();
        assert_eq!(example.close_reason.as_deref(), Some("kicked"));
        assert_eq!(Disconnect::closed(1005, None).example, None);
    }

    #[test]
    fn error_keeps_its_words() {
        let broken = Error::Protocol(ProtocolError::UnmaskedFrameFromClient);
        let lost = Disconnect::from(&broken);
        assert_eq!(lost.kind, DisconnectKind::Protocol);
        assert!(lost.example.unwrap().error.is_some());
        let ended = Error::Protocol(ProtocolError::ResetWithoutClosingHandshake);
        assert_eq!(Disconnect::from(&ended), DisconnectKind::Reset.into());
    }
}
