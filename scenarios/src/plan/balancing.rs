//! What stands in front of a cluster's nodes, and how it spreads what comes.

use serde::{Deserialize, Serialize};

/// Most balancers side by side.
pub const MAX_BALANCERS: u64 = 9;

/// What stands in front of the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BalancerKind {
    /// Nothing: clients rotate over the nodes' own addresses.
    None,
    /// `highwater serve gateway`, which learns of the nodes from the backplane.
    Gateway,
    /// nginx.
    Nginx,
    /// HAProxy.
    Haproxy,
}

/// How new sockets are spread over the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BalancerPolicy {
    /// One after the other.
    RoundRobin,
    /// The one with the fewest.
    LeastConn,
    /// Two drawn at random, and of these the one with fewer.
    P2c,
    /// One drawn at random.
    Random,
}

/// What a policy takes for a node's load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BalancerLoadMetric {
    /// How many sockets it has.
    #[default]
    Sockets,
    /// Live bytes of its allocator.
    Heap,
}

/// How a node that comes or goes in order reaches the balancer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Join {
    /// By membership: nobody tells the balancer.
    #[default]
    Discovery,
    /// A new configuration and a graceful reload.
    Reload,
    /// A command to the running balancer.
    Runtime,
    /// The node stands in the configuration from the start, and is down until it
    /// comes.
    Predeclared,
}

impl BalancerKind {
    /// Its name as people write it; `None` for nothing.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gateway => Some("gateway"),
            Self::Nginx => Some("nginx"),
            Self::Haproxy => Some("HAProxy"),
        }
    }

    /// How nodes may reach it, what is usual first.
    pub fn joins(self) -> &'static [Join] {
        match self {
            Self::None | Self::Gateway => &[Join::Discovery],
            Self::Nginx => &[Join::Reload, Join::Predeclared],
            Self::Haproxy => &[Join::Reload, Join::Runtime, Join::Predeclared],
        }
    }

    /// What its policies may go by, what is usual first.
    pub fn load_metrics(self) -> &'static [BalancerLoadMetric] {
        match self {
            Self::Gateway => &[BalancerLoadMetric::Sockets, BalancerLoadMetric::Heap],
            Self::None | Self::Nginx | Self::Haproxy => &[BalancerLoadMetric::Sockets],
        }
    }

    /// How it may spread sockets, what is usual first.
    pub fn policies(self) -> &'static [BalancerPolicy] {
        match self {
            Self::None => &[BalancerPolicy::RoundRobin],
            Self::Gateway => &[
                BalancerPolicy::P2c,
                BalancerPolicy::LeastConn,
                BalancerPolicy::RoundRobin,
                BalancerPolicy::Random,
            ],
            Self::Nginx | Self::Haproxy => &[
                BalancerPolicy::RoundRobin,
                BalancerPolicy::LeastConn,
                BalancerPolicy::P2c,
                BalancerPolicy::Random,
            ],
        }
    }
}

/// One balancer, for plans that were written before there could be more.
pub(super) fn default_balancers() -> u32 {
    1
}
