//! The nodes and balancers of a plan's cluster.

use std::{collections::BTreeSet, ops::RangeInclusive};

use crate::{
    Plan,
    plan::{BalancerKind, EventKind, NodeEffect},
};

/// The sockets and connections that one balancer forwards when everything is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BalancerShare {
    /// Balancers side by side.
    pub balancers: u64,
    /// Sockets of one of them.
    pub sockets: u64,
    /// HTTP connections from clients to one of them.
    pub connections: u64,
}

impl BalancerShare {
    /// Returns the open files that this takes: each socket and connection has one towards the
    /// client and one towards the node.
    pub fn open_files(&self) -> u64 {
        2 * (self.sockets + self.connections)
    }
}

impl Plan {
    /// Returns the fewest and the most nodes that take sockets at any time of the plan; `None`
    /// for a system that the harness does not start.
    pub fn node_count_range(&self) -> Option<RangeInclusive<u64>> {
        let cluster = self.cluster()?;
        // The rules have checked that each event is possible, so names are enough.
        let mut up: BTreeSet<String> = (1..=cluster.nodes).map(|n| format!("n{n}")).collect();
        let (mut fewest, mut most) = (up.len(), up.len());
        // Events are in order of time, so each state of the cluster is seen once.
        for event in &self.events {
            match EventKind::from(&event.action).node_effect() {
                NodeEffect::TakesSockets => {
                    up.insert(event.node.clone());
                }
                NodeEffect::TakesNone => {
                    up.remove(&event.node);
                }
                NodeEffect::Unchanged => {}
            }
            fewest = fewest.min(up.len());
            most = most.max(up.len());
        }
        Some(fewest as u64..=most as u64)
    }

    /// Returns the share of one balancer when clients spread evenly over all of them; `None`
    /// where the harness starts none.
    pub fn balancer_share(&self) -> Option<BalancerShare> {
        let cluster = self.cluster()?;
        if cluster.balancer == BalancerKind::None {
            return None;
        }
        // A plan of an old manifest may hold 0.
        let balancers = u64::from(cluster.balancers.max(1));
        Some(BalancerShare {
            balancers,
            // Rounded up, because the fullest balancer is the one that meets a limit.
            sockets: self.sockets().div_ceil(balancers),
            connections: self.http_connections().div_ceil(balancers),
        })
    }
}
