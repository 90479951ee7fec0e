//! Who belongs to the cluster, and what is shown of it: endpoints to clients,
//! processes to the sampler.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, sync::Arc};

use highwater_reports::record::{Source, SourceRole};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

use super::{TestbedError, node::NodeProcess};
use crate::{
    endpoints::Endpoints,
    sampling::{SampleEndpoint, SampleTarget},
};

/// All nodes that were ever started, by number. It owns what is shown of them;
/// their processes are owned by the nodes.
#[derive(Debug)]
pub(super) struct NodeRegistry {
    nodes: Mutex<BTreeMap<NodeSortKey, NodeEntry>>,
    endpoints: watch::Sender<Endpoints>,
    scheme: Scheme,
}

/// What addresses begin with.
#[derive(Debug, Clone, Copy)]
struct Scheme {
    ws: &'static str,
    http: &'static str,
}

/// What is shown of a node.
#[derive(Debug, Clone)]
pub(super) struct NodeStatus {
    /// Where it listens, or did before it ended.
    pub(super) address: Option<SocketAddr>,
    /// Its process, unless it has ended.
    pub(super) pid: Option<u32>,
    /// What it is doing.
    pub(super) state: ProcessState,
    /// Whether clients are sent to it. A killed node stays listed: its clients
    /// meet a refusal, as they do behind DNS.
    pub(super) is_routed: bool,
}

/// What a node is doing.
///
/// ```text
/// Down     -> Running             started
/// Running <-> Paused              pause, resume
/// Running, Paused -> Leaving      asked to drain or to end; a pause changes nothing then
/// Running, Paused, Leaving -> Down
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProcessState {
    /// There is no process.
    Down,
    /// It runs and is meant to go on.
    Running,
    /// It is stopped by SIGSTOP.
    Paused,
    /// It was asked to end.
    Stopping,
}

/// Nodes stand in the order of their numbers: n2 before n10.
pub(super) type NodeSortKey = (u64, String);

#[derive(Debug)]
struct NodeEntry {
    node: Arc<NodeProcess>,
    status: NodeStatus,
}

impl NodeRegistry {
    /// Without nodes yet; with `secure` ones, clients speak TLS.
    pub(super) fn new(secure: bool) -> Self {
        let scheme = if secure {
            Scheme {
                ws: "wss",
                http: "https",
            }
        } else {
            Scheme {
                ws: "ws",
                http: "http",
            }
        };
        Self {
            scheme,
            nodes: Mutex::default(),
            endpoints: watch::Sender::new(Endpoints::default()),
        }
    }

    /// The node of this name; a new one, logging into `log`, if there was none.
    pub(super) fn get_or_insert(&self, id: &str, log: PathBuf) -> Arc<NodeProcess> {
        let mut nodes = self.lock();
        let entry = nodes.entry(node_sort_key(id)).or_insert_with(|| NodeEntry {
            node: Arc::new(NodeProcess::new(id, log)),
            status: NodeStatus {
                address: None,
                pid: None,
                state: ProcessState::Down,
                is_routed: false,
            },
        });
        entry.node.clone()
    }

    /// The node of this name.
    pub(super) fn node(&self, id: &str) -> Result<Arc<NodeProcess>, TestbedError> {
        let nodes = self.lock();
        let entry = nodes.get(&node_sort_key(id));
        entry
            .map(|entry| entry.node.clone())
            .ok_or_else(|| TestbedError::NoSuchNode { id: id.into() })
    }

    /// All nodes, in order.
    pub(super) fn nodes(&self) -> Vec<Arc<NodeProcess>> {
        self.lock()
            .values()
            .map(|entry| entry.node.clone())
            .collect()
    }

    /// What is shown of a node.
    pub(super) fn status(&self, id: &str) -> Option<NodeStatus> {
        self.lock()
            .get(&node_sort_key(id))
            .map(|entry| entry.status.clone())
    }

