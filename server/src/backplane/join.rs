//! From a URL to a joined backplane.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use highwater_types::BrokerUrl;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

#[cfg(feature = "amqp")]
use super::amqp::AmqpTransport;
#[cfg(feature = "nats")]
use super::nats::NatsTransport;
#[cfg(feature = "redis")]
use super::redis::RedisTransport;
use super::{
    Backplane, BackplaneUrl, Inbound, MemberRole, local,
    remote::{self, ClusterAddress, Transport},
    standalone::Standalone,
};
use crate::id::{ClusterName, NodeId};

/// How many messages may wait for the node to handle them.
const INBOUND_CAPACITY: usize = 4096;

/// How nodes find each other.
#[derive(Debug, Clone)]
pub struct BackplaneConfig {
    /// Where they meet; `None` is a cluster of one.
    pub url: Option<BackplaneUrl>,
    /// The name space at a broker that others use too. The embedded broker serves
    /// one cluster and ignores it.
    pub cluster: ClusterName,
    /// How long this node may be silent before the others take it for dead. The
    /// embedded broker has a limit of its own and ignores it.
    pub lease: Duration,
}

/// Who joins.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The node's name.
    pub id: NodeId,
    /// Which life of the node this is: milliseconds since 1970 at its start.
    pub incarnation: u64,
    /// `HOST:PORT` of its HTTP listener, for others to read.
    pub address: Option<String>,
    /// What it is to the others.
    pub role: MemberRole,
}

/// A backplane and what arrives by it.
pub struct JoinedBackplane {
    /// To the others.
    pub backplane: Arc<dyn Backplane>,
    /// From the others. It ends when the node leaves. Dropping it ends the
    /// membership as if the process had died: the others find out.
    pub inbound: mpsc::Receiver<Inbound>,
    /// Ends when the node has left: after `leave` was cancelled and everything that
    /// was sent before is with the broker.
    pub task: JoinHandle<()>,
}

impl Identity {
    /// A life that begins now. Lives are only compared between processes that hold
    /// the same id, on whose machines a later start is expected to read a later clock.
    pub(crate) fn starting_now(id: NodeId, address: String, role: MemberRole) -> Self {
        let incarnation = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64);
        Self {
            id,
            incarnation,
            address: Some(address),
            role,
        }
    }
}

impl BackplaneConfig {
    /// How long a node may be silent, where nothing else is said.
    pub const DEFAULT_LEASE: Duration = Duration::from_secs(5);

    /// The default cluster at `url`, with the default lease.
    pub fn for_url(url: Option<BackplaneUrl>) -> Self {
        Self {
            url,
            cluster: ClusterName::default(),
            lease: Self::DEFAULT_LEASE,
        }
    }
}

/// Joins as `identity` until `leave` is cancelled. Returns at once: a backplane that
/// is away is no error, the node keeps trying, and the view says whether it is
/// connected. Must be called inside a tokio runtime.
pub fn join(
    config: &BackplaneConfig,
    identity: Identity,
    leave: CancellationToken,
) -> JoinedBackplane {
    let (deliver, inbox) = mpsc::channel(INBOUND_CAPACITY);
    let (backplane, left) = match &config.url {
        None => join_standalone(identity, deliver, leave),
        Some(BackplaneUrl::Local { authority }) => local::join(authority, identity, deliver, leave),
        #[cfg(feature = "redis")]
        Some(BackplaneUrl::Redis(server)) => {
            join_remote::<RedisTransport>(server, config, identity, deliver, leave)
        }
        #[cfg(feature = "nats")]
        Some(BackplaneUrl::Nats(server)) => {
            join_remote::<NatsTransport>(server, config, identity, deliver, leave)
        }
        #[cfg(feature = "amqp")]
        Some(BackplaneUrl::Amqp(server)) => {
            join_remote::<AmqpTransport>(server, config, identity, deliver, leave)
        }
    };
    JoinedBackplane {
        backplane,
        inbound: inbox,
        task: left,
    }
}

fn join_standalone(
    identity: Identity,
    deliver: mpsc::Sender<Inbound>,
    leave: CancellationToken,
) -> (Arc<dyn Backplane>, JoinHandle<()>) {
    let left = tokio::spawn(leave.cancelled_owned());
    (Arc::new(Standalone::new(identity, deliver)), left)
}

#[cfg_attr(
    not(any(feature = "redis", feature = "nats", feature = "amqp")),
    expect(dead_code, reason = "a build without any broker's client")
)]
fn join_remote<C: Transport>(
    server: &BrokerUrl,
    config: &BackplaneConfig,
    identity: Identity,
    deliver: mpsc::Sender<Inbound>,
    leave: CancellationToken,
) -> (Arc<dyn Backplane>, JoinHandle<()>) {
    let address = ClusterAddress {
        server: server.clone(),
        cluster: config.cluster.clone(),
    };
    remote::join::<C>(address, identity, config.lease, deliver, leave)
}
