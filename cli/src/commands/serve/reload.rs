//! SIGHUP: certificates are read anew, as operators of proxies are used to.

use std::{io, sync::Arc};

use highwater_server::ServerTls;
use tokio::signal::unix::{SignalKind, signal};

/// Reads the certificate anew with each SIGHUP, for connections from then on. A
/// file that is not usable changes nothing.
pub(super) fn on_hangup(tls: Arc<ServerTls>) -> io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            match tls.reload() {
                Ok(()) => tracing::info!("the certificate was read anew"),
                Err(error) => {
                    let error = anyhow::Error::new(error);
                    tracing::error!("the certificate stays as it was: {error:#}");
                }
            }
        }
    });
    Ok(())
}
