//! The configuration of a node.

use std::{sync::Arc, time::Duration};

use super::reported_load::LoadSource;
#[cfg(feature = "stomp")]
use crate::stomp_relay::StompRelayUrl;
use crate::{
    api::Origin,
    auth::{AuthConfig, Secret},
    backplane::{BackplaneConfig, BackplaneUrl, ClusterSecret},
    cluster::Routing,
    id::{ClusterName, NodeId},
    limits::NodeLimits,
    net::{proxies::ProxyConfig, tls::ServerTls},
};

/// The configuration of a node. [`NodeConfig::new`] fills in the defaults.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// The node's name, unique in the cluster.
    pub id: NodeId,
    /// The backplane that joins the nodes; `None` is a cluster of one node.
    pub backplane: Option<BackplaneUrl>,
    /// The cluster's name at a broker that other clusters use too.
    pub cluster: ClusterName,
    /// The secret by which the processes of the cluster know each other.
    pub cluster_secret: Option<ClusterSecret>,
    /// The time without a sign of life after which the others remove this node.
    pub membership_lease: Duration,
    /// The `HOST:PORT` at which gateways and operators reach this node; `None` is the
    /// address of its public listener.
    pub advertise: Option<String>,
    /// The way in which a command finds its device.
    pub routing: Routing,
    /// Whether `POST /admin/faults` is served.
    pub allow_faults: bool,
    /// The proxies in front of this node.
    pub proxies: ProxyConfig,
    /// The TLS configuration of the public listener; `None` is plain TCP.
    pub tls: Option<Arc<ServerTls>>,
    /// The checks of tokens and sessions; `None` has neither.
    pub auth: Option<AuthConfig>,
    /// The token for `/admin`, `/nodes` and `/metrics`. Without one they are open on an admin
    /// listener, and on a public listener that requires no tokens of clients either.
    pub admin_token: Option<Secret>,
    /// The origins whose pages may use this node, besides those of its own host.
    pub allowed_origins: Vec<Origin>,
    /// Whether `GET /echo` is served: a WebSocket that returns each message, for
    /// conformance suites.
    pub echo: bool,
    /// The broker that STOMP sessions are passed on to; `None` is the simple broker of the nodes.
    #[cfg(feature = "stomp")]
    pub stomp_relay: Option<StompRelayUrl>,
    /// The source of the load that gateways get besides the count of sockets.
    pub load_source: LoadSource,
    /// The bounds on sizes, counts and times.
    pub limits: NodeLimits,
    /// A function that returns the allocator's live bytes. Without a value the heap is
    /// missing from `/metrics`.
    pub heap_probe: Option<fn() -> Option<u64>>,
    /// A function that returns the number of log lines that this process could not write.
    /// Without it the metric is missing from `/metrics`.
    pub dropped_log_lines: Option<fn() -> u64>,
}

impl NodeConfig {
    /// Returns a cluster of one node with default limits, without TLS, tokens, faults and
    /// heap probe.
    pub fn new(id: NodeId) -> Self {
        Self {
            id,
            backplane: None,
            cluster: ClusterName::default(),
            cluster_secret: None,
            membership_lease: BackplaneConfig::DEFAULT_LEASE,
            advertise: None,
            routing: Routing::Directory,
            allow_faults: false,
            proxies: ProxyConfig::default(),
            tls: None,
            auth: None,
            admin_token: None,
            allowed_origins: Vec::new(),
            echo: false,
            #[cfg(feature = "stomp")]
            stomp_relay: None,
            load_source: LoadSource::Posted,
            limits: NodeLimits::default(),
            heap_probe: None,
            dropped_log_lines: None,
        }
    }
}
