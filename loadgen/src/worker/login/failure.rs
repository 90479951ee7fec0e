//! The ways in which a login fails.

use std::borrow::Cow;

use highwater_reports::record::FailureExample;

/// A failed login, with what the report shows of it.
#[derive(Debug)]
pub struct LoginError {
    /// The cause, which is counted.
    pub cause: LoginFailure,
    /// The answer or the error, without the body.
    // Boxed: otherwise the future of every device holds room for it.
    pub example: Box<FailureExample>,
}

impl From<LoginFailure> for LoginError {
    fn from(cause: LoginFailure) -> Self {
        Self {
            cause,
            example: Box::default(),
        }
    }
}

/// The cause of a failed login: the KIND of `login.failed.KIND`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginFailure {
    /// Another status than the expected one.
    Status(u16),
    /// The whole answer took longer than the login's `timeout`.
    Timeout,
    /// No connection, or a broken one.
    Connection,
    /// A value to take is not in the answer, is empty, or is too long.
    NoValue,
    /// A value of the device cannot be sent in a header field.
    InvalidValue,
}

impl LoginFailure {
    /// Returns the KIND of `login.failed.KIND`.
    pub fn kind(self) -> Cow<'static, str> {
        match self {
            Self::Status(status) => format!("status_{status}").into(),
            Self::Timeout => "timeout".into(),
            Self::Connection => "connection".into(),
            Self::NoValue => "no_value".into(),
            Self::InvalidValue => "invalid_value".into(),
        }
    }
}
