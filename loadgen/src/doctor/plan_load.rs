//! What a plan takes of this machine, when its workers run here.
//!
//! - `memory`: of its memory.

mod memory;

use std::{collections::BTreeMap, net::Ipv4Addr};

use highwater_scenarios::{
    BalancerShare, Plan, Segment,
    plan::{DevicePool, SystemSpec, TargetSpec},
};
use tokio_tungstenite::tungstenite::http::Uri;

use self::memory::memory;
use super::costs::{CLIENT_HEARTBEAT_NS, NODE_HEARTBEAT_NS};

/// What a plan takes when everything is open.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanLoad {
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
    pub nodes: Option<PlanNodeLoad>,
    /// What one of the balancers forwards, where the harness starts any.
    pub balancers: Option<BalancerShare>,
    /// Files of all processes on this machine.
    pub files: u64,
    /// Memory.
    pub memory: highwater_scenarios::MemoryEstimate,
    /// Processes on this machine.
    pub processes: u64,
    /// The address that most connections go to from one source address, and
    /// their number.
    pub busiest_destination: Option<BusiestDestination>,
    /// Connections that a firewall on this machine sees.
    pub tracked_connections: u64,
    /// Processor time of all heartbeats, in processors.
    pub heartbeat_cpus: f64,
    /// Sockets that open per second, at most.
    pub opens_per_s: f64,
}

/// What the nodes of a cluster take, when clients spread evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanNodeLoad {
    /// Nodes at the plan's best moment.
    pub max_nodes: u64,
    /// Nodes at its worst moment, 0 included.
    pub min_nodes: u64,
    /// Sockets of a node at the best moment.
    pub sockets_per_node: u64,
    /// Sockets and HTTP connections of a node at the worst.
    pub peak_connections_per_node: u64,
}

/// Connections from one source address to one address and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusiestDestination {
    /// Host and port, or what stands for it.
    pub address: String,
    /// How many.
    pub connections: u64,
}

impl PlanLoad {
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
        let nodes = plan.node_count_range().map(|nodes| PlanNodeLoad {
            max_nodes: *nodes.end(),
            min_nodes: *nodes.start(),
            sockets_per_node: sockets.div_ceil((*nodes.end()).max(1)),
            peak_connections_per_node: (sockets + connections).div_ceil((*nodes.start()).max(1)),
        });
        let balancers = plan.balancer_share();
        let ends = match (nodes, balancers) {
            (None, _) => 1,
            (Some(_), None) => 2,
            (Some(_), Some(_)) => 4,
        };
        // The coordinator, and a broker where there are nodes to join. A balancer of
        // somebody else's works through a child.
        let others = nodes.map_or(1, |nodes| nodes.max_nodes + 2)
            + consumer_count(plan)
            + balancers.map_or(0, |share| 2 * share.balancers);
        Self {
            workers,
            workers_needed,
            worker_sockets: plan
                .devices
                .iter()
                .map(|pool| share.share_of(pool.count))
                .sum(),
            worker_files: plan.open_files(share),
            nodes,
            balancers,
            files: (sockets + connections) * ends,
            memory: memory(plan, workers, nodes, ends, available_bytes),
            processes: u64::from(workers) + others,
            busiest_destination: busiest_destination(plan, nodes, balancers),
            // Two ends are one connection; of a target's, one is elsewhere.
            tracked_connections: (sockets + connections) * ends.div_ceil(2),
            heartbeat_cpus: heartbeat_cpus(plan),
            opens_per_s: opens_per_s(&plan.devices),
        }
    }
}

/// Consumers of readings that the harness starts.
fn consumer_count(plan: &Plan) -> u64 {
    match &plan.system {
        SystemSpec::Cluster(cluster) => cluster.consumers.count.into(),
        SystemSpec::Target(_) => 0,
    }
}

fn heartbeat_cpus(plan: &Plan) -> f64 {
    let each_ns = match plan.system {
        SystemSpec::Cluster(_) => CLIENT_HEARTBEAT_NS + NODE_HEARTBEAT_NS,
        SystemSpec::Target(_) => CLIENT_HEARTBEAT_NS,
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

/// Sockets to 127.0.0.0/8 come from many addresses (`worker/devices/source_address.rs`),
/// so only commands count there. A balancer has one address for all that it forwards,
/// and so have several on one machine.
fn busiest_destination(
    plan: &Plan,
    nodes: Option<PlanNodeLoad>,
    balancers: Option<BalancerShare>,
) -> Option<BusiestDestination> {
    match (&plan.system, nodes) {
        (SystemSpec::Cluster(_), Some(nodes)) if balancers.is_some() => Some(BusiestDestination {
            address: "each node's port from the balancers".to_owned(),
            connections: nodes.peak_connections_per_node,
        }),
        (SystemSpec::Cluster(_), nodes) => {
            let nodes = nodes.map_or(1, |nodes| nodes.max_nodes.max(1));
            Some(BusiestDestination {
                address: "each node's port".to_owned(),
                connections: plan.http_connections().div_ceil(nodes),
            })
        }
        (SystemSpec::Target(target), _) => busiest_target_address(target, plan),
    }
}

fn busiest_target_address(target: &TargetSpec, plan: &Plan) -> Option<BusiestDestination> {
    let mut connections = BTreeMap::<String, u64>::new();
    let spread = |total: u64, over: &[String]| total.div_ceil((over.len() as u64).max(1));
    for address in &target.ws {
        let place = UrlDestination::parse(address)?;
        if !place.has_many_sources {
            *connections.entry(place.address).or_default() += spread(plan.sockets(), &target.ws);
        }
    }
    for address in &target.http {
        let count = spread(plan.http_connections(), &target.http);
        *connections
            .entry(UrlDestination::parse(address)?.address)
            .or_default() += count;
    }
    connections
        .into_iter()
        .max_by_key(|(_, connections)| *connections)
        .map(|(address, connections)| BusiestDestination {
            address,
            connections,
        })
}

/// Where a URL leads to.
struct UrlDestination {
    address: String,
    /// Whether the harness connects to it from many source addresses.
    has_many_sources: bool,
}

impl UrlDestination {
    fn parse(url: &str) -> Option<Self> {
        let url: Uri = url.replace("{device}", "0").parse().ok()?;
        let host = url.host()?;
        let is_tls = matches!(url.scheme_str(), Some("wss" | "https"));
        let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let loopback = |address: Ipv4Addr| address.is_loopback();
        Some(Self {
            address: format!("{host}:{port}"),
            has_many_sources: host == "localhost" || host.parse().is_ok_and(loopback),
        })
    }
}
