//! The meaning of the client library's errors.

use lapin::{
    ErrorKind,
    protocol::{AMQPError, AMQPErrorKind, AMQPHardError, AMQPSoftError},
};

use crate::backplane::remote::TransportError;

/// A call of a connection that was made. Its channel or connection ends with the error.
impl From<lapin::Error> for TransportError {
    fn from(error: lapin::Error) -> Self {
        Self::broken(error)
    }
}

/// Returns the reason for which a connection was not made.
pub(super) fn connect_error(error: &lapin::Error) -> TransportError {
    let what = error.to_string();
    // AMQP 0-9-1 has soft errors, which close a channel, and hard ones, which close the
    // connection. ACCESS_REFUSED is a soft one, but RabbitMQ refuses connections with it too.
    match protocol_error(error).map(AMQPError::kind) {
        Some(AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED)) => TransportError::Unsuitable {
            what,
            hint: "give user and password in the URL, amqp://USER:PASSWORD@HOST; \
                   guest is accepted from the broker's own machine only",
        },
        Some(AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED)) => TransportError::Unsuitable {
            what,
            hint: "create the virtual host of the URL and give the user access to it: \
                   rabbitmqctl add_vhost, rabbitmqctl set_permissions",
        },
        _ => TransportError::Broken(what),
    }
}

/// Whether the requested queue does not exist.
pub(super) fn is_not_found(error: &lapin::Error) -> bool {
    is_soft(error, &AMQPSoftError::NOTFOUND)
}

/// Whether the requested queue belongs to another connection.
pub(super) fn is_locked(error: &lapin::Error) -> bool {
    is_soft(error, &AMQPSoftError::RESOURCELOCKED)
}

fn is_soft(error: &lapin::Error, expected: &AMQPSoftError) -> bool {
    let kind = protocol_error(error).map(AMQPError::kind);
    matches!(kind, Some(AMQPErrorKind::Soft(found)) if found == expected)
}

fn protocol_error(error: &lapin::Error) -> Option<&AMQPError> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => Some(error),
        _ => None,
    }
}
