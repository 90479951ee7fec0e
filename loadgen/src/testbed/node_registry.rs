//! The nodes of a cluster: endpoints for clients, targets for the sampler.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc};

use highwater_reports::record::{Source, SourceRole};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{
    TestbedError,
    cluster_process::{ClusterProcess, ProcessStatus},
    node::{NodeSortKey, NodeStatus, ProcessState, RoutingState, node_sort_key},
    scheme::Scheme,
};
use crate::{
    endpoints::Endpoints,
    sampling::{SampleEndpoint, SampleTarget},
};

/// All nodes that were ever started, by number. The registry owns their status; each node
/// owns its child.
#[derive(Debug)]
pub(super) struct NodeRegistry {
    // Sorted, because clients rotate over the endpoints in this order in every run.
    nodes: Mutex<BTreeMap<NodeSortKey, NodeEntry>>,
    endpoints: watch::Sender<Endpoints>,
    scheme: Scheme,
}

#[derive(Debug)]
struct NodeEntry {
    node: Arc<ClusterProcess>,
    status: NodeStatus,
}

impl NodeRegistry {
    /// A registry without nodes.
    pub(super) fn new(scheme: Scheme) -> Self {
        Self {
            scheme,
            nodes: Mutex::default(),
            endpoints: watch::Sender::new(Endpoints::default()),
        }
    }

    /// Returns the node of this name. A new node logs to a file in `log_dir`.
    pub(super) fn get_or_insert(&self, id: &str, log_dir: &Path) -> Arc<ClusterProcess> {
        let mut nodes = self.nodes.lock();
        let entry = nodes.entry(node_sort_key(id)).or_insert_with(|| NodeEntry {
            node: Arc::new(ClusterProcess::new(id, log_dir)),
            status: NodeStatus::default(),
        });
        entry.node.clone()
    }

    /// Returns the node of this name.
    pub(super) fn node(&self, id: &str) -> Result<Arc<ClusterProcess>, TestbedError> {
        let nodes = self.nodes.lock();
        let node = nodes.get(&node_sort_key(id)).map(|entry| &entry.node);
        node.cloned()
            .ok_or_else(|| TestbedError::NoSuchProcess(id.into()))
    }

    /// Returns all nodes in the order of their numbers.
    pub(super) fn nodes(&self) -> Vec<Arc<ClusterProcess>> {
        let nodes = self.nodes.lock();
        nodes.values().map(|entry| entry.node.clone()).collect()
    }

    /// Returns the status of a node; `None` if it was never started.
    pub(super) fn status(&self, id: &str) -> Option<NodeStatus> {
        let nodes = self.nodes.lock();
        nodes.get(&node_sort_key(id)).map(|entry| entry.status)
    }

    /// Returns names and addresses of the nodes that run.
    pub(super) fn running(&self) -> Vec<(String, SocketAddr)> {
        let nodes = self.nodes.lock();
        let running = nodes.values().filter_map(|NodeEntry { node, status }| {
            // Not a paused node: it answers no request, and would hold up a start.
            let is_running = status.state == ProcessState::Running;
            let address = node.status.lock().address.filter(|_| is_running)?;
            Some((node.id.clone(), address))
        });
        running.collect()
    }

    /// Records that a node's process has started. Clients are not sent to it yet.
    pub(super) fn mark_started(&self, id: &str) {
        self.update(id, |status| status.state = ProcessState::Running);
    }

    /// Sends clients to a node from now on.
    pub(super) fn mark_routed(&self, id: &str) {
        self.update(id, |status| status.is_routed = true);
    }

    /// Records that SIGSTOP has stopped a node. A node that is asked to end stays
    /// [`ProcessState::Stopping`].
    pub(super) fn mark_paused(&self, id: &str) {
        self.update(id, |status| {
            if status.state == ProcessState::Running {
                status.state = ProcessState::Paused;
            }
        });
    }

    /// Records that SIGCONT has continued a node.
    pub(super) fn mark_resumed(&self, id: &str) {
        self.update(id, |status| {
            if status.state == ProcessState::Paused {
                status.state = ProcessState::Running;
            }
        });
    }

