//! The configuration of a gateway.

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use super::{AllowedNetworks, GatewayPolicy};
use crate::{
    auth::Secret,
    backplane::{BackplaneConfig, BackplaneUrl, ClusterSecret},
    id::{ClusterName, NodeId},
    net::{listener::ConnectionTimeouts, proxies::ProxyConfig, tls::ServerTls},
    rate::Rate,
};

/// The configuration of a gateway. [`GatewayConfig::new`] fills in the defaults.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// This gateway's name, unique among the members of the cluster.
    pub id: NodeId,
    /// The backplane that the nodes join.
    pub backplane: BackplaneUrl,
    /// The name of the nodes' cluster at a broker that other clusters use too.
    pub cluster: ClusterName,
    /// The secret by which the processes of the cluster know each other.
    pub cluster_secret: Option<ClusterSecret>,
    /// The networks in which this gateway connects to nodes.
    pub allowed_networks: AllowedNetworks,
    /// Time of silence after which the other members remove this gateway.
    pub membership_lease: Duration,
    /// The policy that chooses nodes.
    pub policy: GatewayPolicy,
    /// The load that the policy compares.
    pub load_metric: LoadMetric,
    /// Slow start: time until a new node gets its full share. Zero turns it off.
    pub slow_start: Duration,
    /// Interval between two health checks of a node.
    pub health_interval: Duration,
    /// The proxies in front of this gateway.
    pub proxies: ProxyConfig,
    /// TLS on the public listener; `None` is plain TCP. Connections to nodes are plain TCP.
    pub tls: Option<Arc<ServerTls>>,
    /// The token for `/admin`, `/nodes` and `/metrics`; `None` leaves them open.
    pub admin_token: Option<Secret>,
    /// Bounds on sizes, counts and times.
    pub limits: GatewayLimits,
    /// A function that returns the allocator's live bytes. Without a value the heap is missing
    /// from `/metrics`.
    pub heap_probe: Option<fn() -> Option<u64>>,
    /// A function that returns the number of log lines that this process could not write.
    /// Without it the metric is missing from `/metrics`.
    pub dropped_log_lines: Option<fn() -> u64>,
}

impl GatewayConfig {
    /// Returns the defaults for the nodes on `backplane`: the better of two random choices by
    /// sockets, two seconds of slow start, and two health checks a second for each node.
    pub fn new(id: NodeId, backplane: BackplaneUrl) -> Self {
        Self {
            id,
            backplane,
            cluster: ClusterName::default(),
            cluster_secret: None,
            allowed_networks: AllowedNetworks::default(),
            membership_lease: BackplaneConfig::DEFAULT_LEASE,
            policy: GatewayPolicy::P2c,
            load_metric: LoadMetric::Sockets,
            slow_start: Self::SLOW_START,
            health_interval: Self::HEALTH_INTERVAL,
            proxies: ProxyConfig::default(),
            tls: None,
            admin_token: None,
            limits: GatewayLimits::default(),
            heap_probe: None,
            dropped_log_lines: None,
        }
    }

    /// Default time until a new node gets its full share.
    pub const SLOW_START: Duration = Duration::from_secs(2);
    /// Default interval between two health checks.
    pub const HEALTH_INTERVAL: Duration = Duration::from_millis(500);
}

/// Bounds of a gateway.
#[derive(Debug, Clone)]
pub struct GatewayLimits {
    /// Limit for the head of a request, from the end of the request before it.
    pub header_timeout: Duration,
    /// Limit for the first request of a connection.
    pub first_request_timeout: Duration,
    /// Limit for a header of the PROXY protocol.
    pub proxy_header_timeout: Duration,
    /// Limit for the TLS handshake of a client.
    pub handshake_timeout: Duration,
    /// TLS handshakes under way; further connections are closed.
    pub max_concurrent_handshakes: usize,
    /// New TLS handshakes a second; `None` has no limit.
    pub handshake_rate: Option<Rate>,
    /// Time for which a client may leave sent data unacknowledged (TCP_USER_TIMEOUT).
    pub tcp_user_timeout: Duration,
    /// Connections of all kinds on the public listener. `None` derives the limit from the open
    /// files of the process: two for each, and a reserve. A sixteenth of them, at most 128, is
    /// never used by forwarded sockets.
    pub max_connections: Option<usize>,
    /// Connections of one client address that are not forwarded sockets. `None` is half of all,
    /// and at least 128.
    pub connections_per_address: Option<usize>,
    /// Limit for a connection to a node.
    pub connect_timeout: Duration,
    /// Limit for all attempts to open one socket together.
    pub upgrade_timeout: Duration,
    /// Limit for the head of a node's response, if the request does not carry its own timeout.
    pub response_timeout: Duration,
    /// Longest silence of a node within a response.
    pub response_idle_timeout: Duration,
    /// Time added to a command's own timeout.
    pub response_grace: Duration,
    /// Most nodes that are tried for one request, or one socket.
    pub max_attempts: usize,
    /// Most connections to one node that are kept for the next request.
    pub max_idle_connections: usize,
    /// Time for which an idle connection is kept.
    pub idle_timeout: Duration,
    /// Time that one side of a socket has left after the other side has ended.
    pub half_close_timeout: Duration,
    /// Time for which `/readyz` fails before a drain closes the first socket.
    pub drain_delay: Duration,
    /// Sockets that a drain closes, a second.
    pub drain_rate: Rate,
    /// Time that requests under way have after the last socket of a drain.
    pub drain_grace: Duration,
}

impl Default for GatewayLimits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(120),
            first_request_timeout: Duration::from_secs(10),
            proxy_header_timeout: Duration::from_secs(5),
            handshake_timeout: Duration::from_secs(10),
            max_concurrent_handshakes: 4096,
            handshake_rate: None,
            tcp_user_timeout: Duration::from_secs(60),
            max_connections: None,
            connections_per_address: None,
            connect_timeout: Duration::from_secs(2),
            upgrade_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(65),
            // Event streams carry a comment every 15 s.
            response_idle_timeout: Duration::from_secs(60),
            // The node's own 504 arrives first.
            response_grace: Duration::from_millis(250),
            max_attempts: 3,
            max_idle_connections: 64,
            // Shorter than the nodes' limit of 120 s: otherwise a node could close a connection
            // under a request that is just being sent.
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
            proxy_header: limits.proxy_header_timeout,
            tls_handshake: limits.handshake_timeout,
            first_request: limits.first_request_timeout,
            request_head: limits.header_timeout,
            tcp_user_timeout: limits.tcp_user_timeout,
        }
    }
}

/// A load that a policy compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadMetric {
    /// The node's own count of sockets, with the sockets that this gateway has assigned since.
    Sockets,
    /// The load that the node reports, with an estimate for the sockets that this gateway has
    /// assigned since. If one of the nodes reports none, the policy compares sockets.
    Custom,
}

/// The error of a word that is not a load metric.
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
    fn load_metric_round_trips_as_text() {
        for metric in [LoadMetric::Sockets, LoadMetric::Custom] {
            assert_eq!(metric.to_string().parse(), Ok(metric));
        }
        assert!("cpu".parse::<LoadMetric>().is_err());
    }
}
