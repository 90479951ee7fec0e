//! The meaning of the client library's errors and events.

use std::fmt::{Debug, Display};

use async_nats::{ConnectError, ConnectErrorKind, Event, ServerError, error::Error};

use crate::{
    backplane::remote::TransportError,
    net::tls::{REJECTED_CERTIFICATE_HINT, is_rejected_certificate},
};

/// A call of a connection that was made.
impl<K: Clone + Debug + Display + PartialEq> From<Error<K>> for TransportError {
    fn from(error: Error<K>) -> Self {
        Self::broken(error)
    }
}

/// Returns the reason for which a connection was not made.
pub(super) fn connect_error(error: &ConnectError) -> TransportError {
    let what = error.to_string();
    match error.kind() {
        ConnectErrorKind::AuthorizationViolation => TransportError::Unsuitable {
            what,
            hint: "give the user in the URL: nats://USER:PASSWORD@HOST:PORT, \
                   or nats://TOKEN@HOST:PORT",
        },
        ConnectErrorKind::Tls | ConnectErrorKind::Io if is_rejected_certificate(error) => {
            TransportError::Unsuitable {
                what,
                hint: REJECTED_CERTIFICATE_HINT,
            }
        }
        _ => TransportError::Broken(what),
    }
}

/// Returns the reason for which an event ends the connection, if it does.
pub(super) fn disconnect_error(event: Event) -> Option<TransportError> {
    match event {
        Event::Disconnected | Event::Closed => Some(TransportError::broken("the connection broke")),
        Event::SlowConsumer(_) => Some(TransportError::broken("this node reads too slowly")),
        Event::ServerError(error) => Some(server_error(&error)),
        // A server in lame duck mode disconnects its clients itself when it ends.
        Event::Connected | Event::LameDuckMode | Event::Draining | Event::ClientError(_) => None,
    }
}

fn server_error(error: &ServerError) -> TransportError {
    let what = error.to_string();
    // The server has no code for it, only this text.
    if what.to_lowercase().contains("permissions violation") {
        return TransportError::Unsuitable {
            what,
            hint: "allow the user to publish and subscribe to \"highwater.>\", \
                   \"_INBOX.>\", \"$JS.API.>\" and \"$KV.>\"",
        };
    }
    TransportError::Broken(what)
}
