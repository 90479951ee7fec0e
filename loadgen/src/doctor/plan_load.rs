//! What a plan takes of this machine, when its workers run here.
//!
//! - `memory`: of its memory.

mod memory;

use std::{collections::BTreeMap, net::Ipv4Addr};

use highwater_scenarios::{
    BalancerShare, Plan, Segment,
    plan::{DevicePool, System, Target},
};
use tokio_tungstenite::tungstenite::http::Uri;

use self::memory::memory;
use super::costs::{CLIENT_HEARTBEAT_NS, NODE_HEARTBEAT_NS};

/// What a plan takes when everything is open.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// Worker processes.
    pub workers: u32,
    /// Fewest workers that may open the files their shares take; `None` where
    /// the limit of open files is unknown.
    pub workers_needed: Option<u32>,
    /// Sockets of the largest share.
    pub worker_sockets: u64,
    /// Files of the largest share: sockets and HTTP connections.
    pub worker_files: u64,
    /// The cluster's nodes, where the harness starts them.
    pub nodes: Option<NodeLoad>,
    /// What one of the balancers forwards, where the harness starts any.
    pub balancers: Option<BalancerShare>,
    /// Files of all processes on this machine.
    pub files: u64,
    /// Memory.
    pub memory: highwater_scenarios::Memory,
    /// Processes on this machine.
    pub processes: u64,
    /// The address that most connections go to from one source address, and
    /// their number.
    pub busiest: Option<Busiest>,
    /// Connections that a firewall on this machine sees.
    pub connections: u64,
    /// Processor time of all heartbeats, in processors.
    pub heartbeats: f64,
    /// Sockets that open per second, at most.
    pub opens_per_s: f64,
}

/// What the nodes of a cluster take, when clients spread evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeLoad {
    /// Nodes at the plan's best moment.
    pub most: u64,
    /// Nodes at its worst moment, 0 included.
    pub fewest: u64,
    /// Sockets of a node at the best moment.
    pub spread: u64,
    /// Sockets and HTTP connections of a node at the worst.
    pub crowded: u64,
}

/// Connections from one source address to one address and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Busiest {
    /// Host and port, or what stands for it.
    pub address: String,
    /// How many.
    pub connections: u64,
}

impl Load {
    /// What `plan` takes with `workers` processes, or with as many as it needs
    /// where a process may open `files_per_process` files.
    /// `available_bytes` is handed on.
    pub fn new(
        plan: &Plan,
        workers: Option<u32>,
        files_per_process: Option<u64>,
        available_bytes: Option<u64>,
    ) -> Self {
        let workers_needed = files_per_process.map(|files| plan.workers_needed(files));
        let workers = workers.or(workers_needed).unwrap_or(1).max(1);
        let share = Segment::new(0, workers).unwrap_or_else(|_| Segment::whole());
        let (sockets, connections) = (plan.sockets(), plan.http_connections());
        let nodes = plan.nodes().map(|nodes| NodeLoad {
            most: *nodes.end(),
            fewest: *nodes.start(),
            spread: sockets.div_ceil((*nodes.end()).max(1)),
            crowded: (sockets + connections).div_ceil((*nodes.start()).max(1)),
        });
        let balancers = plan.balancer_share();
        let ends = match (nodes, balancers) {
            (None, _) => 1,
            (Some(_), None) => 2,
            (Some(_), Some(_)) => 4,
        };
        // The coordinator, and a broker where there are nodes to join. A balancer of
        // somebody else's works through a child.
        let others = nodes.map_or(1, |nodes| nodes.most + 2)
            + consumers(plan)
            + balancers.map_or(0, |share| 2 * share.balancers);
        Self {
            workers,
            workers_needed,
            worker_sockets: plan
                .devices
                .iter()
                .map(|pool| share.share_of(pool.count))
                .sum(),
            worker_files: plan.files(share),
            nodes,
            balancers,
            files: (sockets + connections) * ends,
            memory: memory(plan, workers, nodes, ends, available_bytes),
            processes: u64::from(workers) + others,
            busiest: busiest(plan, nodes, balancers),
            // Two ends are one connection; of a target's, one is elsewhere.
            connections: (sockets + connections) * ends.div_ceil(2),
            heartbeats: heartbeats(plan),
            opens_per_s: opens_per_s(&plan.devices),
        }
    }
}

/// Consumers of readings that the harness starts.
fn consumers(plan: &Plan) -> u64 {
    match &plan.system {
        System::Cluster(cluster) => cluster.consumers.count.into(),
        System::Target(_) => 0,
    }
}

fn heartbeats(plan: &Plan) -> f64 {
    let each_ns = match plan.system {
        System::Cluster(_) => CLIENT_HEARTBEAT_NS + NODE_HEARTBEAT_NS,
        System::Target(_) => CLIENT_HEARTBEAT_NS,
    };
    plan.heartbeats_per_s() * each_ns as f64 / 1e9
}

/// Pools of the ramp open at once, the others each at its own time.
fn opens_per_s(pools: &[DevicePool]) -> f64 {
    let rate = |pool: &DevicePool| pool.ramp.as_per_second();
    let (late, ramp): (Vec<_>, Vec<_>) = pools.iter().partition(|pool| pool.start.is_some());
    let ramp: f64 = ramp.into_iter().map(rate).sum();
    late.into_iter().map(rate).fold(ramp, f64::max)
}

/// Sockets to 127.0.0.0/8 come from many addresses (`worker/swarm/source.rs`),
/// so only commands count there. A balancer has one address for all that it forwards,
/// and so have several on one machine.
fn busiest(
    plan: &Plan,
    nodes: Option<NodeLoad>,
    balancers: Option<BalancerShare>,
) -> Option<Busiest> {
    match (&plan.system, nodes) {
        (System::Cluster(_), Some(nodes)) if balancers.is_some() => Some(Busiest {
            address: "each node's port from the balancers".to_owned(),
            connections: nodes.crowded,
        }),
        (System::Cluster(_), nodes) => {
            let nodes = nodes.map_or(1, |nodes| nodes.most.max(1));
            Some(Busiest {
                address: "each node's port".to_owned(),
                connections: plan.http_connections().div_ceil(nodes),
            })
        }
        (System::Target(target), _) => busiest_of(target, plan),
    }
}

fn busiest_of(target: &Target, plan: &Plan) -> Option<Busiest> {
    let mut connections = BTreeMap::<String, u64>::new();
    let spread = |total: u64, over: &[String]| total.div_ceil((over.len() as u64).max(1));
    for address in &target.ws {
        let place = Place::of(address)?;
        if !place.is_spread {
            *connections.entry(place.address).or_default() += spread(plan.sockets(), &target.ws);
        }
    }
    for address in &target.http {
        let count = spread(plan.http_connections(), &target.http);
        *connections.entry(Place::of(address)?.address).or_default() += count;
    }
    connections
        .into_iter()
        .max_by_key(|(_, connections)| *connections)
        .map(|(address, connections)| Busiest {
            address,
            connections,
        })
}

/// Where a URL leads to.
struct Place {
    address: String,
    /// Whether the harness connects to it from many source addresses.
    is_spread: bool,
}

impl Place {
    fn of(url: &str) -> Option<Self> {
        let url: Uri = url.replace("{device}", "0").parse().ok()?;
        let host = url.host()?;
        let is_tls = matches!(url.scheme_str(), Some("wss" | "https"));
        let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let loopback = |address: Ipv4Addr| address.is_loopback();
        Some(Self {
            address: format!("{host}:{port}"),
            is_spread: host == "localhost" || host.parse().is_ok_and(loopback),
        })
    }
}
