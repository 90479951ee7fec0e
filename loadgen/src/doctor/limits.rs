//! The limits of a machine as its kernel reports them, and its programs.

use crate::testbed::balancer;

/// A limit that may not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Limit {
    /// The limit could not be read.
    #[default]
    Unknown,
    /// The limit does not exist.
    Unlimited,
    /// The limit is this much.
    AtMost(u64),
}

/// The limits of a machine. The default is a machine of which nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HostLimits {
    /// Open files.
    pub files: FileLimits,
    /// Ports from which connections are opened.
    pub port_range: Option<PortRange>,
    /// Queues of connections that are not accepted yet.
    pub listen_queues: ListenQueueLimits,
    /// Threads and mappings.
    pub threads: ThreadLimits,
    /// The firewall's table of connections.
    pub conntrack: ConntrackTable,
    /// TCP buffers.
    pub tcp: TcpBuffers,
    /// Memory.
    pub memory: MemoryLimits,
    /// CPU cores.
    pub cpus: CpuLimits,
    /// Programs that balancers need.
    pub programs: BalancerPrograms,
}

/// Limits of open files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileLimits {
    /// `RLIMIT_NOFILE`, soft: the limit of a process until it asks for more.
    pub soft: Option<u64>,
    /// `RLIMIT_NOFILE`, hard: the most that a process may ask for.
    pub hard: Option<u64>,
    /// `fs.nr_open`: the most that root may raise a hard limit to.
    pub nr_open: Option<u64>,
    /// `fs.file-max`: the limit of all processes together.
    pub system_max: Option<u64>,
    /// Files that all processes have open now: the first number of `fs.file-nr`.
    pub system_open: Option<u64>,
}

/// The range `net.ipv4.ip_local_port_range`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    /// The lowest port.
    pub first: u16,
    /// The highest port.
    pub last: u16,
    /// The number of ports in the range that `ip_local_reserved_ports` takes out.
    pub reserved: u64,
}

/// Queues of connections that are not accepted yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ListenQueueLimits {
    /// `net.core.somaxconn`: open connections of one listener that are not accepted yet.
    pub somaxconn: Option<u64>,
    /// `net.ipv4.tcp_max_syn_backlog`: half-open connections.
    pub syn_backlog: Option<u64>,
    /// `net.ipv4.tcp_syncookies`: 0 never, 1 when the queue is full, 2 always.
    pub syncookies: Option<u64>,
}

/// Limits of threads and mappings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ThreadLimits {
    /// `kernel.pid_max`: the largest id of a thread.
    pub pid_max: Option<u64>,
    /// `kernel.threads-max`: threads on the machine.
    pub threads_max: Option<u64>,
    /// `RLIMIT_NPROC`: threads of this user. Root has no such limit.
    pub user_max: Limit,
    /// `pids.max`: threads in the control group.
    pub cgroup_max: Limit,
    /// `vm.max_map_count`: mappings of one process.
    pub map_count: Option<u64>,
}

/// The firewall's table of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConntrackTable {
    /// `nf_conntrack_max`; `Unlimited` if the module is not loaded.
    pub max: Limit,
    /// `nf_conntrack_count`: connections in the table now.
    pub entries: Option<u64>,
}

/// Limits of TCP buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpBuffers {
    /// All buffers together, in bytes: the last number of `tcp_mem`.
    pub buffers_bytes: Option<u64>,
    /// The initial size of a socket's receive buffer, in bytes: the middle number of
    /// `tcp_rmem`.
    pub receive_bytes: Option<u64>,
    /// The size of a page of memory, in bytes.
    pub page_bytes: Option<u64>,
}

/// Limits of memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryLimits {
    /// `MemTotal` of `/proc/meminfo`.
    pub total: Option<u64>,
    /// `MemAvailable` of `/proc/meminfo`.
    pub available: Option<u64>,
    /// The smallest limit of the control groups that this process is in.
    pub cgroup_max: Limit,
    /// The smallest difference between limit and use of these groups.
    pub cgroup_available: Limit,
}

/// Limits of CPU time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CpuLimits {
    /// CPU cores that are online.
    pub online: Option<u64>,
    /// The quota of the control group, in thousandths of a core.
    pub quota_millicores: Limit,
}

