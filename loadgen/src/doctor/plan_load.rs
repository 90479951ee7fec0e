//! The load of a plan on this machine, when its workers run here.

mod memory;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

use highwater_scenarios::{
    BalancerShare, MemoryEstimate, Plan, Segment,
    frames::{AddressTemplate, ValueNames, ValueRef, Values},
    plan::{DevicePool, SystemSpec, TargetSpec},
};
use tokio_tungstenite::tungstenite::http::Uri;

use self::memory::memory;
use super::costs::{CLIENT_HEARTBEAT_NS, NODE_HEARTBEAT_NS};
use crate::coordinator::LocalWorkers;

/// The load of a plan when all its sockets are open.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanLoad {
    /// Worker processes.
    pub workers: u32,
    /// The fewest workers whose shares fit the limit of open files; `None` if that limit is
    /// unknown.
    pub workers_needed: Option<u32>,
    /// Sockets of the largest share.
    pub worker_sockets: u64,
    /// Files of the largest share: sockets and HTTP connections.
    pub worker_files: u64,
    /// The nodes that the harness starts; `None` for a target.
    pub nodes: Option<PlanNodeLoad>,
    /// The connections of one balancer; `None` if the harness starts none.
    pub balancers: Option<BalancerShare>,
    /// Files of all processes on this machine.
    pub files: u64,
    /// Memory of all processes on this machine and of the kernel.
    pub memory: MemoryEstimate,
    /// Processes on this machine.
    pub processes: u64,
    /// The destination of the most connections from one source address.
    pub busiest_destination: Option<BusiestDestination>,
    /// Connections that a firewall on this machine tracks.
    pub tracked_connections: u64,
    /// CPU time of all heartbeats, in cores.
    pub heartbeat_cpus: f64,
    /// The most sockets that open per second.
    pub opens_per_s: f64,
}

/// The load of a cluster's nodes when clients spread evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanNodeLoad {
    /// Nodes at the plan's best moment.
    pub max_nodes: u64,
    /// Nodes at the plan's worst moment, possibly 0.
    pub min_nodes: u64,
    /// Sockets of a node at the best moment.
    pub sockets_per_node: u64,
    /// Sockets and HTTP connections of a node at the worst moment.
    pub peak_connections_per_node: u64,
}

/// The connections from one source address to one address and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusiestDestination {
    /// Host and port, or a description of the destination.
    pub address: String,
    /// The number of connections from the source address that has most.
    pub connections: u64,
    /// The number of source addresses that have so many.
    pub sources: u64,
    /// Whether the kernel chooses their ports. Workers choose those of their sockets.
    pub has_kernel_ports: bool,
}

impl PlanLoad {
    /// Computes the load of `plan` with these `workers`; without their number, with the fewest
    /// workers if a process may open `files_per_process` files. `available_bytes` becomes
    /// part of the memory estimate.
    pub fn new(
        plan: &Plan,
        workers: &LocalWorkers,
        files_per_process: Option<u64>,
        available_bytes: Option<u64>,
    ) -> Self {
        let workers_needed = files_per_process.map(|files| plan.workers_needed(files));
        let bind = &workers.bind;
        let workers = workers.count.or(workers_needed).unwrap_or(1).max(1);
        // The first share is the largest, because shares differ by one and round up.
        let share = Segment::new(0, workers).unwrap_or_else(|_| Segment::whole());
        let connections = plan.sockets() + plan.http_connections();
        let nodes = node_load(plan);
        let balancers = plan.balancer_share();
        let ends = ends_per_connection(nodes, balancers);
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
            files: connections * ends,
            memory: memory(plan, workers, nodes, ends, available_bytes),
            processes: u64::from(workers) + other_processes(plan, nodes, balancers),
            busiest_destination: busiest_destination(plan, nodes, balancers, bind),
            // Two ends on this machine are one connection. The other end of a target's
            // connection is elsewhere, and the firewall tracks it all the same.
            tracked_connections: connections * ends.div_ceil(2),
            heartbeat_cpus: heartbeat_cpus(plan),
            opens_per_s: opens_per_s(&plan.devices),
        }
    }
}

fn node_load(plan: &Plan) -> Option<PlanNodeLoad> {
    let (sockets, connections) = (plan.sockets(), plan.http_connections());
    plan.node_count_range().map(|nodes| PlanNodeLoad {
        max_nodes: *nodes.end(),
        min_nodes: *nodes.start(),
        sockets_per_node: sockets.div_ceil((*nodes.end()).max(1)),
        peak_connections_per_node: (sockets + connections).div_ceil((*nodes.start()).max(1)),
    })
}

/// Returns the number of a connection's ends on this machine: at the worker, at the node,
/// and two at a balancer.
fn ends_per_connection(nodes: Option<PlanNodeLoad>, balancers: Option<BalancerShare>) -> u64 {
    match (nodes, balancers) {
        (None, _) => 1,
        (Some(_), None) => 2,
        (Some(_), Some(_)) => 4,
    }
}

/// Returns the number of processes beside the workers.
fn other_processes(
    plan: &Plan,
    nodes: Option<PlanNodeLoad>,
    balancers: Option<BalancerShare>,
) -> u64 {
    // The coordinator, and a broker if there are nodes.
    nodes.map_or(1, |nodes| nodes.max_nodes + 2)
        + consumer_count(plan)
        // nginx and HAProxy work in a child process.
        + balancers.map_or(0, |share| 2 * share.balancers)
}

/// Returns the number of telemetry consumers that the harness starts.
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

