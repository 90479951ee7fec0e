//! The life of a node.

use std::{io, sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{Node, drain, load_reporter};
use crate::{
    admission::Gate,
    backplane::{BackplaneConfig, Identity, Role, join},
    cluster::{Cluster, directory_client, inbound, resync},
    config::NodeConfig,
    http,
    ingest::{self, Intake},
    listen::Listeners,
    listener::{self, Doors, House, Routes, Tls},
    task_group::Life,
    ws::close::CloseReason,
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
    listeners: impl Into<Listeners>,
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
    let identity = Identity::starting_now(config.id.clone(), advertised, Role::Node);
    let meeting = BackplaneConfig {
        url: config.backplane.clone(),
        cluster: config.cluster.clone(),
        lease: config.lease,
    };
    let joined = join(&meeting, identity, leave.clone());
    let (cluster, jobs) = Cluster::new(config.id.clone(), joined.backplane);
    let (intake, readings) = Intake::new(&config.limits);
    let node = Arc::new(Node::new(config, cluster, intake, shutdown.child_token()));
    tracing::info!(node = %node.config.id, %address, "serving");

    // Sockets have tasks of their own.
    let sockets = Arc::clone(&node);
    let life = Life::new(move || {
        sockets
            .registry
            .for_each(|session| session.outbox.abandon(CloseReason::Lost));
    });
    let drained = CancellationToken::new();
    let (inbox, until) = (joined.inbox, drained.clone());
    life.spawn(inbound::run(Arc::clone(&node), inbox, until, leave));
    life.spawn(directory_client::run(Arc::clone(&node), jobs));
    life.spawn(resync::run(Arc::clone(&node)));
    life.spawn(load_reporter::run(Arc::clone(&node)));
    life.spawn(turn_wheel(Arc::clone(&node)));
    life.spawn(ingest::run(Arc::clone(&node), readings));
    let stop = life.over.child_token();
    let Doors { public, operators } = house(&node).doors(listeners);
    let doors = operators.into_iter().chain([public]);
    let accepting: Vec<_> = doors
        .map(|door| listener::spawn(door, stop.clone(), life.over.clone()))
        .collect();

    node.drain.cancelled().await;
    drain::drain(&node).await;
    stop.cancel();
    let finished = futures_util::future::join_all(accepting);
    let _ = tokio::time::timeout(node.config.limits.drain_grace, finished).await;
    drained.cancel();
    let _ = tokio::time::timeout(FAREWELL, joined.left).await;
    Ok(())
}

fn house(node: &Arc<Node>) -> House {
    let (limits, metrics) = (&node.config.limits, &node.metrics);
    let tls = node.config.tls.clone().map(|server| Tls {
        server,
        gate: Gate::new(Some(limits.handshakes_at_once), limits.handshakes, None),
        metrics: metrics.handshakes.clone(),
    });
    House {
        routes: Routes {
            everything: http::everything(node),
            public: http::public(node),
            operators: http::operators(node),
            no_room: http::no_room(),
        },
        tls,
        room: Arc::clone(&node.connections),
        patience: limits.into(),
        metrics: metrics.door.clone(),
    }
}

/// How long the backplane may take to let the node go.
const FAREWELL: Duration = Duration::from_secs(4);

async fn turn_wheel(node: Arc<Node>) {
    let started = Instant::now();
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        seconds.tick().await;
        let now = u32::try_from(started.elapsed().as_secs()).unwrap_or(u32::MAX);
        node.wheel.turn(now.saturating_add(1), &node.config.limits);
    }
}
