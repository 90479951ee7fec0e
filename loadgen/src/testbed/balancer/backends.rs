//! The nodes, as a balancer's configuration names them.

use std::net::SocketAddr;

use serde::Serialize;

use super::super::node_registry::node_sort_key;

/// A node in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct BalancerBackend {
    /// `n1`, …
    pub(super) id: String,
    /// Host and port.
    pub(super) address: String,
    /// Whether it is to get nothing new.
    pub(super) leaving: bool,
}

/// All nodes that were ever named, in the order of their numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct BalancerBackends {
    list: Vec<BalancerBackend>,
}

/// What a balancer is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BackendChange {
    /// There is a node that it has never heard of.
    Added(BalancerBackend),
    /// A node gets nothing new.
    Draining(BalancerBackend),
    /// A node that was leaving takes sockets again.
    Restored(BalancerBackend),
}

impl BalancerBackends {
    /// The nodes.
    pub(super) fn list(&self) -> &[BalancerBackend] {
        &self.list
    }

    /// A node takes sockets; `None` if that was known.
    pub(super) fn add(&mut self, id: &str, address: SocketAddr) -> Option<BackendChange> {
        if let Some(known) = self.list.iter_mut().find(|server| server.id == id) {
            return std::mem::take(&mut known.leaving)
                .then(|| BackendChange::Restored(known.clone()));
        }
        let server = BalancerBackend {
            id: id.to_owned(),
            address: address.to_string(),
            leaving: false,
        };
        self.list.push(server.clone());
        self.list.sort_by_key(|server| node_sort_key(&server.id));
        Some(BackendChange::Added(server))
    }

    /// A node is to get nothing new; `None` if that was known, or the node is not.
    pub(super) fn drain(&mut self, id: &str) -> Option<BackendChange> {
        let known = self.list.iter_mut().find(|server| server.id == id)?;
        let was_leaving = std::mem::replace(&mut known.leaving, true);
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
    fn only_what_is_new_is_told() {
        let mut servers = BalancerBackends::default();
        assert!(matches!(
            servers.add("n10", address(10)),
            Some(BackendChange::Added(_))
        ));
        assert!(matches!(
            servers.add("n2", address(2)),
            Some(BackendChange::Added(_))
        ));
        assert_eq!(servers.add("n2", address(2)), None);
        assert!(matches!(
            servers.drain("n2"),
            Some(BackendChange::Draining(_))
        ));
        assert_eq!(servers.drain("n2"), None);
        assert_eq!(servers.drain("n7"), None);
        assert!(matches!(
            servers.add("n2", address(2)),
            Some(BackendChange::Restored(_))
        ));
        let ids: Vec<&str> = servers.list().iter().map(|server| &server.id[..]).collect();
        assert_eq!(ids, ["n2", "n10"]);
        assert!(servers.list().iter().all(|server| !server.leaving));
    }
}
