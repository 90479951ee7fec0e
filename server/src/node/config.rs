//! The configuration of a node.

use std::{sync::Arc, time::Duration};

use super::reported_load::LoadSource;
use crate::{
    auth::AuthConfig,
    backplane::{BackplaneConfig, BackplaneUrl},
    cluster::Routing,
    id::{ClusterName, NodeId},
    limits::NodeLimits,
    net::tls::ServerTls,
};

/// Everything a node needs to know; [`NodeConfig::new`] fills in defaults.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// This node's name, unique in the cluster.
    pub id: NodeId,
    /// How nodes find each other; `None` is a cluster of one.
    pub backplane: Option<BackplaneUrl>,
    /// The cluster's name at a broker that others use too.
    pub cluster: ClusterName,
    /// How long this node may be silent before the others take it for dead.
    pub membership_lease: Duration,
    /// `HOST:PORT` at which gateways and operators reach this node; `None` is the
    /// address that it listens on.
    pub advertise: Option<String>,
    /// How a command finds the node that owns its device.
    pub routing: Routing,
    /// Whether `POST /admin/faults` is served.
    pub allow_faults: bool,
    /// TLS on the public listener; `None` is plain TCP.
    pub tls: Option<Arc<ServerTls>>,
    /// Tokens and sessions; `None` knows none of both.
    pub auth: Option<AuthConfig>,
    /// Whether `GET /echo` is served: a WebSocket that says back what it is told,
    /// for conformance suites.
    pub echo: bool,
    /// What gateways are told besides the count of sockets.
    pub load_source: LoadSource,
    /// Bounds on sizes, counts and times.
    pub limits: NodeLimits,
    /// Reads the allocator's live bytes; `None`, or an answer of `None`, leaves
    /// the heap out of `/metrics`.
    pub heap_probe: Option<fn() -> Option<u64>>,
}

impl NodeConfig {
    /// A cluster of one with default limits, without TLS, tokens, faults and a heap
    /// probe.
    pub fn new(id: NodeId) -> Self {
        Self {
            id,
            backplane: None,
            cluster: ClusterName::default(),
            membership_lease: BackplaneConfig::DEFAULT_LEASE,
            advertise: None,
            routing: Routing::Directory,
            allow_faults: false,
            tls: None,
            auth: None,
            echo: false,
            load_source: LoadSource::Posted,
            limits: NodeLimits::default(),
            heap_probe: None,
        }
    }
}
