//! The life cycle of a node.

use std::{io, sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{
    Node, NodeConfig, drain, http,
    load_reporter::{self, load_report},
    state::NodeQueues,
};
use crate::{
    api::rejected_router,
    backplane::{BackplaneConfig, Identity, JoinedBackplane, MemberRole, join},
    cluster::{directory_client, inbound, resync},
    ingest::run_producer_task,
    intake::TelemetryPublisher,
    net::{
        admission::AdmissionControl,
        listen::ListenSockets,
        listener::{self, ListenerSet, ListenerTls, Listeners, Routes},
        task_group::TaskGroup,
        tls::ServerTls,
        ws::close::CloseReason,
    },
};

/// The reason why a node cannot run.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The listener's address is not known.
    #[error("cannot use the node's listener")]
    Listener(#[source] io::Error),
}

/// The time that the backplane may take to leave.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(4);

/// Serves until `shutdown` is cancelled or a drain is requested over HTTP; then drains
/// and returns. Dropping the future ends the node without a drain: its sockets close as
/// if the process had died.
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
    let advertised = config.advertise.clone();
    let advertised = advertised.unwrap_or_else(|| address.to_string());
    let identity = Identity::starting_now(config.id.clone(), advertised, MemberRole::Node);
    let backplane_config = BackplaneConfig {
        url: config.backplane.clone(),
        cluster: config.cluster.clone(),
        lease: config.membership_lease,
        secret: config.cluster_secret.clone(),
    };
    let JoinedBackplane {
        backplane,
        inbound: inbox,
        task: membership,
    } = join(&backplane_config, identity, leave.clone());
    let tls = config.tls.clone();
    // A child, so that a drain over HTTP does not cancel the token of the caller.
    let (node, queues) = Node::new(config, backplane, shutdown.child_token());
    let node = Arc::new(node);
    tracing::info!(node = %node.cluster.me, %address, "serving");

    let tasks = task_group(&node);
    let drained = CancellationToken::new();
    let reporting = Arc::clone(&node);
    tasks.spawn(inbound::run(
        Arc::clone(&node.cluster),
        inbox,
        drained.clone(),
        leave,
        move || load_report(&reporting),
    ));
    spawn_background(&tasks, &node, queues, backplane_config);
    let stop = tasks.cancel.child_token();
    let Listeners { public, admin } = listener_set(&node, tls).into_listeners(listeners);
    let accepting: Vec<_> = admin
        .into_iter()
        .chain([public])
        .map(|listener| listener::spawn(listener, stop.clone(), tasks.cancel.clone()))
        .collect();

    node.drain.cancelled().await;
    drain::drain(&node).await;
    // Requests in flight finish, within the grace time.
    stop.cancel();
    let finished = futures_util::future::join_all(accepting);
    // Connections that are left after it end with the task group.
    let _ = tokio::time::timeout(node.sessions.limits.drain_grace, finished).await;
    // Last: until here other nodes may still send commands.
    drained.cancel();
    // A backplane that does not answer must not hold the process. The lease removes the node.
    let _ = tokio::time::timeout(LEAVE_TIMEOUT, membership).await;
    Ok(())
}

/// Returns the group of the node's background tasks. Its end aborts the sockets, which
/// have tasks of their own.
fn task_group(node: &Arc<Node>) -> TaskGroup<impl FnMut()> {
    let sessions = Arc::clone(&node.sessions);
    TaskGroup::new(move || {
        sessions
            .registry
            .for_each(|session| session.write_queue.abort(CloseReason::ConnectionLost));
    })
}

fn spawn_background(
    tasks: &TaskGroup<impl FnMut()>,
    node: &Arc<Node>,
    queues: NodeQueues,
    backplane: BackplaneConfig,
) {
    tasks.spawn(directory_client::run(
        Arc::clone(&node.cluster),
        queues.directory_updates,
    ));
    tasks.spawn(resync::run(Arc::clone(&node.cluster)));
    tasks.spawn(load_reporter::run(Arc::clone(node)));
    tasks.spawn(advance_wheel(Arc::clone(node)));
    // A node without a backplane has no queue, and its intake rejects all telemetry.
    if let Some(url) = backplane.url {
        let publisher = TelemetryPublisher {
            intake: Arc::clone(&node.intake),
            admitted: queues.telemetry,
        };
        let (cluster, secret) = (backplane.cluster, backplane.secret);
        tasks.spawn(run_producer_task(url, cluster, secret, publisher));
    }
}

fn listener_set(node: &Arc<Node>, tls: Option<Arc<ServerTls>>) -> ListenerSet {
    let (limits, metrics) = (&node.sessions.limits, &node.metrics);
    let tls = tls.map(|server| ListenerTls {
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

/// Advances the wheel to the present second, once a second.
async fn advance_wheel(node: Arc<Node>) {
    let started = Instant::now();
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        seconds.tick().await;
        // From the clock, not by one: after a stall the wheel catches up.
        let now = u32::try_from(started.elapsed().as_secs()).unwrap_or(u32::MAX);
        let sessions = &node.sessions;
        // Seconds of the wheel start at 1, since 0 stands for "never".
        sessions
            .wheel
            .advance(now.saturating_add(1), &sessions.limits);
    }
}
