//! What a gateway is told when it starts.

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use super::GatewayPolicy;
use crate::{
    backplane::{BackplaneConfig, BackplaneUrl},
    id::{ClusterName, NodeId},
    net::{listener::ConnectionTimeouts, tls::ServerTls},
    rate::Rate,
};

/// Everything a gateway needs to know; [`GatewayConfig::new`] fills in defaults.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// This gateway's name, unique among the members of the cluster.
    pub id: NodeId,
    /// Where the nodes meet.
    pub backplane: BackplaneUrl,
    /// The cluster's name at a broker that others use too.
    pub cluster: ClusterName,
    /// How long this gateway may be silent before the others take it for dead.
    pub membership_lease: Duration,
    /// Which node gets what comes next.
    pub policy: GatewayPolicy,
    /// What the policy goes by.
    pub load_metric: LoadMetric,
    /// How long a node that has come gets less than its share; zero gives it all at
    /// once.
    pub slow_start: Duration,
    /// Between two health checks of a node.
    pub health_interval: Duration,
    /// TLS on the public listener; `None` is plain TCP. To the nodes it is plain.
    pub tls: Option<Arc<ServerTls>>,
    /// Bounds on sizes, counts and times.
    pub limits: GatewayLimits,
    /// Reads the allocator's live bytes; `None`, or an answer of `None`, leaves
    /// the heap out of `/metrics`.
    pub heap_probe: Option<fn() -> Option<u64>>,
}

impl GatewayConfig {
    /// In front of the nodes that meet at `backplane`, with the better of two by the
    /// count of sockets, two seconds of slow start, and a look at each node twice a
    /// second.
    pub fn new(id: NodeId, backplane: BackplaneUrl) -> Self {
        Self {
            id,
            backplane,
            cluster: ClusterName::default(),
            membership_lease: BackplaneConfig::DEFAULT_LEASE,
            policy: GatewayPolicy::P2c,
            load_metric: LoadMetric::Sockets,
            slow_start: Self::SLOW_START,
            health_interval: Self::HEALTH_INTERVAL,
            tls: None,
            limits: GatewayLimits::default(),
            heap_probe: None,
        }
    }

    /// How long a node that has come gets less than its share, where nothing else is
    /// said.
    pub const SLOW_START: Duration = Duration::from_secs(2);
    /// Between two health checks, where nothing else is said.
    pub const HEALTH_INTERVAL: Duration = Duration::from_millis(500);
}

/// Bounds of a gateway.
#[derive(Debug, Clone)]
pub struct GatewayLimits {
    /// How long a client may take to send a request's head, counted from the end of
    /// the request before it.
    pub header_timeout: Duration,
    /// The same for the first request of a connection.
    pub first_request_timeout: Duration,
    /// How long a client's TLS handshake may take.
    pub handshake_timeout: Duration,
    /// TLS handshakes under way; what comes beyond them is closed.
    pub max_concurrent_handshakes: usize,
    /// New TLS handshakes a second; `None` takes what comes.
    pub handshake_rate: Option<Rate>,
    /// How long a client may leave what the kernel sends it unacknowledged.
    pub tcp_user_timeout: Duration,
    /// Connections of all kinds on the public listener; `None` is what the process's
    /// open files leave room for at two each, less a reserve.
    pub max_connections: Option<usize>,
    /// How long a node may take to let the gateway connect.
    pub connect_timeout: Duration,
    /// How long all attempts to open one socket may take together.
    pub upgrade_timeout: Duration,
    /// How long a node may take to begin its answer to a request that does not say
    /// itself how long it waits.
    pub response_timeout: Duration,
    /// How long a node may be silent in the midst of an answer; longer than it takes
    /// to the next sign of life of an event stream.
    pub response_idle_timeout: Duration,
    /// How much longer than a command says that it waits, so that the node's own word
    /// comes first.
    pub response_grace: Duration,
    /// Nodes that are tried for one request, or one socket.
    pub max_attempts: usize,
    /// Connections to one node that are kept for the next request.
    pub max_idle_connections: usize,
    /// How long one is kept; shorter than nodes keep theirs, so that none is closed
    /// under a request that is just leaving.
    pub idle_timeout: Duration,
    /// How long a socket of which one side has ended waits for the other.
    pub half_close_timeout: Duration,
    /// How long `/readyz` fails before a drain closes its first socket.
    pub drain_delay: Duration,
    /// Sockets that a drain closes, a second.
    pub drain_rate: Rate,
    /// How long a drain waits, after the sockets, for requests under way.
    pub drain_grace: Duration,
}

impl Default for GatewayLimits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(120),
            first_request_timeout: Duration::from_secs(10),
            handshake_timeout: Duration::from_secs(10),
            max_concurrent_handshakes: 4096,
            handshake_rate: None,
            tcp_user_timeout: Duration::from_secs(60),
            max_connections: None,
            connect_timeout: Duration::from_secs(2),
            upgrade_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(65),
            response_idle_timeout: Duration::from_secs(60),
            response_grace: Duration::from_millis(250),
            max_attempts: 3,
            max_idle_connections: 64,
            idle_timeout: Duration::from_secs(60),
            half_close_timeout: Duration::from_secs(10),
            drain_delay: Duration::from_secs(1),
            drain_rate: Rate::whole(500),
            drain_grace: Duration::from_secs(5),
        }
    }
}

impl From<&GatewayLimits> for ConnectionTimeouts {
    fn from(limits: &GatewayLimits) -> Self {
        Self {
            tls_handshake: limits.handshake_timeout,
            first_request: limits.first_request_timeout,
            request_head: limits.header_timeout,
            tcp_user_timeout: limits.tcp_user_timeout,
        }
    }
}

/// What a policy goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadMetric {
    /// A node's own count of sockets, and what this gateway has assigned since.
    Sockets,
    /// The load of the node's own making, grown with what this gateway has assigned
    /// since. While one of the nodes has none, their sockets.
    Custom,
}

/// A word that is no measure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown load {0:?}: expected \"sockets\" or \"custom\"")]
pub struct UnknownLoadMetric(String);

impl FromStr for LoadMetric {
    type Err = UnknownLoadMetric;

    fn from_str(text: &str) -> Result<Self, UnknownLoadMetric> {
        match text {
            "sockets" => Ok(Self::Sockets),
            "custom" => Ok(Self::Custom),
            other => Err(UnknownLoadMetric(other.to_owned())),
        }
    }
}

impl fmt::Display for LoadMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sockets => "sockets",
            Self::Custom => "custom",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures() {
        for measure in [LoadMetric::Sockets, LoadMetric::Custom] {
            assert_eq!(measure.to_string().parse(), Ok(measure));
        }
        assert!("cpu".parse::<LoadMetric>().is_err());
    }
}
