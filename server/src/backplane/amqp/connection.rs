//! One connection to RabbitMQ, which ends when it breaks.

use std::{
    io,
    net::Shutdown,
    ops::Deref,
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_compat::CompatExt;
use highwater_types::BrokerUrl;
use lapin::{
    AsyncTcpStream, Channel, Connection, ConnectionProperties,
    types::{AMQPValue, FieldTable},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Handle,
    time::{sleep, timeout},
};

use super::{error::connect_error, server::AmqpServer, socket};
use crate::{
    backplane::remote::{TransportError, TransportResult},
    net::broker_servers::BrokerServers,
};

/// The time for each step of connecting: the server's greeting, and the rest.
const TIMEOUT: Duration = Duration::from_secs(4);
/// The first bytes of a client: the protocol and its version, AMQP 0-9-1.
const PROTOCOL_HEADER: &[u8] = b"AMQP\x00\x00\x09\x01";
/// The time that the broker gets to confirm the end of a connection.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// The reply code of an end without a fault.
const SUCCESS: u16 = 200;

/// A connection. It ends soon after this is dropped, whatever the broker does.
pub(crate) struct AmqpConnection {
    connection: Connection,
    socket: Arc<SocketGuard>,
}

/// A second handle of a connection's socket. Dropping it ends the connection.
///
/// The client library waits for the broker's confirmation before it ends a connection. A
/// broker that is short of memory reads nothing from a connection that publishes, so it
/// confirms nothing. Until then the connection would keep its thread, its buffers and its
/// socket, and perhaps the membership table, which it was about to replace.
#[derive(Default)]
struct SocketGuard(OnceLock<std::net::TcpStream>);

impl AmqpConnection {
    /// Closes the connection in order.
    pub(super) async fn close_in_order(&self) -> lapin::Result<()> {
        self.connection.close(SUCCESS, "OK".into()).await
    }
}

impl Deref for AmqpConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for AmqpConnection {
    fn drop(&mut self) {
        let socket = Arc::clone(&self.socket);
        // The client library closes in order when `connection` is dropped, for which the
        // broker gets some time. Without a runtime the socket ends at once.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                sleep(CLOSE_TIMEOUT).await;
                drop(socket);
            });
        }
    }
}

impl SocketGuard {
    /// Duplicates the handle of a connected socket.
    fn set(&self, connected: &impl AsFd) -> io::Result<()> {
        let handle: OwnedFd = connected.as_fd().try_clone_to_owned()?;
        // It is set once, because a connection is never repaired.
        let _ = self.0.set(handle.into());
        Ok(())
    }
}

impl Drop for SocketGuard {
    fn drop(&mut self) {
        if let Some(socket) = self.0.get() {
            // It fails when the socket has ended already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// Waits for the server's first byte, on a connection of its own.
///
/// The client library starts a thread per connection, which waits without a limit. Against
/// a server that hangs, each attempt would leave a thread behind.
pub(super) async fn wait_for_greeting(server: &AmqpServer) -> TransportResult<()> {
    let greeting = async {
        let mut stream = socket::connect(server).await?;
        let sent = stream.write_all(PROTOCOL_HEADER).await;
        sent.map_err(TransportError::broken)?;
        let received = stream.read_u8().await;
        received.map(drop).map_err(TransportError::broken)
    };
    with_timeout(greeting).await?
}

/// Opens a connection, which the broker lists under `name`.
pub(super) async fn open(
    server: &Arc<AmqpServer>,
    name: String,
) -> TransportResult<AmqpConnection> {
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let socket = Arc::new(SocketGuard::default());
    // Weak: a caller that gives up drops the guard, and the socket ends with it.
    let guard = Arc::downgrade(&socket);
    let to = Arc::clone(server);
    let connecting = async {
        let runtime = lapin::runtime::default_runtime()?;
        Connection::connector(
            server.uri.clone(),
            runtime,
            async move |_, _| {
                let stream = socket::connect(&to).await.map_err(io::Error::other)?;
                match guard.upgrade() {
                    Some(socket) => socket.set(&stream)?,
                    None => return Err(io::Error::from(io::ErrorKind::ConnectionAborted).into()),
                }
                Ok(AsyncTcpStream::Plain(stream.compat()))
            },
            properties,
        )
        .await
    };
    let connected = with_timeout(connecting).await?;
    let connection = connected.map_err(|error| connect_error(&error))?;
    Ok(AmqpConnection { connection, socket })
}

/// Connects a client that is not a node, to the first server that accepts.
pub(crate) async fn open_to_any(
    servers: &BrokerServers,
    name: &str,
) -> Result<AmqpConnection, String> {
    let connect = async |server: BrokerUrl| -> TransportResult<AmqpConnection> {
        let server = Arc::new(AmqpServer::from_url(&server)?);
        wait_for_greeting(&server).await?;
        open(&server, name.to_owned()).await
    };
    let opened = servers.connect(connect).await;
    opened.map_err(|error| error.to_string())
}

/// Returns the arguments of a queue that drops its oldest messages beyond a number.
pub(super) fn queue_arguments(max_messages: u32) -> FieldTable {
    let mut arguments = FieldTable::default();
    for (key, value) in [
        ("x-queue-type", AMQPValue::LongString("classic".into())),
        ("x-max-length", AMQPValue::LongUInt(max_messages)),
        ("x-overflow", AMQPValue::LongString("drop-head".into())),
    ] {
        arguments.insert(key.into(), value);
    }
    arguments
}

/// Closes a channel in order. Unacknowledged deliveries return to their queue.
pub(super) async fn close_channel(channel: &Channel) -> lapin::Result<()> {
    channel.close(SUCCESS, "OK".into()).await
}

async fn with_timeout<T>(step: impl Future<Output = T>) -> TransportResult<T> {
    timeout(TIMEOUT, step).await.map_err(|_| {
        TransportError::Broken(format!("the broker did not answer within {TIMEOUT:?}"))
    })
}
