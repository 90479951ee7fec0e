//! The limits of a machine, as its kernel states them, and which programs it has.

/// A limit that need not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cap {
    /// It could not be read.
    #[default]
    Unknown,
    /// There is none.
    None,
    /// It is this much.
    At(u64),
}

/// Everything that was read; the default is a machine that says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Open files.
    pub files: Files,
    /// Ports that connects are made from.
    pub ports: Option<Ports>,
    /// Queues of connections that nobody has accepted yet.
    pub queues: Queues,
    /// Threads and mappings.
    pub processes: Processes,
    /// The firewall's table of connections.
    pub conntrack: Conntrack,
    /// Buffers of TCP.
    pub tcp: Tcp,
    /// Memory.
    pub memory: Memory,
    /// Processors.
    pub processors: Processors,
    /// Programs that a run may need.
    pub programs: Programs,
}

/// Open files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Files {
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
pub struct Ports {
    /// The lowest.
    pub first: u16,
    /// The highest.
    pub last: u16,
    /// Ports between them that `ip_local_reserved_ports` takes out.
    pub reserved: u64,
}

/// Queues of connections on their way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Queues {
    /// `net.core.somaxconn`: opened, not yet accepted, of one listener.
    pub somaxconn: Option<u64>,
    /// `net.ipv4.tcp_max_syn_backlog`: half open.
    pub syn_backlog: Option<u64>,
    /// `net.ipv4.tcp_syncookies`: 0 never, 1 when the queue is full, 2 always.
    pub syncookies: Option<u64>,
}

/// Threads and mappings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Processes {
    /// `kernel.pid_max`: every thread has a number.
    pub pid_max: Option<u64>,
    /// `kernel.threads-max`.
    pub threads_max: Option<u64>,
    /// `RLIMIT_NPROC`: threads of this user; root has none.
    pub user_max: Cap,
    /// `pids.max` of the control group: threads in it.
    pub group_max: Cap,
    /// `vm.max_map_count`: mappings of one process.
    pub map_count: Option<u64>,
}

/// The firewall's table of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Conntrack {
    /// `nf_conntrack_max`; `None` where the module is not loaded.
    pub max: Cap,
    /// `nf_conntrack_count`: in the table now.
    pub tracked: Option<u64>,
}

/// Buffers of TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tcp {
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
pub struct Memory {
    /// `MemTotal`.
    pub total: Option<u64>,
    /// `MemAvailable`.
    pub available: Option<u64>,
    /// The smallest limit among the control groups that this process is in.
    pub group_max: Cap,
    /// What they leave now: the smallest difference of limit and use.
    pub group_room: Cap,
}

/// Processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Processors {
    /// Online.
    pub online: Option<u64>,
    /// The control group's quota, in thousandths of a processor.
    pub quota_thousandths: Cap,
}

/// Programs of somebody else's that a run may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Programs {
    /// nginx.
    pub nginx: Presence,
    /// HAProxy.
    pub haproxy: Presence,
}

/// Whether a program is on the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Presence {
    /// Nobody looked.
    #[default]
    Unknown,
    /// It is.
    There,
    /// It is not where programs are looked for.
    Missing,
}

impl Files {
    /// Files that a process of ours may open: it raises its soft limit to the
    /// hard one by itself, and no process goes past `fs.nr_open`.
    pub fn per_process(&self) -> Option<u64> {
        let hard = self.hard?;
        Some(self.nr_open.map_or(hard, |most| hard.min(most)))
    }

    /// Files that all processes together may still open.
    pub fn left(&self) -> Option<u64> {
        Some(self.system_max?.saturating_sub(self.system_open?))
    }
}

impl Ports {
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

impl Processes {
    /// Threads that may exist at once; `None` if no limit could be read.
    pub fn threads(&self) -> Option<u64> {
        [
            self.pid_max,
            self.threads_max,
            self.user_max.known(),
            self.group_max.known(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

impl Conntrack {
    /// Connections that still fit into the table. An empty table is one that
    /// no rule feeds: a machine that tracks knows at least the connection that
    /// it is looked at through.
    pub fn left(&self) -> Cap {
        match (self.max, self.tracked) {
            (Cap::None, _) | (Cap::At(_), Some(0)) => Cap::None,
            (Cap::At(max), Some(tracked)) => Cap::At(max.saturating_sub(tracked)),
            (Cap::At(_), None) | (Cap::Unknown, _) => Cap::Unknown,
        }
    }
}

impl Memory {
    /// What processes may still take.
    pub fn left(&self) -> Option<u64> {
        match (self.available, self.group_room) {
            (Some(available), Cap::At(room)) => Some(available.min(room)),
            (Some(available), _) => Some(available),
            (None, Cap::At(room)) => Some(room),
            (None, _) => None,
        }
    }

    /// Whether the control group leaves less than the machine has.
    pub fn is_bound_by_group(&self) -> bool {
        match self.group_room {
            Cap::At(room) => self.available.is_none_or(|available| room < available),
            Cap::None | Cap::Unknown => false,
        }
    }
}

impl Processors {
    /// What there is to compute with, in thousandths of a processor.
    pub fn thousandths(&self) -> Option<u64> {
        let online = self.online.map(|online| online.saturating_mul(1_000));
        match (online, self.quota_thousandths.known()) {
            (Some(online), Some(quota)) => Some(online.min(quota)),
            (online, quota) => online.or(quota),
        }
    }
}

impl Cap {
    /// The limit, if there is one and it was read.
    pub fn known(self) -> Option<u64> {
        match self {
            Self::At(limit) => Some(limit),
            Self::None | Self::Unknown => None,
        }
    }
}
