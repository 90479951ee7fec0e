//! One connection to RabbitMQ, which ends when it breaks.

use std::{io, ops::Deref, sync::Arc, time::Duration};

use highwater_types::BrokerUrl;
use lapin::{
    AsyncTcpStream, Channel, Connection, ConnectionProperties, tcp::AMQPUriTcpExt, uri::AMQPUri,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Handle,
    time::{sleep, timeout},
};

use super::{error::connect_error, server::uri, socket::SocketGuard};
use crate::backplane::remote::TransportError;

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

/// Waits for the server's first byte, on a connection of its own.
///
/// The client library starts a thread per connection, which waits without a limit. Against
/// a server that hangs, each attempt would leave a thread behind.
pub(super) async fn wait_for_greeting(uri: &AMQPUri) -> Result<(), TransportError> {
    let address = (uri.authority.host.as_str(), uri.authority.port);
    let greeting = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(PROTOCOL_HEADER).await?;
        stream.read_u8().await
    };
    with_timeout(async { greeting.await.map_err(TransportError::broken) })
        .await
        .map(drop)
}

/// Opens a connection, which the broker lists under `name`.
pub(super) async fn open(uri: &AMQPUri, name: String) -> Result<AmqpConnection, TransportError> {
    let socket = Arc::new(SocketGuard::default());
    let connection = with_timeout(async {
        let connected = connect(uri.clone(), name, &socket).await;
        connected.map_err(|error| connect_error(&error))
    });
    Ok(AmqpConnection {
        connection: connection.await?,
        socket,
    })
}

async fn connect(
    uri: AMQPUri,
    name: String,
    socket: &Arc<SocketGuard>,
) -> lapin::Result<Connection> {
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let runtime = lapin::runtime::default_runtime()?;
    // Weak: a caller that gives up drops the guard, and the socket ends with it.
    let guard = Arc::downgrade(socket);
    Connection::connector(
        uri,
        runtime,
        async move |uri, runtime| {
            let stream = uri.connect_async(&runtime).await?;
            match (&stream, guard.upgrade()) {
                (AsyncTcpStream::Plain(tcp), Some(socket)) => socket.set(tcp.get_ref())?,
                _ => return Err(io::Error::from(io::ErrorKind::ConnectionAborted).into()),
            }
            Ok(stream)
        },
        properties,
    )
    .await
}

/// Connects a client that is not a node, by the URL of the backplane.
pub(crate) async fn open_by_url(url: &BrokerUrl, name: &str) -> Result<AmqpConnection, String> {
    let opened = async {
        let uri = uri(url)?;
        wait_for_greeting(&uri).await?;
        open(&uri, name.to_owned()).await
    };
    opened
        .await
        .map_err(|error: TransportError| error.to_string())
}

/// Closes a channel in order. Unacknowledged deliveries return to their queue.
pub(super) async fn close_channel(channel: &Channel) -> lapin::Result<()> {
    channel.close(SUCCESS, "OK".into()).await
}

async fn with_timeout<T>(
    step: impl Future<Output = Result<T, TransportError>>,
) -> Result<T, TransportError> {
    match timeout(TIMEOUT, step).await {
        Ok(outcome) => outcome,
        Err(_) => Err(TransportError::Broken(format!(
            "the broker did not answer within {TIMEOUT:?}"
        ))),
    }
}
