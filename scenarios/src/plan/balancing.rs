//! Balancers in front of a cluster's nodes, and their policies.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

/// Most balancers side by side.
pub const MAX_BALANCERS: u64 = 9;

/// The balancer in front of the nodes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum BalancerKind {
    /// No balancer: clients rotate over the nodes' own addresses.
    None,
    /// `highwater serve gateway`, which learns of the nodes from the backplane.
    Gateway,
    /// nginx.
    Nginx,
    /// HAProxy.
    Haproxy,
}

/// The policy by which new sockets are spread over the nodes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum BalancerPolicy {
    /// One node after the other.
    RoundRobin,
    /// The node with the fewest sockets.
    LeastConn,
    /// The node with fewer sockets of two drawn at random.
    P2c,
    /// A node drawn at random.
    Random,
}

/// The load of a node that a policy compares.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum BalancerLoadMetric {
    /// The node's sockets.
    #[default]
    Sockets,
    /// Live bytes of the node's allocator.
    Heap,
}

/// The way in which the balancer learns of a node that comes or goes in order.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Join {
    /// The balancer reads the cluster's membership.
    #[default]
    Discovery,
    /// A new configuration and a graceful reload.
    Reload,
    /// A command to the running balancer.
    Runtime,
    /// The node stands in the configuration from the start, and is down until it comes.
    Predeclared,
}

impl BalancerKind {
    /// Returns the name as its project writes it; `None` without a balancer.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gateway => Some("gateway"),
            Self::Nginx => Some("nginx"),
            Self::Haproxy => Some("HAProxy"),
        }
    }

    /// Returns the ways in which it learns of nodes, the default first.
    pub fn joins(self) -> &'static [Join] {
        match self {
            Self::None | Self::Gateway => &[Join::Discovery],
            Self::Nginx => &[Join::Reload, Join::Predeclared],
            Self::Haproxy => &[Join::Reload, Join::Runtime, Join::Predeclared],
        }
    }

    /// Returns the loads that its policies compare, the default first.
    pub fn load_metrics(self) -> &'static [BalancerLoadMetric] {
        match self {
            Self::Gateway => &[BalancerLoadMetric::Sockets, BalancerLoadMetric::Heap],
            Self::None | Self::Nginx | Self::Haproxy => &[BalancerLoadMetric::Sockets],
        }
    }

    /// Returns its policies, the default first.
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

/// Returns one, for plans that were written before there could be more balancers.
pub(super) fn default_balancers() -> u32 {
    1
}
