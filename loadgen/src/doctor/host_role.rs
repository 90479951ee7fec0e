//! The uses of a machine, and the demand of one socket in each.

use super::costs::{
    CLIENT_BYTES, CLIENT_HEARTBEAT_NS, KERNEL_BYTES, NODE_BYTES, NODE_HEARTBEAT_NS,
    NODE_PROCESS_BYTES, PROXY_BYTES, WORKER_PROCESS_BYTES,
};

/// A use of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostRole {
    /// One worker process, towards one address of another machine.
    Worker,
    /// All workers that are needed, towards one address of another machine.
    Workers,
    /// All workers that are needed, towards all addresses that are needed.
    ManyTargets,
    /// One node.
    Node,
    /// All nodes that are needed.
    Nodes,
    /// One proxy process, in front of one node.
    Proxy,
    /// All proxies that are needed, with nodes behind them.
    Proxies,
    /// Workers and nodes on one machine, over loopback.
    BothEnds,
}

/// The resources that one socket takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketDemand {
    /// The number of processes that hold the sockets.
    pub process_spread: ProcessSpread,
    /// Files in the process that holds the socket.
    pub files: u64,
    /// Files on the machine.
    pub files_on_host: u64,
    /// Memory of processes and kernel, in bytes.
    pub bytes: u64,
    /// Memory of a process before its first socket, in bytes. If both ends are on the
    /// machine, it is the memory of two processes.
    pub process_bytes: u64,
    /// The number of processes in `process_bytes`.
    pub process_count: u64,
    /// Whether all connections go from one address to one address and port.
    pub one_destination: bool,
    /// Entries in the firewall's table.
    pub conntrack_entries: u64,
    /// CPU time of a heartbeat in nanoseconds; `None` if it was not measured.
    pub heartbeat_ns: Option<u64>,
}

/// The number of processes that hold the sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessSpread {
    /// One process.
    Single,
    /// All processes that are needed.
    Many,
}

impl HostRole {
    /// Every role, in the order of the report.
    pub const ALL: [Self; 8] = [
        Self::Worker,
        Self::Workers,
        Self::ManyTargets,
        Self::Node,
        Self::Nodes,
        Self::Proxy,
        Self::Proxies,
        Self::BothEnds,
    ];

    /// The role in a few words.
    pub fn label(self) -> &'static str {
        match self {
            Self::Worker => "one worker",
            Self::Workers => "workers, one target",
            Self::ManyTargets => "workers, any target",
            Self::Node => "one node",
            Self::Nodes => "nodes",
            Self::Proxy => "one proxy",
            Self::Proxies => "proxies",
            Self::BothEnds => "both ends here",
        }
    }

    /// Returns the demand of one socket.
    pub fn demand(self) -> SocketDemand {
        match self {
            Self::Worker => SocketDemand {
                process_spread: ProcessSpread::Single,
                one_destination: true,
                ..client()
            },
            Self::Workers => SocketDemand {
                one_destination: true,
                ..client()
            },
            Self::ManyTargets => client(),
            Self::Node => SocketDemand {
                process_spread: ProcessSpread::Single,
                ..node()
            },
            Self::Nodes => node(),
            Self::Proxy => SocketDemand {
                process_spread: ProcessSpread::Single,
                // All of its connections go to the port of the one node behind it.
                one_destination: true,
                ..proxy()
            },
            Self::Proxies => proxy(),
            Self::BothEnds => both_ends(),
        }
    }
}

fn client() -> SocketDemand {
    SocketDemand {
        process_spread: ProcessSpread::Many,
        files: 1,
        files_on_host: 1,
        bytes: CLIENT_BYTES + KERNEL_BYTES,
        process_bytes: WORKER_PROCESS_BYTES,
        process_count: 1,
        one_destination: false,
        conntrack_entries: 1,
        heartbeat_ns: Some(CLIENT_HEARTBEAT_NS),
    }
}

fn node() -> SocketDemand {
    SocketDemand {
        bytes: NODE_BYTES + KERNEL_BYTES,
        process_bytes: NODE_PROCESS_BYTES,
        heartbeat_ns: Some(NODE_HEARTBEAT_NS),
        ..client()
    }
}

fn proxy() -> SocketDemand {
    SocketDemand {
        // One connection to the client and one to the node.
        files: 2,
        files_on_host: 2,
        bytes: PROXY_BYTES + 2 * KERNEL_BYTES,
        process_bytes: NODE_PROCESS_BYTES,
        conntrack_entries: 2,
        // No proxy was measured, because they differ widely: CPU time does not limit the role.
        heartbeat_ns: None,
        ..client()
    }
}

fn both_ends() -> SocketDemand {
    SocketDemand {
        // Each process holds its own end, so `files` stays 1.
        files_on_host: 2,
        bytes: CLIENT_BYTES + NODE_BYTES + 2 * KERNEL_BYTES,
        process_bytes: WORKER_PROCESS_BYTES + NODE_PROCESS_BYTES,
        process_count: 2,
        // The firewall tracks the connection once, although both ends are here.
        conntrack_entries: 1,
        heartbeat_ns: Some(CLIENT_HEARTBEAT_NS + NODE_HEARTBEAT_NS),
        ..client()
    }
}
