//! The life cycle of a node.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{
    Node, NodeConfig, drain, http,
    load_reporter::{self, load_report},
    state::NodeQueues,
};
use crate::{
    api::rejections,
    auth::{AuthConfig, StoreUrl},
    backplane::{BackplaneConfig, Identity, JoinedBackplane, MemberRole, join},
    cluster::{directory_client, inbound, resync, unregistered},
    control_thread::ControlThread,
    ingest::{TelemetryUrl, run_producer_task},
    intake::TelemetryPublisher,
    net::{
        admission::{AdmissionControl, ConnectionLimit},
        listen::{ListenSockets, is_wildcard},
        listener::{self, ListenerSet, ListenerTls, Listeners, Routes, TrustedPeers},
        task_group::{TaskEnded, TaskGroup},
        tls::ServerTls,
        ws::close::CloseReason,
    },
};
#[cfg(feature = "stomp")]
use crate::{cluster::queues, stomp_relay};

/// The reason why a node cannot run.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The listener's address is not known.
    #[error("cannot use the node's listener")]
    Listener(#[source] io::Error),
    /// The thread of the control plane cannot start.
    #[error("cannot start the thread of the control plane")]
    ControlThread(#[source] io::Error),
    /// The address that gateways would get stands for every address of their own host.
    #[error("cannot advertise {0}: to a gateway it is an address of its own host")]
    WildcardAddress(String),
    /// An essential task ended; the node has drained.
    #[error(transparent)]
    TaskEnded(#[from] TaskEnded),
}

/// The time that the backplane may take to leave.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(4);

/// Serves until `shutdown` is cancelled, a drain is requested over HTTP or an essential
/// task ends; then drains and returns. Dropping the future ends the node without a drain: its
/// sockets close as if the process had died.
///
/// # Errors
/// [`NodeError`]: before anything is served, or after the drain if an essential task has
/// ended.
pub async fn run(
    listeners: impl Into<ListenSockets>,
    config: NodeConfig,
    shutdown: CancellationToken,
) -> Result<(), NodeError> {
    let listeners = listeners.into();
    let address = listeners.public.local_addr().map_err(NodeError::Listener)?;
    let leave = CancellationToken::new();
    let advertised = Some(config.advertised_address(address)?);
    warn_of_own_sessions(&config);
    let identity = Identity::starting_now(config.id.clone(), advertised, MemberRole::Node);
    let backplane_config = BackplaneConfig {
        url: config.backplane.clone(),
        cluster: config.cluster.clone(),
        lease: config.membership_lease,
        secret: config.cluster_secret.clone(),
    };
    // Dropped last: the connection to the backplane ends with it.
    let control = ControlThread::start().map_err(NodeError::ControlThread)?;
    let JoinedBackplane {
        backplane,
        inbound: inbox,
        task: membership,
    } = {
        let _guard = control.enter();
        join(&backplane_config, identity, leave.clone())
    };
    let tls = config.tls.clone();
    let queue = config.telemetry_queue();
    // A child, so that a drain over HTTP does not cancel the token of the caller.
    let (node, queues) = Node::new(config, backplane, shutdown.child_token());
    let node = Arc::new(node);
    tracing::info!(node = %node.cluster.me, %address, "serving");

    let tasks = task_group(&node);
    let drained = CancellationToken::new();
    let reporting = Arc::clone(&node);
    let handling = inbound::run(
        Arc::clone(&node.cluster),
        inbox,
        drained.clone(),
        leave,
        move || load_report(&reporting),
    );
    tasks.spawn_until("inbound messages", &drained, handling);
    let membership = tasks.supervise("backplane", &drained, membership);
    spawn_background(&tasks, &node, queues, queue, backplane_config);
    let stop = tasks.cancel.child_token();
    let Listeners { public, admin } = listener_set(&node, tls).into_listeners(listeners);
    let accepting: Vec<_> = admin
        .into_iter()
        .chain([public])
        .map(|listener| listener::spawn(listener, stop.clone(), tasks.cancel.clone()))
        .map(|listening| tasks.supervise("listener", &stop, listening))
        .collect();

    tokio::select! {
        () = node.drain.cancelled() => {}
        () = node.task_health.wait_ended() => {}
    }
    drain::drain(&node).await;
    // Requests in flight finish, within the grace time.
    stop.cancel();
    let finished = futures_util::future::join_all(accepting);
    // Connections that are left after it end with the task group.
    let _ = tokio::time::timeout(node.sessions.limits.drain_grace, finished).await;
    // Messages that wait here would be lost with this process.
    #[cfg(feature = "stomp")]
    let _ = tokio::time::timeout(LEAVE_TIMEOUT, node.cluster.queues.leave()).await;
    // Last: until here other nodes may still send commands.
    drained.cancel();
    // A backplane that does not answer must not hold the process. The lease removes the node.
    let _ = tokio::time::timeout(LEAVE_TIMEOUT, membership).await;
    node.task_health
        .ended()
        .map_or(Ok(()), |ended| Err(ended.into()))
}

impl NodeConfig {
    /// Returns the `HOST:PORT` at which gateways reach this node, if it listens at `public`.
    ///
    /// # Errors
    /// [`NodeError::WildcardAddress`] if other members would connect to themselves.
    pub fn advertised_address(&self, public: SocketAddr) -> Result<String, NodeError> {
        let address = self.advertise.clone();
        let address = address.unwrap_or_else(|| public.to_string());
        match self.backplane.is_some() && is_wildcard(&address) {
            true => Err(NodeError::WildcardAddress(address)),
            false => Ok(address),
        }
    }
}

/// Warns of sessions that the other nodes of the cluster do not find.
fn warn_of_own_sessions(config: &NodeConfig) {
    let has_logins = |auth: &AuthConfig| auth.login_secret.is_some();
    let in_memory = |auth: &&AuthConfig| matches!(auth.store, StoreUrl::Memory);
    let auth = config.auth.as_ref().filter(in_memory);
    if config.backplane.is_some() && auth.is_some_and(has_logins) {
        tracing::warn!(
            "sessions are in this node's memory: other nodes answer 404 for them; \
             hint: give all nodes one store, --session-store redis://HOST:PORT"
        );
    }
}

/// Returns the group of the node's essential tasks. Its end aborts the sockets, which
/// have tasks of their own.
fn task_group(node: &Arc<Node>) -> TaskGroup<impl FnMut()> {
    let sessions = Arc::clone(&node.sessions);
    TaskGroup::new(node.task_health.clone(), move || {
        sessions.for_each(|session| session.write_queue.abort(CloseReason::ConnectionLost));
    })
}

fn spawn_background(
    tasks: &TaskGroup<impl FnMut()>,
    node: &Arc<Node>,
    queues: NodeQueues,
    telemetry: Option<TelemetryUrl>,
    backplane: BackplaneConfig,
) {
    let cluster_context = || Arc::clone(&node.cluster);
    let directory = directory_client::run(cluster_context(), queues.directory_updates);
    tasks.spawn("owner directory", directory);
    tasks.spawn("directory resync", resync::run(cluster_context()));
    #[cfg(feature = "stomp")]
    tasks.spawn("queues", queues::run(Arc::clone(&node.cluster.queues)));
    #[cfg(feature = "stomp")]
    if let Some(relay) = &node.stomp_relay {
        tasks.spawn("STOMP relay", stomp_relay::run(Arc::clone(relay)));
    }
    tasks.spawn("late registrations", unregistered::run(cluster_context()));
    tasks.spawn("load reports", load_reporter::run(Arc::clone(node)));
    tasks.spawn("timing wheel", advance_wheel(Arc::clone(node)));
    // The intake of a node without a queue rejects all telemetry.
    if let Some(url) = telemetry {
        let publisher = TelemetryPublisher {
            intake: Arc::clone(&node.intake),
            admitted: queues.telemetry,
        };
        let (cluster, secret) = (backplane.cluster, backplane.secret);
        let publishing = run_producer_task(url, cluster, secret, publisher);
        tasks.spawn("telemetry", publishing);
    }
}

fn listener_set(node: &Arc<Node>, tls: Option<Arc<ServerTls>>) -> ListenerSet {
    let (limits, metrics) = (&node.sessions.limits, &node.metrics);
    let tls = tls.map(|server| ListenerTls {
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
            combined_router: http::combined_router(node),
            public_router: http::public_router(node),
            admin_router: http::admin_router(node),
            rejections: rejections(),
        },
        tls,
        connections: node.connections.clone(),
        max_per_address: node.max_per_address,
        proxy_protocol: node.proxies.proxy_protocol.clone(),
        trusted_peers: trusted_peers(node),
        timeouts: limits.into(),
        metrics: metrics.listener.clone(),
    }
}

/// Returns the peers that name their clients: the proxies, and the gateways of the cluster.
fn trusted_peers(node: &Arc<Node>) -> TrustedPeers {
    let view = node.cluster.backplane.view();
    let trusted = TrustedPeers::new(node.proxies.trusted_proxies.clone());
    trusted.with_gateways(move |peer| {
        // Copied: a borrow would block the membership task.
        let view = Arc::clone(&view.borrow());
        let mut addresses = view.gateways().filter_map(|member| member.address.as_ref());
        addresses.any(|address| {
            let address: Option<SocketAddr> = address.parse().ok();
            address.is_some_and(|address| address.ip().to_canonical() == peer)
        })
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_with_a_backplane_advertises_no_wildcard() {
        let mut config = NodeConfig::new("n1".parse().unwrap());
        let wildcard: SocketAddr = "0.0.0.0:8080".parse().unwrap();
        assert_eq!(config.advertised_address(wildcard).unwrap(), "0.0.0.0:8080");
        config.backplane = Some("local://127.0.0.1:1".parse().unwrap());
        assert!(config.advertised_address(wildcard).is_err());
        config.advertise = Some("[::]:8080".to_owned());
        assert!(config.advertised_address(wildcard).is_err());
        config.advertise = Some("node-1:8080".to_owned());
        assert_eq!(config.advertised_address(wildcard).unwrap(), "node-1:8080");
    }
}