    /// Records that a node was asked to end, and sends no more clients to it.
    pub(super) fn mark_stopping(&self, id: &str) {
        self.update(id, |status| {
            status.state = ProcessState::Stopping;
            status.is_routed = false;
        });
    }

    /// Records that a node's process has ended.
    pub(super) fn mark_down(&self, id: &str, routing: RoutingState) {
        self.update(id, |status| {
            status.state = ProcessState::Down;
            status.is_routed &= routing == RoutingState::Unchanged;
        });
    }

    /// Returns the addresses of the routed nodes, and their changes.
    pub(super) fn endpoints(&self) -> watch::Receiver<Endpoints> {
        self.endpoints.subscribe()
    }

    /// Returns every node that has listened once, for the sampler.
    pub(super) fn sample_targets(&self) -> Vec<SampleTarget> {
        let nodes = self.nodes.lock();
        let targets = nodes.values().filter_map(|NodeEntry { node, .. }| {
            let ProcessStatus { address, pid } = *node.status.lock();
            // A node that has ended keeps its address: its samples then say that it is down.
            let address = address?;
            let url = format!("{}://{address}/metrics", self.scheme.http);
            Some(SampleTarget::new(
                Source::new(SourceRole::Node, &node.id),
                pid,
                Some(SampleEndpoint::prometheus(url)),
            ))
        });
        targets.collect()
    }

    /// Changes the status of a node, and publishes the endpoints if they have changed.
    fn update(&self, id: &str, change: impl FnOnce(&mut NodeStatus)) {
        let mut nodes = self.nodes.lock();
        if let Some(entry) = nodes.get_mut(&node_sort_key(id)) {
            change(&mut entry.status);
        }
        let routed = nodes.values().filter(|entry| entry.status.is_routed);
        let addresses = routed.filter_map(|entry| entry.node.status.lock().address);
        let now = self.scheme.endpoints(addresses);
        // The lock is held until the endpoints are out, so that of two changes the later
        // one is also published later.
        self.endpoints.send_if_modified(|published| {
            let changed = *published != now;
            *published = now;
            changed
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add_routed(registry: &NodeRegistry, id: &str, port: u16) {
        let node = registry.get_or_insert(id, Path::new("/tmp"));
        node.status.lock().address = Some(SocketAddr::from(([127, 0, 0, 1], port)));
        registry.mark_started(id);
        registry.mark_routed(id);
    }

    #[test]
    fn endpoints_are_those_of_routed_nodes_by_number() {
        let registry = NodeRegistry::new(Scheme::for_tls(false));
        let mut watched = registry.endpoints();
        for (id, port) in [("n10", 10), ("n2", 2), ("n1", 1)] {
            add_routed(&registry, id, port);
        }
        assert_eq!(
            watched.borrow_and_update().http,
            [
                "http://127.0.0.1:1",
                "http://127.0.0.1:2",
                "http://127.0.0.1:10"
            ]
        );
        assert_eq!(
            registry.endpoints().borrow().ws[1],
            "ws://127.0.0.1:2/ws?device={device}"
        );

        // A killed node stays routed, so the endpoints do not change.
        registry.mark_down("n2", RoutingState::Unchanged);
        assert!(!watched.has_changed().unwrap());
        assert_eq!(registry.running().len(), 2);

        registry.mark_down("n2", RoutingState::Removed);
        assert!(watched.has_changed().unwrap());
        assert_eq!(watched.borrow_and_update().http.len(), 2);
        assert_eq!(registry.sample_targets().len(), 3);
    }

    #[test]
    fn stopping_node_stays_stopping_when_it_is_paused() {
        let registry = NodeRegistry::new(Scheme::for_tls(false));
        add_routed(&registry, "n1", 1);
        registry.mark_stopping("n1");
        registry.mark_paused("n1");
        registry.mark_resumed("n1");
        assert_eq!(registry.status("n1").unwrap().state, ProcessState::Stopping);
    }
}
