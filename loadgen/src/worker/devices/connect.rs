//! The connection of a device: name lookup, TCP, the proxy, TLS, and the WebSocket handshake.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use highwater_types::format;
use nix::sys::socket::{setsockopt, sockopt::IpBindAddressNoPort};
use rustls::pki_types::ServerName;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::sleep,
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::http::{Uri, uri::Authority};

use super::{
    connect_error::ConnectError,
    connect_failure::ConnectFailure,
    connect_request::ConnectRequest,
    upgrade::{DeviceConnection, OpenedSocket, websocket_handshake},
};
use crate::{
    access::{HttpProxy, resolver::spread_addresses, server_name::unbracketed},
    worker::source_address::PROPOSALS,
};

/// Time after which the next address is tried beside the one before (RFC 8305, section 8).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Opens a socket.
pub async fn connect(
    request: ConnectRequest<'_>,
    timeout: Duration,
) -> Result<OpenedSocket, ConnectError> {
    let uri: Uri = request
        .address
        .parse()
        .map_err(|_| ConnectError::new(ConnectFailure::Unreachable, "the address is not a URL"))?;
    let connected = tokio::time::timeout(timeout, connect_untimed(&uri, request)).await;
    connected.unwrap_or_else(|_| {
        let error = format!("no answer within {}", format::duration(timeout));
        let error = ConnectError::new(ConnectFailure::Timeout, error);
        Err(error.at(authority(&uri)))
    })
}

async fn connect_untimed(
    uri: &Uri,
    request: ConnectRequest<'_>,
) -> Result<OpenedSocket, ConnectError> {
    // An IPv6 address stands in brackets in a URI.
    let host = uri.host().unwrap_or_default();
    let secure = uri.scheme_str() == Some("wss");
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let options = request.client_options;
    let stream = match options.proxy() {
        None => connect_host(unbracketed(host), port, &request).await?,
        // Boxed: devices without a proxy do not hold what the tunnel needs.
        Some(proxy) => {
            let destination = format!("{host}:{port}");
            Box::pin(connect_through(proxy, &destination, &request)).await?
        }
    };
    let stream = if secure {
        // Boxed: plain sockets do not hold what the TLS handshake needs.
        let name = options.server_name(host);
        let secured = Box::pin(connect_tls(stream, name, options.tls())).await;
        secured.map_err(|error| error.at(authority(uri)))?
    } else {
        DeviceConnection::Left(stream)
    };
    websocket_handshake(stream, uri, &request).await
}

/// Connects to one of a host's addresses.
async fn connect_host(
    host: &str,
    port: u16,
    request: &ConnectRequest<'_>,
) -> Result<TcpStream, ConnectError> {
    let addresses = tokio::net::lookup_host((host, port)).await;
    let addresses = addresses
        .map_err(|error| ConnectError::new(ConnectFailure::Dns, error.to_string()).at(host))?;
    let addresses = spread_addresses(addresses, request.device_number);
    match addresses[..] {
        // As most names have: an attempt beside it needs no timer and no list.
        [only] => dial(only, request).await,
        _ => connect_any(addresses, request).await,
    }
}

/// Connects to a proxy, and through it to `destination`, whose name the proxy looks up.
async fn connect_through(
    proxy: &HttpProxy,
    destination: &str,
    request: &ConnectRequest<'_>,
) -> Result<TcpStream, ConnectError> {
    let invalid = || {
        let error = "the proxy's address has no host and port";
        ConnectError::new(ConnectFailure::Unreachable, error)
    };
    let authority: Authority = proxy.authority.parse().map_err(|_| invalid())?;
    let port = authority.port_u16().ok_or_else(invalid)?;
    let mut stream = connect_host(unbracketed(authority.host()), port, request).await?;
    let opened = proxy.open_tunnel(&mut stream, destination).await;
    opened.map_err(|error| ConnectError::from_tunnel(error).at(authority.as_str()))?;
    Ok(stream)
}

/// Returns host and port, without the path and the query, which may hold a secret.
fn authority(uri: &Uri) -> &str {
    uri.authority().map_or("", |authority| authority.as_str())
}

async fn connect_tls(
    stream: TcpStream,
    server_name: &str,
    tls: &TlsConnector,
) -> Result<DeviceConnection, ConnectError> {
    let name = ServerName::try_from(server_name.to_owned())
        .map_err(|error| ConnectError::new(ConnectFailure::Tls, error.to_string()))?;
    let stream = tls.connect(name, stream).await;
    let stream = stream.map_err(ConnectError::from_tls)?;
    Ok(DeviceConnection::Right(Box::new(stream)))
}