/// Returns the highest rate of opening sockets.
fn opens_per_s(pools: &[DevicePool]) -> f64 {
    let rate = |pool: &DevicePool| pool.ramp.as_per_second();
    let (late, ramp): (Vec<_>, Vec<_>) = pools.iter().partition(|pool| pool.start.is_some());
    // Pools without a start open together in the ramp; the others open each at its own time.
    let ramp: f64 = ramp.into_iter().map(rate).sum();
    late.into_iter().map(rate).fold(ramp, f64::max)
}

fn busiest_destination(
    plan: &Plan,
    nodes: Option<PlanNodeLoad>,
    balancers: Option<BalancerShare>,
    bind: &[IpAddr],
) -> Option<BusiestDestination> {
    match (&plan.system, nodes) {
        // A balancer connects from one address, and several balancers on one machine share
        // that address.
        (SystemSpec::Cluster(_), Some(nodes)) if balancers.is_some() => Some(BusiestDestination {
            address: "each node's port from the balancers".to_owned(),
            connections: nodes.peak_connections_per_node,
            sources: 1,
            has_kernel_ports: true,
        }),
        (SystemSpec::Cluster(_), nodes) => {
            let nodes = nodes.map_or(1, |nodes| nodes.max_nodes.max(1));
            let sources = source_count(Some(Ipv4Addr::LOCALHOST.into()), bind);
            let load = DestinationLoad {
                // From many addresses, none of which has more than its share.
                sockets: sources.map_or(0, |_| plan.sockets().div_ceil(nodes)),
                requests: plan.http_connections().div_ceil(nodes),
                sources: sources.unwrap_or(1),
            };
            Some(load.towards("each node's port".to_owned()))
        }
        (SystemSpec::Target(target), _) => busiest_target_address(target, plan, bind),
    }
}

/// The connections to one destination.
#[derive(Debug, Clone, Copy)]
struct DestinationLoad {
    /// Sockets, spread over the sources.
    sockets: u64,
    /// Connections of HTTP requests, all from one of the sources.
    requests: u64,
    sources: u64,
}

impl DestinationLoad {
    fn of(sources: u64) -> Self {
        Self {
            sockets: 0,
            requests: 0,
            sources,
        }
    }

    fn towards(self, address: String) -> BusiestDestination {
        let each = self.sockets.div_ceil(self.sources);
        BusiestDestination {
            address,
            connections: each + self.requests,
            sources: match self.requests {
                0 => self.sources,
                _ => 1,
            },
            has_kernel_ports: self.requests > each,
        }
    }
}

/// Returns the number of local addresses from which sockets go to `host`; `None` where the
/// harness has many of its own. A host without an address is a name.
fn source_count(host: Option<IpAddr>, bind: &[IpAddr]) -> Option<u64> {
    let of_family = |is_ipv4| bind.iter().filter(|own| own.is_ipv4() == is_ipv4).count() as u64;
    let named = match host {
        Some(host) => of_family(host.is_ipv4()),
        None => of_family(true).max(of_family(false)),
    };
    match (named, host) {
        // Only IPv4 has a whole network of loopback addresses.
        (0, Some(IpAddr::V4(host))) if host.is_loopback() => None,
        // The kernel chooses one.
        (named, _) => Some(named.max(1)),
    }
}

fn busiest_target_address(
    target: &TargetSpec,
    plan: &Plan,
    bind: &[IpAddr],
) -> Option<BusiestDestination> {
    let mut loads = BTreeMap::<String, DestinationLoad>::new();
    let spread = |total: u64, over: &[String]| total.div_ceil((over.len() as u64).max(1));
    // Workers rotate over a target's addresses, so each gets an equal part.
    for url in &target.ws {
        let destination = UrlDestination::parse(url)?;
        if let Some(sources) = source_count(destination.host, bind) {
            let load = loads.entry(destination.address);
            let load = load.or_insert(DestinationLoad::of(sources));
            load.sockets += spread(plan.sockets(), &target.ws);
        }
    }
    for url in &target.http {
        let load = loads.entry(UrlDestination::parse(url)?.address);
        let load = load.or_insert(DestinationLoad::of(1));
        load.requests += spread(plan.http_connections(), &target.http);
    }
    let busiest = loads
        .into_iter()
        .map(|(address, load)| load.towards(address));
    busiest.max_by_key(|busiest| busiest.connections)
}

/// Returns an address up to its path, with variables of the environment.
fn origin(url: &str) -> Option<String> {
    struct ProcessEnvironment(Vec<String>);

    impl Values for ProcessEnvironment {
        fn append(&self, value: ValueRef, out: &mut String) {
            if let ValueRef::Environment(number) = value
                && let Some(name) = self.0.get(number)
            {
                out.push_str(std::env::var(name).unwrap_or_default().trim());
            }
        }
    }

    let mut names = ValueNames::default();
    let template = AddressTemplate::parse_origin(url, &mut names).ok()?;
    let mut origin = String::new();
    template.render(&ProcessEnvironment(names.environment), &mut origin);
    Some(origin)
}

/// The destination of a URL.
struct UrlDestination {
    /// Host and port.
    address: String,
    /// The host, if it is an address or `localhost`.
    host: Option<IpAddr>,
}

impl UrlDestination {
    fn parse(url: &str) -> Option<Self> {
        // A variable that is not set here leaves the destination open.
        let url: Uri = origin(url)?.parse().ok()?;
        let host = url.host()?;
        let is_tls = matches!(url.scheme_str(), Some("wss" | "https"));
        let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Some(Self {
            address: format!("{host}:{port}"),
            host: match host {
                "localhost" => Some(Ipv4Addr::LOCALHOST.into()),
                // An IPv6 address stands in brackets in a URI.
                host => host.trim_matches(['[', ']']).parse().ok(),
            },
        })
    }
}
