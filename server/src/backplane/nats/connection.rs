//! One connection to a NATS server, which ends when it breaks.
//!
//! The client library reconnects and subscribes again by itself, so that frames in between
//! are lost without notice. Its attempts are made to fail: it asks for the credentials at
//! each one, and gets them only until it has connected.

use std::{
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use async_nats::{AuthError, Client, ConnectOptions, RequestErrorKind, Subject};
use bytes::Bytes;
use futures_util::StreamExt;
use highwater_types::{BrokerKind, BrokerUrl, ServerAddress};
use tokio_util::task::AbortOnDropHandle;

use super::{
    error::{connect_error, disconnect_error},
    fragments::reassemble,
    server::NatsServer,
    subjects::Subjects,
};
use crate::{
    backplane::remote::{
        InboundFrame, InboundSender, Inbox, TransportResult, fragments::Reassembler,
    },
    net::{broker_servers::BrokerServers, tls::install_ring_provider},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);
/// The interval of pings. The client library gives a server up that is silent for three.
const PING_INTERVAL: Duration = Duration::from_secs(2);
/// The bytes of one read.
///
/// The client's task reads until the socket is empty or its turn ends (128 reads); only
/// then the subscriptions' tasks run. What is read in between must fit into a
/// subscription's buffer, so this is small and that is large.
const READ_BUFFER_BYTES: u16 = 16 * 1024;
/// The messages that may wait for a subscription's task.
const SUBSCRIPTION_CAPACITY: usize = 65_536;
/// The commands that may wait for the connection; publishing waits beyond that.
const COMMAND_CAPACITY: usize = 2048;

/// Connects a node. The end of the connection closes `inbound`, whatever its reason.
pub(super) async fn connect(
    server: NatsServer,
    inbox: &Inbox,
    inbound: &InboundSender,
) -> TransportResult<Client> {
    let inbound = inbound.clone();
    open(server, |options| {
        options
            .event_callback(move |event| {
                if let Some(reason) = disconnect_error(event) {
                    inbound.close(reason);
                }
                ready(())
            })
            .name(inbox.to_string())
            .read_buffer_capacity(READ_BUFFER_BYTES)
            .subscription_capacity(SUBSCRIPTION_CAPACITY)
            .client_capacity(COMMAND_CAPACITY)
            // Names are validated when they are made.
            .skip_subject_validation(true)
    })
    .await
}

/// Connects a client that is not a node, to the first server that accepts.
pub(crate) async fn connect_to_any(servers: &BrokerServers, name: &str) -> Result<Client, String> {
    let connect = async |server: BrokerUrl| -> TransportResult<Client> {
        let server = NatsServer::from_url(&server)?;
        open(server, |options| options.name(name)).await
    };
    let client = servers.connect(connect).await;
    let client = client.map_err(|error| error.to_string())?;
    servers.discover(named_servers(&client));
    Ok(client)
}

/// Returns the servers of a cluster that the server named when it greeted (`connect_urls`).
pub(super) fn named_servers(client: &Client) -> Vec<ServerAddress> {
    let urls = client.server_info().connect_urls;
    let port = BrokerKind::Nats.default_port();
    // Without those that are no addresses: the text comes from outside.
    urls.iter()
        .filter_map(|url| ServerAddress::parse_strict(url, port).ok())
        .collect()
}

async fn open(
    server: NatsServer,
    configure: impl FnOnce(ConnectOptions) -> ConnectOptions,
) -> TransportResult<Client> {
    let connected = Arc::new(AtomicBool::new(false));
    let gate = Arc::clone(&connected);
    let tls = server.tls_config()?;
    let auth = server.auth;
    let options = ConnectOptions::with_auth_callback(move |_nonce| {
        ready(match gate.load(SeqCst) {
            true => Err(AuthError::new("a broken connection is not repaired")),
            false => Ok(auth.clone()),
        })
    })
    .connection_timeout(CONNECT_TIMEOUT)
    .request_timeout(Some(REQUEST_TIMEOUT))
    .ping_interval(PING_INTERVAL)
    .ignore_discovered_servers()
    // One attempt, which fails. 0 would mean that attempts are unlimited.
    .max_reconnects(1);
    // For a server that requires TLS although the URL does not ask for it.
    install_ring_provider();
    let options = match tls {
        Some(tls) => options.require_tls(true).tls_client_config(tls),
        None => options,
    };
    let client = configure(options).connect(server.address).await;
    let client = client.map_err(|error| connect_error(&error))?;
    connected.store(true, SeqCst);
    Ok(client)
}

/// Waits until the server has read everything that was sent before.
///
/// The server itself answers a request that has no subscriber, in the order of sending.
pub(super) async fn round_trip(client: &Client, subjects: &Subjects) -> TransportResult<()> {
    match client.request(subjects.no_responder(), Bytes::new()).await {
        Err(error) if error.kind() != RequestErrorKind::NoResponders => Err(error.into()),
        _ => Ok(()),
    }
}

/// Subscribes to `subject` and pushes its messages to `inbound`, as `to_frame` converts
/// them. The subscription ends when the handle is dropped.
///
/// The server may not have the subscription when this returns; a round trip ensures it.
pub(super) async fn subscribe(
    client: &Client,
    subject: Subject,
    inbound: InboundSender,
    to_frame: impl Fn(Bytes) -> InboundFrame + Send + 'static,
) -> TransportResult<AbortOnDropHandle<()>> {
    let mut subscriber = client.subscribe(subject).await?;
    let task = tokio::spawn(async move {
        let mut reassembler = Reassembler::default();
        while let Some(message) = subscriber.next().await {
            if let Some(frame) = reassemble(&mut reassembler, message) {
                inbound.push(to_frame(frame));
            }
        }
    });
    Ok(AbortOnDropHandle::new(task))
}
