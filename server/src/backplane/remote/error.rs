//! The error of a transport.

use std::fmt::Display;

/// The result of a call to a broker.
pub(in crate::backplane) type TransportResult<T> = Result<T, TransportError>;

/// A reason why a broker did not do what a transport asked. It ends the connection,
/// except where the caller says otherwise.
#[derive(Debug, Clone, thiserror::Error)]
pub(in crate::backplane) enum TransportError {
    /// The connection broke, or the broker refused. Another connection may succeed.
    #[error("{0}")]
    Broken(String),
    /// The broker lacks something that it must have. Only an operator can change that.
    ///
    /// A member whose change of the membership table fails like this stays connected: it
    /// tries the change again later.
    #[error("{what}; hint: {hint}")]
    Unsuitable { what: String, hint: &'static str },
}

impl TransportError {
    /// Creates the error of a connection that broke for this cause.
    pub(in crate::backplane) fn broken(cause: impl Display) -> Self {
        Self::Broken(cause.to_string())
    }
}
