//! SIGHUP at a process of the cluster.

use std::{io, sync::Arc};

use highwater_server::ServerTls;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A receiver of SIGHUP. From its start on, the signal does not end the process.
pub(super) struct Hangup {
    signals: Signal,
}

impl Hangup {
    /// Registers the handler.
    pub(super) fn listen() -> io::Result<Self> {
        let signals = signal(SignalKind::hangup())?;
        Ok(Self { signals })
    }

    /// Reads the certificate anew with each SIGHUP, for connections from then on. Without
    /// one there is nothing to read, and the log says so.
    pub(super) fn follow(mut self, tls: Option<Arc<ServerTls>>) {
        tokio::spawn(async move {
            while self.signals.recv().await.is_some() {
                match &tls {
                    Some(tls) => reload(tls),
                    None => tracing::info!("SIGHUP: there is no certificate to read anew"),
                }
            }
        });
    }
}

fn reload(tls: &ServerTls) {
    match tls.reload() {
        Ok(()) => tracing::info!("the certificate was read anew"),
        // The files may be half-written. The next SIGHUP finds them whole.
        Err(error) => {
            let error = anyhow::Error::new(error);
            tracing::error!("the certificate stays as it was: {error:#}");
        }
    }
}
