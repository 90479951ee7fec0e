//! The life of a gateway.

use std::{io, sync::Arc, time::Duration};

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{config::GatewayConfig, discovery, drain, routes, state::Gateway};
use crate::{
    admission::Gate,
    backplane::{BackplaneConfig, Identity, Role, join},
    listen::Listeners,
    listener::{self, Doors, House, Routes, Tls},
    task_group::Life,
};

/// Why a gateway cannot run.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The listener is unusable.
    #[error("the gateway's listener is unusable")]
    Listener(#[source] io::Error),
}

/// How long the backplane may take to let the gateway go.
const FAREWELL: Duration = Duration::from_secs(4);

/// Forwards until `shutdown` is cancelled or a drain is asked for over HTTP; then
/// drains and returns. Dropping the future ends the gateway without a drain:
/// sockets close as if the process had died.
///
/// # Errors
/// [`GatewayError`], before anything is served.
pub async fn run(
    listeners: impl Into<Listeners>,
    config: GatewayConfig,
    shutdown: CancellationToken,
) -> Result<(), GatewayError> {
    let listeners = listeners.into();
    let address = listeners
        .public
        .local_addr()
        .map_err(GatewayError::Listener)?;
    let leave = CancellationToken::new();
    let identity = Identity::starting_now(config.id.clone(), address.to_string(), Role::Gateway);
    let meeting = BackplaneConfig {
        url: Some(config.backplane.clone()),
        cluster: config.cluster.clone(),
        lease: config.lease,
    };
    let joined = join(&meeting, identity, leave.clone());
    let gateway = Gateway::new(config, joined.backplane, shutdown.child_token());
    let gateway = Arc::new(gateway);
    let config = &gateway.config;
    tracing::info!(gateway = %config.id, %address, policy = %config.policy, "forwarding");

    // Tunnels have tasks of their own.
    let tunnels = Arc::clone(&gateway);
    let life = Life::new(move || {
        for tunnel in tunnels.tunnels.all() {
            tunnel.abort();
        }
    });
    life.spawn(discovery::run(Arc::clone(&gateway), joined.inbox));
    let Doors { public, operators } = house(&gateway).doors(listeners);
    let (closed, drained) = (life.over.child_token(), life.over.child_token());
    let public = listener::spawn(public, closed.clone(), life.over.clone());
    let operators =
        operators.map(|operators| listener::spawn(operators, drained.clone(), life.over.clone()));

    gateway.drain.cancelled().await;
    drain::give_notice(&gateway).await;
    closed.cancel();
    drain::close_sockets(&gateway).await;
    // Until here operators can follow it.
    drained.cancel();
    let finished = futures_util::future::join_all(operators.into_iter().chain([public]));
    let _ = timeout(config.limits.drain_grace, finished).await;
    leave.cancel();
    let _ = timeout(FAREWELL, joined.left).await;
    Ok(())
}

fn house(gateway: &Arc<Gateway>) -> House {
    let (limits, metrics) = (&gateway.config.limits, &gateway.metrics);
    let tls = gateway.config.tls.clone().map(|server| Tls {
        server,
        gate: Gate::new(Some(limits.handshakes_at_once), limits.handshakes, None),
        metrics: metrics.handshakes.clone(),
    });
    House {
        routes: Routes {
            everything: routes::everything(gateway),
            public: routes::public(gateway),
            operators: routes::operators(gateway),
            no_room: routes::no_room(),
        },
        tls,
        room: Arc::clone(&gateway.room),
        patience: limits.into(),
        metrics: metrics.door.clone(),
    }
}
