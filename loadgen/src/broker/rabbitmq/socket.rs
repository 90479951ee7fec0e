//! The socket of a connection, with or without TLS.
//!
//! The client library takes a TCP socket, and its own TLS would bring thirty more crates. With
//! TLS it gets one end of a socket pair instead, whose other end is copied to and from the TLS
//! stream.

use std::{io, os::fd::OwnedFd, sync::Arc};

use lapin::uri::AMQPAuthority;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::copy_bidirectional,
    net::{TcpStream, UnixStream},
};
use tokio_rustls::TlsConnector;

/// Connects to a server, through TLS if there are settings for it.
pub(super) async fn connect(
    server: &AMQPAuthority,
    tls: Option<Arc<ClientConfig>>,
) -> io::Result<TcpStream> {
    let host = server.host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, server.port)).await?;
    let Some(tls) = tls else {
        return Ok(stream);
    };
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let mut stream = TlsConnector::from(tls).connect(name, stream).await?;
    let (mut inner, outer) = UnixStream::pair()?;
    tokio::spawn(async move {
        // An error ends both ends, and the client library finds its own closed.
        let _ = copy_bidirectional(&mut stream, &mut inner).await;
    });
    // The library reads, writes and shuts down, which every stream socket can do.
    let outer = OwnedFd::from(outer.into_std()?);
    TcpStream::from_std(outer.into())
}
