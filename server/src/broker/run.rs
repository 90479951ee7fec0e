//! The broker's listeners.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{BrokerConfig, http, server::BrokerServer, work_queue};
use crate::net::{
    listen::ListenSockets,
    listener,
    task_group::{TaskEnded, TaskGroup},
};

/// The pause after a failed accept.
// Without it, a process that is out of files would spend its CPU on the same error.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A reason why a broker cannot run.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The listener is unusable.
    #[error("cannot use the broker's listener")]
    Listener(#[source] io::Error),
    /// Other machines reach the listener, and the broker has no secret to know them by.
    #[error("cannot serve other machines on {0} without a cluster secret")]
    NoSecret(SocketAddr),
    /// An essential task ended; the connections have ended too.
    #[error(transparent)]
    TaskEnded(#[from] TaskEnded),
}

/// Serves peers until `shutdown` is cancelled or an essential task ends; then every connection
/// ends. The admin listener, if there is one, serves `/healthz`, `/readyz` and `/metrics`.
///
/// # Errors
/// [`BrokerError`] when the listener has no address, or is not on loopback and there is no
/// secret, and after the end of an essential task.
pub async fn run(
    listeners: impl Into<ListenSockets>,
    config: BrokerConfig,
    shutdown: CancellationToken,
) -> Result<(), BrokerError> {
    let ListenSockets { public, admin } = listeners.into();
    let address = public.local_addr().map_err(BrokerError::Listener)?;
    config.check_address(address)?;
    tracing::info!(%address, "the broker listens");
    let broker = Arc::new(BrokerServer::new(config));
    let tasks = TaskGroup::new(broker.task_health.clone(), || {});
    tasks.spawn_until("views", &shutdown, show_views(Arc::clone(&broker)));
    let judging = Arc::clone(&broker.liveness).run();
    tasks.spawn_until("liveness", &shutdown, judging);
    let expiring = work_queue::expire_groups(Arc::clone(&broker.work_queue));
    tasks.spawn_until("group expiry", &shutdown, expiring);
    if let Some(socket) = admin {
        let stop = tasks.cancel.child_token();
        let admin = http::admin_listener(&broker, socket);
        let admin = listener::spawn(admin, stop.clone(), tasks.cancel.clone());
        tasks.supervise("admin listener", &stop, admin);
    }
    let (stop, connections) = (shutdown.child_token(), TaskTracker::new());
    tokio::select! {
        () = accept_all(&broker, &public, &connections, &stop) => {}
        () = broker.task_health.wait_ended() => stop.cancel(),
    }
    // Every task ends at its next await point, since `stop` is cancelled.
    connections.close();
    connections.wait().await;
    let ended = broker.task_health.ended();
    ended.map_or(Ok(()), |ended| Err(ended.into()))
}

/// Gives each accepted connection its task, until `stop` is cancelled.
async fn accept_all(
    broker: &Arc<BrokerServer>,
    listener: &TcpListener,
    connections: &TaskTracker,
    stop: &CancellationToken,
) {
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                let Some(permits) = broker.admission.try_admit(peer.ip()) else {
                    continue;
                };
                let broker = Arc::clone(broker);
                let served = async move {
                    if let Err(error) = broker.serve(stream, permits).await {
                        tracing::debug!(%peer, %error, "a connection ended");
                    }
                };
                connections.spawn(stop.clone().run_until_cancelled_owned(served));
            }
            Err(error) => {
                broker.metrics.accept_errors.inc();
                tracing::warn!(%error, "accept failed; retrying in {ACCEPT_PAUSE:?}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Shows the members to all of them after each change, at most once in each window.
async fn show_views(broker: Arc<BrokerServer>) {
    let changed = broker.hub.lock().view_changed();
    let config = &broker.config;
    changed.notified().await;
    if broker.hub.lock().is_restarted() {
        // In the view of the first member alone, all slots would move to it and back.
        sleep(config.restart_window).await;
    }
    loop {
        broker.hub.lock().show_view();
        sleep(config.view_window).await;
        changed.notified().await;
    }
}

impl BrokerConfig {
    /// Checks that a broker with this configuration may listen on `address`.
    ///
    /// # Errors
    /// [`BrokerError::NoSecret`] off loopback without a secret.
    pub fn check_address(&self, address: SocketAddr) -> Result<(), BrokerError> {
        match self.secret.is_some() || address.ip().to_canonical().is_loopback() {
            true => Ok(()),
            false => Err(BrokerError::NoSecret(address)),
        }
    }
}
