//! The life cycle of a gateway.

use std::{io, sync::Arc, time::Duration};

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{config::GatewayConfig, discovery, drain, routes, state::GatewayState};
use crate::{
    backplane::{BackplaneConfig, Identity, MemberRole, join},
    control_thread::ControlThread,
    net::{
        admission::{AdmissionControl, ConnectionLimit},
        listen::{ListenSockets, is_wildcard},
        listener::{self, ListenerSet, ListenerTls, Listeners, Routes, TrustedPeers},
        task_group::{TaskEnded, TaskGroup},
    },
};

/// The reason why a gateway cannot run.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The listener is unusable.
    #[error("the gateway's listener is unusable")]
    Listener(#[source] io::Error),
    /// The thread of the control plane cannot start.
    #[error("cannot start the thread of the control plane")]
    ControlThread(#[source] io::Error),
    /// An essential task ended; the gateway has drained.
    #[error(transparent)]
    TaskEnded(#[from] TaskEnded),
}

/// Time limit for leaving the backplane.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(4);

/// Forwards until `shutdown` is cancelled, a drain is requested over HTTP or an essential task
/// ends; then drains and returns. Dropping the future ends the gateway without a drain: sockets
/// close as if the process had died.
///
/// # Errors
/// [`GatewayError`]: before anything is served, or after the drain if an essential task has
/// ended.
pub async fn run(
    listeners: impl Into<ListenSockets>,
    config: GatewayConfig,
    shutdown: CancellationToken,
) -> Result<(), GatewayError> {
    let listeners = listeners.into();
    let address = listeners.public.local_addr();
    let address = address.map_err(GatewayError::Listener)?;
    let leave = CancellationToken::new();
    // No member connects to it, and operators can use no wildcard.
    let shown = Some(address.to_string()).filter(|address| !is_wildcard(address));
    let identity = Identity::starting_now(config.id.clone(), shown, MemberRole::Gateway);
    let backplane_config = BackplaneConfig {
        url: Some(config.backplane.clone()),
        cluster: config.cluster.clone(),
        lease: config.membership_lease,
        secret: config.cluster_secret.clone(),
    };
    // Dropped last: the connection to the backplane ends with it.
    let control = ControlThread::start().map_err(GatewayError::ControlThread)?;
    let joined = {
        let _guard = control.enter();
        join(&backplane_config, identity, leave.clone())
    };
    let gateway = GatewayState::new(config, joined.backplane, shutdown.child_token());
    let gateway = Arc::new(gateway);
    let config = &gateway.config;
    tracing::info!(gateway = %config.id, %address, policy = %config.policy, "forwarding");

    // The group does not know the tasks of tunnels.
    let tunnels = Arc::clone(&gateway.tunnels);
    let tasks = TaskGroup::new(gateway.task_health.clone(), move || {
        for tunnel in tunnels.abort_handles() {
            tunnel.abort();
        }
    });
    let following = discovery::run(Arc::clone(&gateway), joined.inbound);
    tasks.spawn_until("discovery", &leave, following);
    let membership = tasks.supervise("backplane", &leave, joined.task);
    let Listeners { public, admin } = listener_set(&gateway).into_listeners(listeners);
    let (stop_public, stop_admin) = (tasks.cancel.child_token(), tasks.cancel.child_token());
    let public = listener::spawn(public, stop_public.clone(), tasks.cancel.clone());
    let public = tasks.supervise("listener", &stop_public, public);
    let admin = admin.map(|admin| {
        let admin = listener::spawn(admin, stop_admin.clone(), tasks.cancel.clone());
        tasks.supervise("admin listener", &stop_admin, admin)
    });

    tokio::select! {
        () = gateway.drain.cancelled() => {}
        () = gateway.task_health.wait_ended() => {}
    }
    drain::announce_drain(&gateway).await;
    stop_public.cancel();
    drain::close_sockets(&gateway).await;
    // Not before: operators follow the drain on the admin listener.
    stop_admin.cancel();
    let finished = futures_util::future::join_all(admin.into_iter().chain([public]));
    let _ = timeout(config.limits.drain_grace, finished).await;
    leave.cancel();
    let _ = timeout(LEAVE_TIMEOUT, membership).await;
    let ended = gateway.task_health.ended();
    ended.map_or(Ok(()), |ended| Err(ended.into()))
}

fn listener_set(gateway: &Arc<GatewayState>) -> ListenerSet {
    let (limits, metrics) = (&gateway.config.limits, &gateway.metrics);
    let tls = gateway.config.tls.clone().map(|server| ListenerTls {
        server,
        admission: AdmissionControl::new(
            Arc::new(ConnectionLimit::new(Some(limits.max_concurrent_handshakes))),
            limits.handshake_rate,
            None,
        ),
        metrics: metrics.handshakes.clone(),
    });
    ListenerSet {
        routes: Routes {
            combined_router: routes::combined_router(gateway),
            public_router: routes::public_router(gateway),
            admin_router: routes::admin_router(gateway),
            rejections: routes::rejections(),
        },
        tls,
        connections: gateway.connections.clone(),
        max_per_address: gateway.max_per_address,
        proxy_protocol: gateway.config.proxies.proxy_protocol.clone(),
        trusted_peers: TrustedPeers::new(gateway.config.proxies.trusted_proxies.clone()),
        timeouts: limits.into(),
        metrics: metrics.listener.clone(),
    }
}