/// Connects to the first of a name's addresses that accepts a connection: a server may
/// listen on one of them alone, as many do on `localhost`.
///
/// A next attempt begins when the last one has failed or has taken [`ATTEMPT_DELAY`]
/// (RFC 8305, section 5), so that an address that drops packets costs a moment.
async fn connect_any(
    addresses: Vec<SocketAddr>,
    request: &ConnectRequest<'_>,
) -> Result<TcpStream, ConnectError> {
    let mut untried = addresses.into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut failure: Option<ConnectError> = None;
    loop {
        if let Some(address) = untried.next() {
            attempts.push(dial(address, request));
        }
        let has_next = untried.len() > 0;
        let dialed = tokio::select! {
            dialed = attempts.next() => dialed,
            () = sleep(ATTEMPT_DELAY), if has_next => continue,
        };
        let Some(dialed) = dialed else {
            let none = ConnectError::new(ConnectFailure::Dns, "the name has no address");
            return Err(failure.unwrap_or(none));
        };
        match dialed {
            Ok(stream) => return Ok(stream),
            // A machine without IPv6 has no route to such an address. The failure of an
            // address that was reached says more.
            Err(local) if local.cause.is_local() && failure.is_some() => {}
            Err(other) => failure = Some(other),
        }
    }
}

async fn dial(
    destination: SocketAddr,
    request: &ConnectRequest<'_>,
) -> Result<TcpStream, ConnectError> {
    let dialed = dial_from_source(destination, request).await;
    dialed.map_err(|error| ConnectError::from(error).at(destination.to_string()))
}

/// Connects from the source of the device. A proposed port that is taken is followed by the
/// next one, and at last by the kernel's own search.
async fn dial_from_source(
    destination: SocketAddr,
    request: &ConnectRequest<'_>,
) -> io::Result<TcpStream> {
    let source = request
        .sources
        .for_device(destination.ip(), request.device_number);
    if source.proposes_port {
        for port in (0..PROPOSALS).map_while(|_| request.sources.next_port()) {
            match dial_from(destination, source.address, Some(port)).await {
                Err(error) if is_port_taken(&error) => {}
                dialed => return dialed,
            }
        }
    }
    dial_from(destination, source.address, None).await
}

/// Connects from a local address and port; `None` leaves the choice to the kernel.
async fn dial_from(
    destination: SocketAddr,
    address: Option<IpAddr>,
    port: Option<u16>,
) -> io::Result<TcpStream> {
    let socket = match destination {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    match port {
        // Sockets to other destinations may have the same port.
        Some(_) => socket.set_reuseaddr(true)?,
        // The kernel then chooses the port at connect, when it knows the destination: one
        // source port serves many destinations.
        None if address.is_some() => setsockopt(&socket, IpBindAddressNoPort, &true)?,
        None => {}
    }
    if address.is_some() || port.is_some() {
        let any: IpAddr = match destination {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let local = SocketAddr::from((address.unwrap_or(any), port.unwrap_or(0)));
        socket
            .bind(local)
            .map_err(|error| foreign_address(error, local))?;
    }
    // Otherwise Nagle's algorithm holds a small frame until the last one is acknowledged.
    socket.set_nodelay(true)?;
    socket.connect(destination).await
}

/// Tells an address that this machine does not have from a port that is taken: the kernel has
/// one error for both.
fn foreign_address(error: io::Error, local: SocketAddr) -> io::Error {
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => {
            let text = format!("{} is not an address of this machine", local.ip());
            io::Error::new(io::ErrorKind::NetworkUnreachable, text)
        }
        _ => error,
    }
}

fn is_port_taken(error: &io::Error) -> bool {
    use io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::AddrInUse | ErrorKind::AddrNotAvailable
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::{ClientAccess, ClientOptions},
        worker::{dialect::plain::Plain, source_address::SourceAddresses},
    };

    #[tokio::test]
    async fn host_is_reached_at_the_address_that_listens() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listens = listener.local_addr().unwrap();
        let v6 = SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, listens.port()));
        let v4 = SocketAddr::from(([127, 0, 0, 2], listens.port()));
        let client_options = ClientOptions::new(&ClientAccess::default()).unwrap();
        let request = ConnectRequest {
            address: "",
            dialect: &Plain,
            header_lines: "",
            max_message_bytes: 0,
            client_options: &client_options,
            sources: &SourceAddresses::default(),
            device_number: 0,
        };
        let stream = connect_any(vec![v6, v4, listens], &request).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), listens);

        for silent in [vec![v4, v6], vec![v6, v4]] {
            let failure = connect_any(silent, &request).await.unwrap_err();
            assert_eq!(failure.cause, ConnectFailure::Refused);
            let address = failure.example.address.unwrap();
            assert!([v4, v6].iter().any(|tried| tried.to_string() == address));
        }
        let failure = connect_any(Vec::new(), &request).await.unwrap_err();
        assert_eq!(failure.cause, ConnectFailure::Dns);
    }
}
