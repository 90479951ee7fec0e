//! The socket of a connection, with or without TLS.
//!
//! The client library takes a TCP socket. Its own TLS would bring thirty more crates, for
//! files of client keys, which have no use here. With TLS it gets one end of a socket pair
//! instead. A task copies between the other end and the TLS stream, which costs one copy
//! more.

use std::{io, os::fd::OwnedFd, sync::Arc};

use tokio::{
    io::copy_bidirectional,
    net::{TcpStream, UnixStream},
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, pki_types::ServerName},
};

use super::server::AmqpServer;
use crate::{
    backplane::remote::{TransportError, TransportResult},
    net::tls::{REJECTED_CERTIFICATE_HINT, is_rejected_certificate},
};

/// Connects to a server, through TLS if the URL asks for it.
pub(super) async fn connect(server: &AmqpServer) -> TransportResult<TcpStream> {
    let stream = connect_plain(server).await;
    let stream = stream.map_err(TransportError::broken)?;
    let Some(tls) = &server.tls else {
        return Ok(stream);
    };
    let stream = handshake(tls, server.host(), stream).await?;
    through_pair(stream).map_err(TransportError::broken)
}

async fn connect_plain(server: &AmqpServer) -> io::Result<TcpStream> {
    let authority = &server.uri.authority;
    let stream = TcpStream::connect((server.host(), authority.port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn handshake(
    tls: &Arc<ClientConfig>,
    host: &str,
    stream: TcpStream,
) -> TransportResult<TlsStream<TcpStream>> {
    let name = ServerName::try_from(host.to_owned()).map_err(TransportError::broken)?;
    let handshake = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
    handshake
        .await
        .map_err(|error| match is_rejected_certificate(&error) {
            true => TransportError::Unsuitable {
                what: error.to_string(),
                hint: REJECTED_CERTIFICATE_HINT,
            },
            false => TransportError::broken(error),
        })
}

/// Returns one end of a pair, whose other end is copied to and from the TLS stream. Each end
/// ends with the other one.
fn through_pair(mut stream: TlsStream<TcpStream>) -> io::Result<TcpStream> {
    let (mut inner, outer) = UnixStream::pair()?;
    tokio::spawn(async move {
        // An error ends both ends, and the client library finds its own closed.
        let _ = copy_bidirectional(&mut stream, &mut inner).await;
    });
    // The library reads, writes and shuts down, which every stream socket can do.
    let outer = OwnedFd::from(outer.into_std()?);
    TcpStream::from_std(outer.into())
}