    /// Changes what is shown of a node, and tells who watches the endpoints.
    pub(super) fn update_status(&self, id: &str, change: impl FnOnce(&mut NodeStatus)) {
        let mut nodes = self.lock();
        if let Some(entry) = nodes.get_mut(&node_sort_key(id)) {
            change(&mut entry.status);
        }
        let now = endpoints(&nodes, self.scheme);
        self.endpoints.send_if_modified(|seen| {
            let changed = *seen != now;
            *seen = now;
            changed
        });
    }

    /// Names and addresses of the nodes that run.
    pub(super) fn running(&self) -> Vec<(String, SocketAddr)> {
        let nodes = self.lock();
        let running = nodes
            .iter()
            .filter(|(_, entry)| entry.status.state == ProcessState::Running);
        running
            .filter_map(|((_, id), entry)| Some((id.clone(), entry.status.address?)))
            .collect()
    }

    /// Where clients are sent now, and from now on.
    pub(super) fn endpoints(&self) -> watch::Receiver<Endpoints> {
        self.endpoints.subscribe()
    }

    /// Every node that has listened once, for the sampler.
    pub(super) fn sample_targets(&self) -> Vec<SampleTarget> {
        let nodes = self.lock();
        let seen = nodes.iter().filter_map(|((_, id), entry)| {
            let address = entry.status.address?;
            Some(SampleTarget {
                source: Source::new(SourceRole::Node, id),
                pid: entry.status.pid,
                endpoint: Some(SampleEndpoint::Prometheus {
                    url: format!("{}://{address}/metrics", self.scheme.http),
                    sockets_metric: None,
                }),
            })
        });
        seen.collect()
    }

    /// No critical section can leave the map half changed, so a panic in one
    /// does not spoil it.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<NodeSortKey, NodeEntry>> {
        self.nodes.lock()
    }
}

fn endpoints(nodes: &BTreeMap<NodeSortKey, NodeEntry>, scheme: Scheme) -> Endpoints {
    let listed = nodes.values().filter(|entry| entry.status.is_routed);
    let addresses: Vec<SocketAddr> = listed.filter_map(|entry| entry.status.address).collect();
    Endpoints {
        ws: addresses
            .iter()
            .map(|address| format!("{}://{address}/ws?device={{device}}", scheme.ws))
            .collect(),
        http: addresses
            .iter()
            .map(|address| format!("{}://{address}", scheme.http))
            .collect(),
    }
}

/// A name without a number stands behind those with one.
pub(super) fn node_sort_key(id: &str) -> NodeSortKey {
    let digits = id.trim_start_matches(|c: char| !c.is_ascii_digit());
    (digits.parse().unwrap_or(u64::MAX), id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(roster: &NodeRegistry, id: &str, port: u16) {
        roster.get_or_insert(id, PathBuf::from("/dev/null"));
        roster.update_status(id, |shown| {
            shown.address = Some(SocketAddr::from(([127, 0, 0, 1], port)));
            shown.state = ProcessState::Running;
            shown.is_routed = true;
        });
    }

    #[test]
    fn endpoints_stand_in_the_order_of_numbers_and_only_while_listed() {
        let roster = NodeRegistry::new(false);
        let mut watched = roster.endpoints();
        for (id, port) in [("n10", 10), ("n2", 2), ("n1", 1)] {
            listed(&roster, id, port);
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
            roster.endpoints().borrow().ws[1],
            "ws://127.0.0.1:2/ws?device={device}"
        );

        // A killed node stays listed, and nobody is told of a change.
        roster.update_status("n2", |shown| shown.state = ProcessState::Down);
        assert!(!watched.has_changed().unwrap());
        assert_eq!(roster.running().len(), 2);

        roster.update_status("n2", |shown| shown.is_routed = false);
        assert!(watched.has_changed().unwrap());
        assert_eq!(watched.borrow_and_update().http.len(), 2);
        assert_eq!(roster.sample_targets().len(), 3);
    }
}