/// The presence of each balancer's program, in the order of the balancers' registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BalancerPrograms(pub(super) [ProgramPresence; balancer::DRIVERS.len()]);

/// Whether a program is on the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProgramPresence {
    /// The machine was not searched.
    #[default]
    Unknown,
    /// The program is on the machine.
    Present,
    /// The program is in none of the folders that are searched.
    Missing,
}

impl FileLimits {
    /// Returns the files that a process of the harness may open. It raises its soft limit to
    /// the hard one, and no process exceeds `fs.nr_open`.
    pub fn per_process(&self) -> Option<u64> {
        let hard = self.hard?;
        // A hard limit from before fs.nr_open was lowered may exceed it.
        Some(self.nr_open.map_or(hard, |nr_open| hard.min(nr_open)))
    }

    /// Returns the files that all processes together may still open.
    pub fn remaining(&self) -> Option<u64> {
        Some(self.system_max?.saturating_sub(self.system_open?))
    }
}

impl PortRange {
    /// Returns the most connections from one source address to one destination address and
    /// port.
    pub fn count(&self) -> u64 {
        let all = u64::from(self.last) + 1;
        all.saturating_sub(u64::from(self.first) + self.reserved)
    }

    /// Returns the number of connections up to which the kernel finds a free port at once.
    ///
    /// A connect tries every other port first. When those are taken, each further connect
    /// walks past all of them before it tries the rest.
    pub fn knee(&self) -> u64 {
        self.count() / 2
    }
}

impl ThreadLimits {
    /// Returns the threads that may exist at once; `None` if no limit could be read.
    pub fn max_threads(&self) -> Option<u64> {
        let system = [self.pid_max, self.threads_max];
        let user_and_group = [self.user_max.value(), self.cgroup_max.value()];
        smallest(system.into_iter().chain(user_and_group))
    }
}

impl ConntrackTable {
    /// Returns the connections that still fit into the table.
    pub fn remaining(&self) -> Limit {
        match (self.max, self.entries) {
            // An empty table means that no rule tracks: otherwise the connection to this
            // machine, such as a person's SSH session, would be in it.
            (Limit::AtMost(_), Some(0)) => Limit::Unlimited,
            (Limit::AtMost(_), None) => Limit::Unknown,
            (max, entries) => max.map(|max| max.saturating_sub(entries.unwrap_or(0))),
        }
    }
}

impl MemoryLimits {
    /// Returns the memory that processes may still take.
    pub fn remaining(&self) -> Option<u64> {
        smallest([self.available, self.cgroup_available.value()])
    }

    /// Whether the control group leaves less than the machine has.
    pub fn is_cgroup_bound(&self) -> bool {
        let is_less = |cgroup| self.available.is_none_or(|available| cgroup < available);
        self.cgroup_available.value().is_some_and(is_less)
    }
}

impl CpuLimits {
    /// Returns the CPU time that the machine offers, in thousandths of a core.
    pub fn millicores(&self) -> Option<u64> {
        let online = self.online.map(|online| online.saturating_mul(1_000));
        smallest([online, self.quota_millicores.value()])
    }
}

impl Limit {
    /// Returns the limit; `None` if it does not exist or could not be read.
    pub fn value(self) -> Option<u64> {
        match self {
            Self::AtMost(limit) => Some(limit),
            Self::Unlimited | Self::Unknown => None,
        }
    }

    /// Converts the value of a limit that exists.
    pub fn map(self, convert: impl FnOnce(u64) -> u64) -> Self {
        match self {
            Self::AtMost(limit) => Self::AtMost(convert(limit)),
            other => other,
        }
    }
}

impl From<Option<u64>> for Limit {
    /// Returns the limit of a setting that always exists: `None` could not be read.
    fn from(setting: Option<u64>) -> Self {
        setting.map_or(Self::Unknown, Self::AtMost)
    }
}

/// Returns the smallest of the limits that are known.
fn smallest(limits: impl IntoIterator<Item = Option<u64>>) -> Option<u64> {
    limits.into_iter().flatten().min()
}
