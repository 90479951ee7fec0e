//! The nodes, as a balancer's configuration names them.

use std::net::SocketAddr;

use serde::Serialize;

use super::super::node_registry::place;

/// A node in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Server {
    /// `n1`, …
    pub(super) id: String,
    /// Host and port.
    pub(super) address: String,
    /// Whether it is to get nothing new.
    pub(super) leaving: bool,
}

/// All nodes that were ever named, in the order of their numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Servers {
    list: Vec<Server>,
}

/// What a balancer is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// There is a node that it has never heard of.
    Added(Server),
    /// A node gets nothing new.
    Leaving(Server),
    /// A node that was leaving takes sockets again.
    Back(Server),
}

impl Servers {
    /// The nodes.
    pub(super) fn list(&self) -> &[Server] {
        &self.list
    }

    /// A node takes sockets; `None` if that was known.
    pub(super) fn join(&mut self, id: &str, address: SocketAddr) -> Option<Change> {
        if let Some(known) = self.list.iter_mut().find(|server| server.id == id) {
            return std::mem::take(&mut known.leaving).then(|| Change::Back(known.clone()));
        }
        let server = Server {
            id: id.to_owned(),
            address: address.to_string(),
            leaving: false,
        };
        self.list.push(server.clone());
        self.list.sort_by_key(|server| place(&server.id));
        Some(Change::Added(server))
    }

    /// A node is to get nothing new; `None` if that was known, or the node is not.
    pub(super) fn leave(&mut self, id: &str) -> Option<Change> {
        let known = self.list.iter_mut().find(|server| server.id == id)?;
        let was_leaving = std::mem::replace(&mut known.leaving, true);
        (!was_leaving).then(|| Change::Leaving(known.clone()))
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
        let mut servers = Servers::default();
        assert!(matches!(
            servers.join("n10", address(10)),
            Some(Change::Added(_))
        ));
        assert!(matches!(
            servers.join("n2", address(2)),
            Some(Change::Added(_))
        ));
        assert_eq!(servers.join("n2", address(2)), None);
        assert!(matches!(servers.leave("n2"), Some(Change::Leaving(_))));
        assert_eq!(servers.leave("n2"), None);
        assert_eq!(servers.leave("n7"), None);
        assert!(matches!(
            servers.join("n2", address(2)),
            Some(Change::Back(_))
        ));
        let ids: Vec<&str> = servers.list().iter().map(|server| &server.id[..]).collect();
        assert_eq!(ids, ["n2", "n10"]);
        assert!(servers.list().iter().all(|server| !server.leaving));
    }
}
