//! Listening sockets of the cluster's processes.

use std::{net::SocketAddr, sync::Arc};

use highwater_server::{ListenSockets, ServerTls};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use crate::{failure::CliFailure, output::print};

/// Opens the sockets of a node or a gateway, and reads its certificate anew with each
/// SIGHUP.
pub(super) fn open_listeners(
    public: SocketAddr,
    admin: Option<SocketAddr>,
    tls: Option<&Arc<ServerTls>>,
) -> Result<ListenSockets, CliFailure> {
    // Before the announcement, because a script may send SIGHUP from then on.
    if let Some(tls) = tls {
        reload_on_hangup(tls.clone())?;
    }
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
    print(&format!("{role} on {bound}"));
    Ok(listener)
}

/// Reads the certificate anew with each SIGHUP, for connections from then on.
fn reload_on_hangup(tls: Arc<ServerTls>) -> Result<(), CliFailure> {
    let mut hangup = signal(SignalKind::hangup()).map_err(CliFailure::internal)?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            match tls.reload() {
                Ok(()) => tracing::info!("the certificate was read anew"),
                // The files may be half-written. The next SIGHUP finds them whole.
                Err(error) => {
                    let error = anyhow::Error::new(error);
                    tracing::error!("the certificate stays as it was: {error:#}");
                }
            }
        }
    });
    Ok(())
}
