//! The end of a session: an ERROR frame with the reason, and then a close.

use highwater_stomp::{Command, DecodeError, Frame, InvalidHeader, header};

use crate::{cluster::fan_out::PublishError, net::ws::close::CloseReason};

/// The longest text of an ERROR.
const MAX_TEXT_BYTES: usize = 512;

/// A reason that ends a session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct StompError {
    /// The text for the client.
    message: String,
    /// The close that follows.
    pub(super) close: CloseReason,
}

impl StompError {
    pub(super) fn new(close: CloseReason, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            close,
        }
    }

    /// The client asks for more than it may.
    pub(super) fn limit(message: impl Into<String>) -> Self {
        Self::new(CloseReason::Policy, message)
    }

    /// A frame has a form that the node does not accept.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(CloseReason::BadPayload, message)
    }

    /// The cluster cannot do now what the client asks for.
    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(CloseReason::BrokerLost, message)
    }

    /// Returns the frame for the client. `receipt` is that of the frame that caused the error.
    pub(super) fn to_frame(&self, receipt: Option<&str>) -> Frame {
        let mut text = self.message.as_str();
        if let Some((end, _)) = text.char_indices().find(|(at, _)| *at >= MAX_TEXT_BYTES) {
            text = &text[..end];
        }
        // Without control characters, so that every version has a form for it.
        let line: String = text.chars().filter(|c| !c.is_control()).collect();
        let mut frame = Frame::new(Command::Error).with(header::MESSAGE, &line);
        if let Some(receipt) = receipt {
            frame = frame.with(header::RECEIPT_ID, receipt);
        }
        frame
    }
}

impl From<InvalidHeader> for StompError {
    fn from(invalid: InvalidHeader) -> Self {
        Self::invalid(invalid.to_string())
    }
}

impl From<DecodeError> for StompError {
    fn from(error: DecodeError) -> Self {
        let close = match error {
            DecodeError::HeadTooLong { .. }
            | DecodeError::TooManyHeaders { .. }
            | DecodeError::BodyTooLong { .. } => CloseReason::TooBig,
            _ => CloseReason::BadPayload,
        };
        Self::new(close, error.to_string())
    }
}

impl From<PublishError> for StompError {
    fn from(error: PublishError) -> Self {
        Self::unavailable(error.to_string())
    }
}
