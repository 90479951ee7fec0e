//! Joining a cluster by the URL of its backplane.

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{
    Backplane, BackplaneUrl, ClusterSecret, Identity, Inbound, local, reconnect::JoiningNode,
    standalone, transports::transport,
};
use crate::{id::ClusterName, net::broker_location::BrokerLocation};

/// The received messages that may wait for the node. Beyond them, the connection stops
/// reading.
const INBOUND_CAPACITY: usize = 4096;

/// The cluster that a node joins.
#[derive(Debug, Clone)]
pub struct BackplaneConfig {
    /// The URL of the backplane; `None` is a cluster of one.
    pub url: Option<BackplaneUrl>,
    /// The name space at a broker that several clusters share. The embedded broker serves
    /// one cluster and ignores it.
    pub cluster: ClusterName,
    /// The time for which this node may be silent before the others remove it. The
    /// embedded broker has a timeout of its own and ignores it.
    pub lease: Duration,
    /// The secret of the cluster. The embedded broker and its peers prove it to each other;
    /// at other brokers it signs the membership table. `None` proves nothing.
    pub secret: Option<ClusterSecret>,
}

/// A backplane that a node has joined.
pub struct JoinedBackplane {
    /// The connection to the other members.
    pub backplane: Arc<dyn Backplane>,
    /// The messages from the other members; it ends when the node has left. Dropping it
    /// ends the membership as if the process had died: the others detect that.
    pub inbound: mpsc::Receiver<Inbound>,
    /// The connection's task. It ends when the node has left: after `leave` was cancelled
    /// and the broker has everything that was sent before.
    pub task: JoinHandle<()>,
}

impl BackplaneConfig {
    /// The default lease.
    pub const DEFAULT_LEASE: Duration = Duration::from_secs(5);

    /// Creates the configuration of the default cluster at `url`, with the default lease and
    /// without a secret.
    pub fn for_url(url: Option<BackplaneUrl>) -> Self {
        Self {
            url,
            cluster: ClusterName::default(),
            lease: Self::DEFAULT_LEASE,
            secret: None,
        }
    }
}

/// Joins as `identity` until `leave` is cancelled.
///
/// Returns at once. An unreachable backplane is not an error: the node keeps trying, and
/// its view shows whether it is connected. Must be called inside a tokio runtime.
pub fn join(
    config: &BackplaneConfig,
    identity: Identity,
    leave: CancellationToken,
) -> JoinedBackplane {
    let (deliver, inbound) = mpsc::channel(INBOUND_CAPACITY);
    let node = JoiningNode {
        identity,
        secret: config.secret.clone(),
        deliver,
        leave,
    };
    let (backplane, task) = match config.url.as_ref().map(BackplaneUrl::location) {
        None => standalone::join(node),
        Some(BrokerLocation::Embedded { authority }) => local::join(authority, node),
        Some(BrokerLocation::External(url)) => {
            let Ok(transport) = transport(url.kind()) else {
                unreachable!("no client for {url}: BackplaneUrl rejects it")
            };
            (transport.join)(url.clone(), config.cluster.clone(), config.lease, node)
        }
    };
    JoinedBackplane {
        backplane,
        inbound,
        task,
    }
}
