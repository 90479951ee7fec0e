//! One connection to RabbitMQ. The client library mends nothing unless asked to.

use std::{io, ops::Deref, sync::Arc, time::Duration};

use highwater_types::BrokerUrl;
use lapin::{AsyncTcpStream, Connection, ConnectionProperties, tcp::AMQPUriTcpExt, uri::AMQPUri};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Handle,
    time::{sleep, timeout},
};

use super::{
    error::{broken, connect_error},
    server::uri,
    socket::SocketGuard,
};
use crate::backplane::remote::TransportError;

/// For each step: until the server greets, until the connection stands.
const TIMEOUT: Duration = Duration::from_secs(4);
/// What a client says first: the protocol and its version.
const PROTOCOL_HEADER: &[u8] = b"AMQP\x00\x00\x09\x01";
/// How long the broker may take to agree to the end of a connection.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection that ends soon after this is dropped, in order or not.
pub(crate) struct AmqpConnection {
    connection: Connection,
    socket: Arc<SocketGuard>,
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
        // Without a runtime nothing is waited for.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                sleep(CLOSE_TIMEOUT).await;
                drop(socket);
            });
        }
    }
}

/// Waits for the server's first word, on a connection of its own. The client library
/// starts a thread for a connection and waits in it without end: against a server
/// that hangs, each attempt would leave a thread behind.
pub(super) async fn wait_for_greeting(uri: &AMQPUri) -> Result<(), TransportError> {
    let place = (uri.authority.host.as_str(), uri.authority.port);
    with_timeout(async {
        let mut stream = TcpStream::connect(place).await.map_err(broken)?;
        stream.write_all(PROTOCOL_HEADER).await.map_err(broken)?;
        stream.read_u8().await.map_err(broken)
    })
    .await
    .map(drop)
}

/// Opens a connection, shown at the broker under `name`.
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
    // Who gives up meanwhile ends it by letting go.
    let kept = Arc::downgrade(socket);
    Connection::connector(
        uri,
        runtime,
        async move |uri, runtime| {
            let stream = uri.connect_async(&runtime).await?;
            match (&stream, kept.upgrade()) {
                (AsyncTcpStream::Plain(tcp), Some(socket)) => socket.set(tcp.get_ref())?,
                _ => return Err(io::Error::from(io::ErrorKind::ConnectionAborted).into()),
            }
            Ok(stream)
        },
        properties,
    )
    .await
}

/// The same, greeting first, for one who is no node, by the backplane's URL.
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

async fn with_timeout<T>(
    step: impl Future<Output = Result<T, TransportError>>,
) -> Result<T, TransportError> {
    match timeout(TIMEOUT, step).await {
        Ok(done) => done,
        Err(_) => Err(broken("the broker does not answer")),
    }
}
