//! A machine with known limits, and plans for it.

use highwater_loadgen::doctor::limits::{
    BalancerPrograms, ConntrackTable, CpuLimits, FileLimits, HostLimits, Limit, ListenQueueLimits,
    MemoryLimits, PortRange, ProgramPresence, TcpBuffers, ThreadLimits,
};
use highwater_scenarios::{Plan, parse};

pub(super) const GIB: u64 = 1 << 30;

/// Linux's defaults on 8 CPU cores and 32 GiB, with 20,000 files a process.
pub(super) fn machine() -> HostLimits {
    HostLimits {
        files: FileLimits {
            soft: Some(20_000),
            hard: Some(20_000),
            nr_open: Some(1_048_576),
            system_max: Some(3_200_000),
            system_open: Some(2_000),
        },
        port_range: Some(PortRange {
            first: 32_768,
            last: 60_999,
            reserved: 0,
        }),
        listen_queues: ListenQueueLimits {
            somaxconn: Some(4_096),
            syn_backlog: Some(2_048),
            syncookies: Some(1),
        },
        threads: ThreadLimits {
            pid_max: Some(4_194_304),
            threads_max: Some(256_000),
            user_max: Limit::Unlimited,
            cgroup_max: Limit::Unlimited,
            map_count: Some(65_530),
        },
        conntrack: ConntrackTable {
            max: Limit::Unlimited,
            entries: None,
        },
        tcp: TcpBuffers {
            buffers_bytes: Some(3 * GIB),
            receive_bytes: Some(131_072),
            page_bytes: Some(4_096),
        },
        memory: MemoryLimits {
            total: Some(32 * GIB),
            available: Some(30 * GIB),
            cgroup_max: Limit::Unlimited,
            cgroup_available: Limit::Unlimited,
        },
        cpus: CpuLimits {
            online: Some(8),
            quota_millicores: Limit::Unlimited,
        },
        programs: BalancerPrograms::all(ProgramPresence::Present),
    }
}

/// The machine of [`machine`], on which a process may open a million files.
pub(super) fn machine_with_files() -> HostLimits {
    let mut limits = machine();
    limits.files.hard = Some(1_048_576);
    limits
}

/// A plan with a cluster of `nodes` nodes.
pub(super) fn cluster(nodes: u32, sockets: u64) -> Plan {
    let text = format!(
        "name = \"cluster\"\nduration = \"60s\"\n[cluster]\nnodes = {nodes}\n\
         [[devices]]\nname = \"home\"\ncount = {sockets}\nramp = \"200/s\"\nheartbeat = \"20s\"\n"
    );
    parse("cluster.toml", &text, &[]).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A plan with a target at `ws`.
pub(super) fn target(ws: &str, sockets: u64) -> Plan {
    let text = format!(
        "name = \"target\"\nduration = \"60s\"\n[target]\nws = \"{ws}\"\ndialect = \"plain\"\n\
         [[devices]]\nname = \"home\"\ncount = {sockets}\nramp = \"200/s\"\nheartbeat = \"20s\"\n"
    );
    parse("target.toml", &text, &[]).unwrap_or_else(|problems| panic!("{problems}"))
}
