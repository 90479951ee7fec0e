//! The life of a node.

use std::{io, sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{Node, NodeConfig, drain, http, load_reporter};
use crate::{
    api::rejected_router,
    backplane::{BackplaneConfig, Identity, MemberRole, join},
    cluster::{ClusterState, directory_client, inbound, resync},
    ingest::{self, TelemetryIntake},
    net::{
        admission::AdmissionControl,
        listen::ListenSockets,
        listener::{self, ListenerSet, ListenerTls, Listeners, Routes},
        task_group::TaskGroup,
        ws::close::CloseReason,
    },
};

/// Why a node cannot run.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The listener is unusable.
    #[error("the node's listener is unusable")]
    Listener(#[source] io::Error),
}

/// Serves until `shutdown` is cancelled or a drain is asked for over HTTP; then
/// drains and returns. Dropping the future ends the node without a drain: sockets
/// close as if the process had died.
///
/// # Errors
/// [`NodeError`], before anything is served.
pub async fn run(
    listeners: impl Into<ListenSockets>,
    config: NodeConfig,
    shutdown: CancellationToken,
) -> Result<(), NodeError> {
    let listeners = listeners.into();
    let address = listeners.public.local_addr().map_err(NodeError::Listener)?;
    let leave = CancellationToken::new();
    let advertised = match &config.advertise {
        Some(advertised) => advertised.clone(),
        None => address.to_string(),
    };
    let identity = Identity::starting_now(config.id.clone(), advertised, MemberRole::Node);
    let backplane_config = BackplaneConfig {
        url: config.backplane.clone(),
        cluster: config.cluster.clone(),
        lease: config.membership_lease,
    };
    let joined = join(&backplane_config, identity, leave.clone());
    let (cluster, jobs) = ClusterState::new(config.id.clone(), joined.backplane);
    let (intake, telemetry) = TelemetryIntake::new(&config.limits);
    let node = Arc::new(Node::new(config, cluster, intake, shutdown.child_token()));
    tracing::info!(node = %node.config.id, %address, "serving");

    // Sockets have tasks of their own.
    let sockets = Arc::clone(&node);
    let tasks = TaskGroup::new(move || {
        sockets
            .registry
            .for_each(|session| session.write_queue.abort(CloseReason::ConnectionLost));
    });
    let drained = CancellationToken::new();
    let (inbox, until) = (joined.inbound, drained.clone());
    tasks.spawn(inbound::run(Arc::clone(&node), inbox, until, leave));
    tasks.spawn(directory_client::run(Arc::clone(&node), jobs));
    tasks.spawn(resync::run(Arc::clone(&node)));
    tasks.spawn(load_reporter::run(Arc::clone(&node)));
    tasks.spawn(advance_wheel(Arc::clone(&node)));
    tasks.spawn(ingest::run_intake(Arc::clone(&node), telemetry));
    let stop = tasks.cancel.child_token();
    let Listeners {
        public,
        admin: operators,
    } = listener_set(&node).into_listeners(listeners);
    let doors = operators.into_iter().chain([public]);
    let accepting: Vec<_> = doors
        .map(|door| listener::spawn(door, stop.clone(), tasks.cancel.clone()))
        .collect();

    node.drain.cancelled().await;
    drain::drain(&node).await;
    stop.cancel();
    let finished = futures_util::future::join_all(accepting);
    let _ = tokio::time::timeout(node.config.limits.drain_grace, finished).await;
    drained.cancel();
    let _ = tokio::time::timeout(LEAVE_TIMEOUT, joined.task).await;
    Ok(())
}

fn listener_set(node: &Arc<Node>) -> ListenerSet {
    let (limits, metrics) = (&node.config.limits, &node.metrics);
    let tls = node.config.tls.clone().map(|server| ListenerTls {
        server,
        admission: AdmissionControl::new(
            Some(limits.max_concurrent_handshakes),
            limits.handshake_rate,
            None,
        ),
        metrics: metrics.handshakes.clone(),
    });
    ListenerSet {
        routes: Routes {
            combined_router: http::combined_router(node),
            public_router: http::public_router(node),
            admin_router: http::admin_router(node),
            rejection_router: rejected_router(),
        },
        tls,
        connection_limit: Arc::clone(&node.connection_limit),
        timeouts: limits.into(),
        metrics: metrics.listener.clone(),
    }
}

/// How long the backplane may take to let the node go.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(4);

async fn advance_wheel(node: Arc<Node>) {
    let started = Instant::now();
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        seconds.tick().await;
        let now = u32::try_from(started.elapsed().as_secs()).unwrap_or(u32::MAX);
        node.wheel
            .advance(now.saturating_add(1), &node.config.limits);
    }
}
