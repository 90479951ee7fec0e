//! One connection to a NATS server, which ends when it breaks.
//!
//! The client library reconnects by itself and subscribes again, so that what was
//! sent meanwhile is missing and nobody is told. Its attempts are made to fail: it
//! asks for the credentials at each, and gets them only until it has connected.

use std::{
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use async_nats::{
    Auth, AuthError, Client, ConnectError, ConnectErrorKind, ConnectOptions, Event,
    RequestErrorKind, ServerError,
};
use bytes::Bytes;
use highwater_types::BrokerUrl;

use super::{server::NatsServer, subjects::Subjects};
use crate::backplane::remote::{InboundSender, Inbox, TransportError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);
/// A server that is silent for three of these is taken for gone.
const PING_INTERVAL: Duration = Duration::from_secs(2);
/// Read at once. A worker reads on until the socket is empty or its turn is over
/// (128 reads), and only then the listeners run: what fits in between must fit into
/// a subscription's buffer, which is why this is small and that is large.
const READ_BUFFER_BYTES: u16 = 16 * 1024;
/// Messages that may wait for a listener's turn.
const SUBSCRIPTION_CAPACITY: usize = 65_536;
/// Commands that may wait for the connection; publishing waits beyond that.
const COMMAND_CAPACITY: usize = 2048;

/// Connects. From then on the end of the connection, whatever its reason, is told
/// to `arrivals`.
pub(super) async fn connect(
    server: NatsServer,
    me: &Inbox,
    arrivals: &InboundSender,
) -> Result<Client, TransportError> {
    let connected = Arc::new(AtomicBool::new(false));
    let told = arrivals.clone();
    let client = with_credentials_until(Arc::clone(&connected), server.auth)
        .event_callback(move |event| {
            if let Some(end) = disconnect_error(event) {
                told.close(end);
            }
            ready(())
        })
        .name(me.to_string())
        .connection_timeout(CONNECT_TIMEOUT)
        .request_timeout(Some(REQUEST_TIMEOUT))
        .ping_interval(PING_INTERVAL)
        .read_buffer_capacity(READ_BUFFER_BYTES)
        .subscription_capacity(SUBSCRIPTION_CAPACITY)
        .client_capacity(COMMAND_CAPACITY)
        .ignore_discovered_servers()
        // 0 would mean: without end.
        .max_reconnects(1)
        // Names are checked when they are made.
        .skip_subject_validation(true)
        .connect(server.address)
        .await
        .map_err(|error| connect_error(&error))?;
    connected.store(true, SeqCst);
    Ok(client)
}

/// The same for one who is no node, by the backplane's URL.
pub(crate) async fn connect_by_url(url: &BrokerUrl, name: &str) -> Result<Client, String> {
    let connected = Arc::new(AtomicBool::new(false));
    let server = NatsServer::from_url(url).map_err(|error| error.to_string())?;
    let client = with_credentials_until(Arc::clone(&connected), server.auth)
        .name(name)
        .connection_timeout(CONNECT_TIMEOUT)
        .request_timeout(Some(REQUEST_TIMEOUT))
        .ping_interval(PING_INTERVAL)
        .ignore_discovered_servers()
        .max_reconnects(1)
        .connect(server.address)
        .await
        .map_err(|error| connect_error(&error).to_string())?;
    connected.store(true, SeqCst);
    Ok(client)
}

/// Waits until the server has read what was sent before: it is the server that
/// answers a request to which nobody listens.
pub(super) async fn round_trip(client: &Client, subjects: &Subjects) -> Result<(), TransportError> {
    match client.request(subjects.no_responder(), Bytes::new()).await {
        Err(error) if error.kind() != RequestErrorKind::NoResponders => Err(broken(error)),
        _ => Ok(()),
    }
}

/// Any error after which nothing is left but to connect anew.
pub(super) fn broken(error: impl std::fmt::Display) -> TransportError {
    TransportError::Broken(error.to_string())
}

fn with_credentials_until(connected: Arc<AtomicBool>, auth: Auth) -> ConnectOptions {
    ConnectOptions::with_auth_callback(move |_nonce| {
        ready(if connected.load(SeqCst) {
            Err(AuthError::new("a connection is not mended"))
        } else {
            Ok(auth.clone())
        })
    })
}

/// What an event means for the connection, if it ends it.
fn disconnect_error(event: Event) -> Option<TransportError> {
    match event {
        Event::Disconnected | Event::Closed => Some(broken("the connection broke")),
        Event::SlowConsumer(_) => Some(broken("this node reads too slowly")),
        Event::ServerError(error) => Some(server_error(&error)),
        // A server that announces its end (lame duck) disconnects its clients itself.
        Event::Connected | Event::LameDuckMode | Event::Draining | Event::ClientError(_) => None,
    }
}

fn server_error(error: &ServerError) -> TransportError {
    let what = error.to_string();
    if what.to_lowercase().contains("permissions violation") {
        return TransportError::Unsuitable {
            what,
            hint: "the user must be allowed to publish and subscribe to \"highwater.>\", \
                   \"_INBOX.>\", \"$JS.API.>\" and \"$KV.>\"",
        };
    }
    broken(what)
}

fn connect_error(error: &ConnectError) -> TransportError {
    let what = error.to_string();
    match error.kind() {
        ConnectErrorKind::AuthorizationViolation => TransportError::Unsuitable {
            what,
            hint: "give the user in the URL: nats://USER:PASSWORD@HOST:PORT, \
                   or nats://TOKEN@HOST:PORT",
        },
        ConnectErrorKind::Tls => TransportError::Unsuitable {
            what,
            hint: "the server's certificate must be signed by an authority that this \
                   machine trusts",
        },
        _ => TransportError::Broken(what),
    }
}
