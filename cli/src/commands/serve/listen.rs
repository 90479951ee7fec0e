//! Listening sockets of the cluster's processes.

use std::{io, net::SocketAddr};

use tokio::net::TcpListener;

use crate::{failure::CliFailure, output::print};

/// Listens, and prints the address on stdout in a line that begins with `what`. With
/// port 0, a script learns the port from this line.
pub(super) fn bind_and_announce(
    what: &str,
    address: SocketAddr,
) -> Result<TcpListener, CliFailure> {
    let listening = || -> io::Result<(TcpListener, SocketAddr)> {
        let listener = highwater_server::listen(address)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    match listening() {
        Ok((listener, address)) => {
            print(&format!("{what} on {address}"));
            Ok(listener)
        }
        Err(error) => Err(CliFailure::listen(address, error)),
    }
}
