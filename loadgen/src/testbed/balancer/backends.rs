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
    list: Vec<BalancerBackend>,
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
    /// The nodes.
    pub(super) fn list(&self) -> &[BalancerBackend] {
        &self.list
    }

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
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn repeated_add_or_drain_is_no_change() {
        let mut backends = BalancerBackends::default();
        assert!(matches!(
            backends.add("n10", address(10)),
            Some(BackendChange::Added(_))
        ));
        assert!(matches!(
            backends.add("n2", address(2)),
            Some(BackendChange::Added(_))
        ));
        assert_eq!(backends.add("n2", address(2)), None);
        assert!(matches!(
            backends.drain("n2"),
            Some(BackendChange::Draining(_))
        ));
        assert_eq!(backends.drain("n2"), None);
        assert_eq!(backends.drain("n7"), None);
        assert!(matches!(
            backends.add("n2", address(2)),
            Some(BackendChange::Restored(_))
        ));
        let ids: Vec<&str> = backends
            .list()
            .iter()
            .map(|backend| &backend.id[..])
            .collect();
        assert_eq!(ids, ["n2", "n10"]);
        assert!(backends.list().iter().all(|backend| !backend.leaving));
    }
}
