//! Listening sockets of the cluster's processes.

use std::net::SocketAddr;

use highwater_server::ListenSockets;
use tokio::net::TcpListener;

use crate::{failure::CliFailure, output::print_lossy};

/// Opens the sockets of a node or a gateway.
pub(super) fn open_listeners(
    public: SocketAddr,
    admin: Option<SocketAddr>,
) -> Result<ListenSockets, CliFailure> {
    Ok(ListenSockets {
        public: bind_and_announce("listening", public)?,
        admin: admin
            .map(|address| bind_and_announce("admin", address))
            .transpose()?,
    })
}

/// Listens, and prints the address on stdout in a line that begins with `role`. With port
/// 0, a script learns the port from this line.
pub(super) fn bind_and_announce(
    role: &str,
    address: SocketAddr,
) -> Result<TcpListener, CliFailure> {
    let failure = |error| CliFailure::listen(address, error);
    let listener = highwater_server::listen(address).map_err(failure)?;
    let bound = listener.local_addr().map_err(failure)?;
    print_lossy(&format!("{role} on {bound}"));
    Ok(listener)
}
