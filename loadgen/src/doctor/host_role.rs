//! What a machine can be used as, and what each socket takes there.

use super::costs::{
    CLIENT_BYTES, CLIENT_HEARTBEAT_NS, KERNEL_BYTES, NODE_BYTES, NODE_HEARTBEAT_NS,
    NODE_PROCESS_BYTES, PROXY_BYTES, WORKER_PROCESS_BYTES,
};

/// What a machine is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostRole {
    /// One worker process, towards one address of another machine.
    Worker,
    /// All workers that it takes, towards one address of another machine.
    Workers,
    /// The same, towards as many addresses as it takes.
    ManyTargets,
    /// One node.
    Node,
    /// As many nodes as it takes.
    Nodes,
    /// One proxy process, in front of one node.
    Proxy,
    /// As many proxies and nodes behind them as it takes.
    Proxies,
    /// Workers and nodes on one machine, over loopback.
    BothEnds,
}

/// What one socket takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketDemand {
    /// In how many processes the sockets may be.
    pub process_spread: ProcessSpread,
    /// Files in the process that holds it.
    pub files: u64,
    /// Files on the machine.
    pub files_on_host: u64,
    /// Memory of processes and kernel, in bytes.
    pub bytes: u64,
    /// Memory of a process before its first socket, in bytes; of a pair where
    /// a socket has both its ends here.
    pub process_bytes: u64,
    /// How many processes that is.
    pub process_count: u64,
    /// Whether all connections go from one address to one address and port.
    pub one_destination: bool,
    /// Entries in the firewall's table.
    pub conntrack_entries: u64,
    /// Processor time of a heartbeat in nanoseconds; `None` where it was not
    /// measured.
    pub heartbeat_ns: Option<u64>,
}

/// In how many processes sockets may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessSpread {
    /// In one.
    Single,
    /// In as many as it takes.
    Many,
}

impl HostRole {
    /// Every one, in the order in which people ask.
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

    /// In a few words.
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

    /// What one socket takes.
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

/// One connection in, one out.
fn proxy() -> SocketDemand {
    SocketDemand {
        files: 2,
        files_on_host: 2,
        bytes: PROXY_BYTES + 2 * KERNEL_BYTES,
        process_bytes: NODE_PROCESS_BYTES,
        conntrack_entries: 2,
        heartbeat_ns: None,
        ..client()
    }
}

/// A pair of processes; the firewall knows their connection once.
fn both_ends() -> SocketDemand {
    SocketDemand {
        files_on_host: 2,
        bytes: CLIENT_BYTES + NODE_BYTES + 2 * KERNEL_BYTES,
        process_bytes: WORKER_PROCESS_BYTES + NODE_PROCESS_BYTES,
        process_count: 2,
        heartbeat_ns: Some(CLIENT_HEARTBEAT_NS + NODE_HEARTBEAT_NS),
        ..client()
    }
}
