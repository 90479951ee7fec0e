//! A failed attempt to open a socket, with what the report shows of it.

use std::io;

use highwater_reports::record::FailureExample;

use super::connect_failure::ConnectFailure;
use crate::{access::http_proxy::TunnelError, worker::http::status_text};

/// A failed attempt to open a socket.
#[derive(Debug)]
pub struct ConnectError {
    /// The cause, which is counted.
    pub cause: ConnectFailure,
    /// The answer or the error.
    // Boxed: otherwise the future of every device holds room for it.
    pub example: Box<FailureExample>,
}

impl ConnectError {
    /// Creates the failure of an attempt that an error describes.
    pub(crate) fn new(cause: ConnectFailure, error: impl Into<String>) -> Self {
        Self::with_example(cause, FailureExample::of_error(error))
    }

    /// Creates the failure of an attempt with an answer.
    pub(crate) fn with_example(cause: ConnectFailure, example: FailureExample) -> Self {
        Self {
            cause,
            example: Box::new(example),
        }
    }

    /// Adds the address or the host that was asked, unless it is known.
    pub(super) fn at(mut self, address: impl Into<String>) -> Self {
        self.example.address.get_or_insert_with(|| address.into());
        self
    }

    /// Creates the failure of a TLS handshake.
    pub(super) fn from_tls(error: io::Error) -> Self {
        Self::new(ConnectFailure::from_tls(&error), error.to_string())
    }

    /// Creates the failure to open a tunnel through a proxy.
    pub(super) fn from_tunnel(error: TunnelError) -> Self {
        let cause = ConnectFailure::from(&error);
        match error {
            TunnelError::Rejected(status) => {
                let example = FailureExample {
                    status: Some(status_text(status, "")),
                    ..FailureExample::default()
                };
                Self::with_example(cause, example)
            }
            other => Self::new(cause, other.to_string()),
        }
    }
}

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> Self {
        let cause = ConnectFailure::from(&error);
        match cause {
            // The kind says the same in words.
            ConnectFailure::Refused
            | ConnectFailure::NoEphemeralPort
            | ConnectFailure::NoFileDescriptor => {
                Self::with_example(cause, FailureExample::default())
            }
            _ => Self::new(cause, error.to_string()),
        }
    }
}
