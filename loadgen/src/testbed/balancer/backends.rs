//! The nodes as a balancer's configuration names them.

use std::{mem, net::SocketAddr};

use serde::Serialize;

use super::super::node::node_sort_key;

/// A node in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct BalancerBackend {
    /// The name of the node: `n1`, `n2`, …
    pub(super) id: String,
    /// The host and the port of the node.
    pub(super) address: String,
    /// Whether the node drains, so that it gets no new sockets.
    pub(super) leaving: bool,
}

/// All nodes that a balancer was ever given, by number.
#[derive(Debug, Clone, Default)]
pub(super) struct BalancerBackends {
    /// The nodes.
    pub(super) list: Vec<BalancerBackend>,
}

/// A change that a running balancer has to learn of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BackendChange {
    /// A node that the balancer does not know.
    Added(BalancerBackend),
    /// A node that gets no new sockets any more.
    Draining(BalancerBackend),
    /// A node that was draining and gets sockets again.
    Restored(BalancerBackend),
}

impl BalancerBackends {
    /// Adds or restores a node; `None` if that changes nothing.
    pub(super) fn add(&mut self, id: &str, address: SocketAddr) -> Option<BackendChange> {
        if let Some(known) = self.list.iter_mut().find(|backend| backend.id == id) {
            // A node keeps its address for the whole run, so only `leaving` can change.
            return mem::take(&mut known.leaving).then(|| BackendChange::Restored(known.clone()));
        }
        let backend = BalancerBackend {
            id: id.to_owned(),
            address: address.to_string(),
            leaving: false,
        };
        self.list.push(backend.clone());
        self.list.sort_by_key(|backend| node_sort_key(&backend.id));
        Some(BackendChange::Added(backend))
    }

    /// Drains a node; `None` if that changes nothing or the node is unknown.
    pub(super) fn drain(&mut self, id: &str) -> Option<BackendChange> {
        let known = self.list.iter_mut().find(|backend| backend.id == id)?;
        let was_leaving = mem::replace(&mut known.leaving, true);
        (!was_leaving).then(|| BackendChange::Draining(known.clone()))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A node on loopback.
    pub(in super::super) fn backend(id: &str, port: u16, leaving: bool) -> BalancerBackend {
        BalancerBackend {
            id: id.to_owned(),
            address: format!("127.0.0.1:{port}"),
            leaving,
        }
    }

    /// Two nodes, the second of which drains.
    pub(in super::super) fn two_backends() -> [BalancerBackend; 2] {
        [backend("n1", 8081, false), backend("n2", 8082, true)]
    }

    #[test]
    fn repeated_add_or_drain_changes_nothing() {
        let mut backends = BalancerBackends::default();
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let n2 = |leaving| backend("n2", 2, leaving);
        assert!(backends.add("n10", address(10)).is_some());
        let added = Some(BackendChange::Added(n2(false)));
        assert_eq!(backends.add("n2", address(2)), added);
        assert_eq!(backends.add("n2", address(2)), None);
        let draining = Some(BackendChange::Draining(n2(true)));
        assert_eq!(backends.drain("n2"), draining);
        assert_eq!(backends.drain("n2"), None);
        assert_eq!(backends.drain("n7"), None);
        let restored = Some(BackendChange::Restored(n2(false)));
        assert_eq!(backends.add("n2", address(2)), restored);
        assert_eq!(backends.list, [n2(false), backend("n10", 10, false)]);
    }
}
