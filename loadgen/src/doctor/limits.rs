//! The limits of a machine, as its kernel states them, and which programs it has.

/// A limit that need not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Limit {
    /// It could not be read.
    #[default]
    Unknown,
    /// There is none.
    Unlimited,
    /// It is this much.
    AtMost(u64),
}

/// Everything that was read; the default is a machine that says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HostLimits {
    /// Open files.
    pub files: FileLimits,
    /// Ports that connects are made from.
    pub port_range: Option<PortRange>,
    /// Queues of connections that nobody has accepted yet.
    pub listen_queues: ListenQueueLimits,
    /// Threads and mappings.
    pub threads: ThreadLimits,
    /// The firewall's table of connections.
    pub conntrack: ConntrackTable,
    /// Buffers of TCP.
    pub tcp: TcpBuffers,
    /// Memory.
    pub memory: MemoryLimits,
    /// Processors.
    pub cpus: CpuLimits,
    /// Programs that a run may need.
    pub programs: BalancerPrograms,
}

/// Open files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileLimits {
    /// `RLIMIT_NOFILE`, soft: what a process has until it asks for more.
    pub soft: Option<u64>,
    /// `RLIMIT_NOFILE`, hard: what it may ask for.
    pub hard: Option<u64>,
    /// `fs.nr_open`: what a hard limit can be raised to.
    pub nr_open: Option<u64>,
    /// `fs.file-max`: all processes together.
    pub system_max: Option<u64>,
    /// Open now, in all processes: the first figure of `fs.file-nr`.
    pub system_open: Option<u64>,
}

/// `net.ipv4.ip_local_port_range` without its reserved ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    /// The lowest.
    pub first: u16,
    /// The highest.
    pub last: u16,
    /// Ports between them that `ip_local_reserved_ports` takes out.
    pub reserved: u64,
}

/// Queues of connections on their way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ListenQueueLimits {
    /// `net.core.somaxconn`: opened, not yet accepted, of one listener.
    pub somaxconn: Option<u64>,
    /// `net.ipv4.tcp_max_syn_backlog`: half open.
    pub syn_backlog: Option<u64>,
    /// `net.ipv4.tcp_syncookies`: 0 never, 1 when the queue is full, 2 always.
    pub syncookies: Option<u64>,
}

/// Threads and mappings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ThreadLimits {
    /// `kernel.pid_max`: every thread has a number.
    pub pid_max: Option<u64>,
    /// `kernel.threads-max`.
    pub threads_max: Option<u64>,
    /// `RLIMIT_NPROC`: threads of this user; root has none.
    pub user_max: Limit,
    /// `pids.max` of the control group: threads in it.
    pub cgroup_max: Limit,
    /// `vm.max_map_count`: mappings of one process.
    pub map_count: Option<u64>,
}

/// The firewall's table of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConntrackTable {
    /// `nf_conntrack_max`; `None` where the module is not loaded.
    pub max: Limit,
    /// `nf_conntrack_count`: in the table now.
    pub entries: Option<u64>,
}

/// Buffers of TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpBuffers {
    /// All buffers together, in bytes: the last figure of `tcp_mem`.
    pub buffers_bytes: Option<u64>,
    /// What a socket's receive buffer may grow to without being asked, in
    /// bytes: the middle figure of `tcp_rmem`.
    pub receive_bytes: Option<u64>,
    /// A page of memory in bytes.
    pub page_bytes: Option<u64>,
}

/// Memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryLimits {
    /// `MemTotal`.
    pub total: Option<u64>,
    /// `MemAvailable`.
    pub available: Option<u64>,
    /// The smallest limit among the control groups that this process is in.
    pub cgroup_max: Limit,
    /// What they leave now: the smallest difference of limit and use.
    pub cgroup_available: Limit,
}

/// Processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CpuLimits {
    /// Online.
    pub online: Option<u64>,
    /// The control group's quota, in thousandths of a processor.
    pub quota_millicores: Limit,
}

/// Programs of somebody else's that a run may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BalancerPrograms {
    /// nginx.
    pub nginx: ProgramPresence,
    /// HAProxy.
    pub haproxy: ProgramPresence,
}

/// Whether a program is on the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProgramPresence {
    /// Nobody looked.
    #[default]
    Unknown,
    /// It is.
    Present,
    /// It is not where programs are looked for.
    Missing,
}

impl FileLimits {
    /// Files that a process of ours may open: it raises its soft limit to the
    /// hard one by itself, and no process goes past `fs.nr_open`.
    pub fn per_process(&self) -> Option<u64> {
        let hard = self.hard?;
        Some(self.nr_open.map_or(hard, |most| hard.min(most)))
    }

    /// Files that all processes together may still open.
    pub fn remaining(&self) -> Option<u64> {
        Some(self.system_max?.saturating_sub(self.system_open?))
    }
}

impl PortRange {
    /// Connections from one source address to one destination address and port.
    pub fn count(&self) -> u64 {
        let all = u64::from(self.last) + 1;
        all.saturating_sub(u64::from(self.first) + self.reserved)
    }

    /// Connections up to which the kernel finds a free port at once. A connect
    /// looks at every other port first. When those are taken, each further one
    /// walks past all of them before it comes to the rest.
    pub fn knee(&self) -> u64 {
        self.count() / 2
    }
}

impl ThreadLimits {
    /// Threads that may exist at once; `None` if no limit could be read.
    pub fn max_threads(&self) -> Option<u64> {
        [
            self.pid_max,
            self.threads_max,
            self.user_max.value(),
            self.cgroup_max.value(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

impl ConntrackTable {
    /// Connections that still fit into the table. An empty table is one that
    /// no rule feeds: a machine that tracks knows at least the connection that
    /// it is looked at through.
    pub fn remaining(&self) -> Limit {
        match (self.max, self.entries) {
            (Limit::Unlimited, _) | (Limit::AtMost(_), Some(0)) => Limit::Unlimited,
            (Limit::AtMost(max), Some(tracked)) => Limit::AtMost(max.saturating_sub(tracked)),
            (Limit::AtMost(_), None) | (Limit::Unknown, _) => Limit::Unknown,
        }
    }
}

impl MemoryLimits {
    /// What processes may still take.
    pub fn remaining(&self) -> Option<u64> {
        match (self.available, self.cgroup_available) {
            (Some(available), Limit::AtMost(room)) => Some(available.min(room)),
            (Some(available), _) => Some(available),
            (None, Limit::AtMost(room)) => Some(room),
            (None, _) => None,
        }
    }

    /// Whether the control group leaves less than the machine has.
    pub fn is_cgroup_bound(&self) -> bool {
        match self.cgroup_available {
            Limit::AtMost(room) => self.available.is_none_or(|available| room < available),
            Limit::Unlimited | Limit::Unknown => false,
        }
    }
}

impl CpuLimits {
    /// What there is to compute with, in thousandths of a processor.
    pub fn millicores(&self) -> Option<u64> {
        let online = self.online.map(|online| online.saturating_mul(1_000));
        match (online, self.quota_millicores.value()) {
            (Some(online), Some(quota)) => Some(online.min(quota)),
            (online, quota) => online.or(quota),
        }
    }
}

impl Limit {
    /// The limit, if there is one and it was read.
    pub fn value(self) -> Option<u64> {
        match self {
            Self::AtMost(limit) => Some(limit),
            Self::Unlimited | Self::Unknown => None,
        }
    }
}
