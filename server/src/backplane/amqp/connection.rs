//! One connection to RabbitMQ. The client library mends nothing unless asked to.

use std::time::Duration;

use lapin::{Connection, ConnectionProperties, uri::AMQPUri};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    error::{broken, refused},
    server::uri,
};
use crate::backplane::{ServerUrl, remote::CarrierError};

/// For each step: until the server greets, until the connection stands.
const TIMEOUT: Duration = Duration::from_secs(4);
/// What a client says first: the protocol and its version.
const GREETING: &[u8] = b"AMQP\x00\x00\x09\x01";

/// Waits for the server's first word, on a connection of its own. The client library
/// starts a thread for a connection and waits in it without end: against a server
/// that hangs, each attempt would leave a thread behind.
pub(super) async fn greet(uri: &AMQPUri) -> Result<(), CarrierError> {
    let place = (uri.authority.host.as_str(), uri.authority.port);
    within(async {
        let mut stream = TcpStream::connect(place).await.map_err(broken)?;
        stream.write_all(GREETING).await.map_err(broken)?;
        stream.read_u8().await.map_err(broken)
    })
    .await
    .map(drop)
}

/// Opens a connection, shown at the broker under `name`.
pub(super) async fn open(uri: &AMQPUri, name: String) -> Result<Connection, CarrierError> {
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    within(async {
        let connected = Connection::connect_uri(uri.clone(), properties).await;
        connected.map_err(|error| refused(&error))
    })
    .await
}

/// The same, greeting first, for one who is no node, by the backplane's URL.
pub(crate) async fn open_for(url: &ServerUrl, name: &str) -> Result<Connection, String> {
    let opened = async {
        let uri = uri(url)?;
        greet(&uri).await?;
        open(&uri, name.to_owned()).await
    };
    opened
        .await
        .map_err(|error: CarrierError| error.to_string())
}

async fn within<T>(step: impl Future<Output = Result<T, CarrierError>>) -> Result<T, CarrierError> {
    match timeout(TIMEOUT, step).await {
        Ok(done) => done,
        Err(_) => Err(broken("the broker does not answer")),
    }
}
