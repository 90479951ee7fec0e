//! The limits as they were read.

use highwater_scenarios::text_layout::TextLayout;
use highwater_types::format::{bytes, count};

use crate::{
    doctor::{
        limits::{
            BalancerPrograms, ConntrackTable, CpuLimits, FileLimits, HostLimits, Limit,
            ListenQueueLimits, MemoryLimits, PortRange, ProgramPresence, TcpBuffers, ThreadLimits,
        },
        numbers::{limit_text, number_text, unknown_text},
    },
    worker::source_address::SOCKETS_PER_ADDRESS,
};

/// The columns of the names.
const NAMES: usize = 11;

/// Writes the limits.
pub(super) fn write(limits: &HostLimits, page: &mut TextLayout) {
    page.heading("Limits");
    let mut entry = |name: &str, text: String| page.label_left(name, NAMES, &text);
    entry("open files", files(&limits.files));
    entry("ports", limits.port_range.map_or_else(unknown_text, ports));
    entry("", source_addresses());
    entry("accepting", queues(&limits.listen_queues));
    entry("conntrack", conntrack(&limits.conntrack));
    entry("memory", memory(&limits.memory));
    entry("TCP buffers", tcp(&limits.tcp));
    entry("CPU cores", cpus(&limits.cpus));
    entry("threads", threads(&limits.threads));
    entry("mappings", mappings(&limits.threads));
    entry("programs", programs(&limits.programs));
}

fn files(files: &FileLimits) -> String {
    let raised = match (files.soft, files.hard) {
        (Some(soft), Some(hard)) if soft < hard => {
            format!("; highwater raises its soft limit of {}", count(soft))
        }
        _ => String::new(),
    };
    format!(
        "{} a process (soft {}, hard {}; fs.nr_open {}){raised}. {} in all (fs.file-max), {} open now.",
        number_text(files.per_process()),
        number_text(files.soft),
        number_text(files.hard),
        number_text(files.nr_open),
        number_text(files.system_max),
        number_text(files.system_open),
    )
}

fn ports(range: PortRange) -> String {
    let reserved = match range.reserved {
        0 => String::new(),
        reserved => format!(", {} of them reserved", count(reserved)),
    };
    format!(
        "{} per source address and target ({} to {}{reserved}). From {} on, half of \
         them, the kernel searches long for each free port, and connects of other programs \
         get slow. Workers choose the ports of their sockets themselves.",
        count(range.count()),
        range.first,
        range.last,
        count(range.knee()),
    )
}

fn source_addresses() -> String {
    format!(
        "On loopback highwater connects from many addresses of 127.0.0.0/8, at most {} \
         sockets from each, so ports are not a limit there.",
        count(SOCKETS_PER_ADDRESS.into())
    )
}

fn queues(queues: &ListenQueueLimits) -> String {
    let cookies = match queues.syncookies {
        None => "SYN cookies unknown",
        Some(0) => "no SYN cookies: connections beyond are dropped",
        Some(_) => "SYN cookies beyond",
    };
    format!(
        "{} open sockets may wait to be accepted (net.core.somaxconn), {} half-open ones \
         (tcp_max_syn_backlog; {cookies}).",
        number_text(queues.somaxconn),
        number_text(queues.syn_backlog),
    )
}

fn conntrack(table: &ConntrackTable) -> String {
    match (table.max, table.entries) {
        (Limit::Unlimited, _) => "Not loaded: connections are not tracked.".to_owned(),
        (Limit::AtMost(max), Some(0)) => format!(
            "{} connections (nf_conntrack_max), none of them in use: no rule tracks.",
            count(max)
        ),
        (max, entries) => format!(
            "{} connections (nf_conntrack_max), {} tracked now.",
            limit_text(max),
            number_text(entries)
        ),
    }
}

fn memory(memory: &MemoryLimits) -> String {
    let group = match memory.cgroup_max {
        Limit::Unlimited => "no limit of the control group".to_owned(),
        Limit::Unknown => "the control group's limit is unknown".to_owned(),
        Limit::AtMost(max) => {
            let left = match memory.cgroup_available.value() {
                Some(available) => format!("{} of it left", bytes(available)),
                None => "and its use is unknown".to_owned(),
            };
            format!("the control group may have {}, {left}", bytes(max))
        }
    };
    format!(
        "{} available of {}; {group}.",
        memory.available.map_or_else(unknown_text, bytes),
        memory.total.map_or_else(unknown_text, bytes),
    )
}

fn tcp(tcp: &TcpBuffers) -> String {
    format!(
        "{} for all sockets (tcp_mem), {} for data that one socket has not read yet \
         (tcp_rmem). An idle socket holds none.",
        tcp.buffers_bytes.map_or_else(unknown_text, bytes),
        tcp.receive_bytes.map_or_else(unknown_text, bytes),
    )
}

fn cpus(cpus: &CpuLimits) -> String {
    let quota = match cpus.quota_millicores {
        Limit::Unlimited => "no quota of the control group".to_owned(),
        Limit::Unknown => "the control group's quota is unknown".to_owned(),
        Limit::AtMost(millicores) => format!(
            "the control group may use {:.1} of them",
            millicores as f64 / 1e3
        ),
    };
    format!("{} online; {quota}.", number_text(cpus.online))
}

fn threads(threads: &ThreadLimits) -> String {
    format!(
        "kernel.pid_max {}, kernel.threads-max {}, ulimit -u {}, pids.max {}.",
        number_text(threads.pid_max),
        number_text(threads.threads_max),
        limit_text(threads.user_max),
        limit_text(threads.cgroup_max),
    )
}

fn mappings(threads: &ThreadLimits) -> String {
    format!(
        "{} in a process (vm.max_map_count). Sockets take none; a server with a thread for \
         each socket takes two.",
        number_text(threads.map_count)
    )
}

fn programs(programs: &BalancerPrograms) -> String {
    let states = programs.outside_programs().map(|(name, presence)| {
        let state = match presence {
            ProgramPresence::Unknown => "unknown",
            ProgramPresence::Present => "found",
            ProgramPresence::Missing => "missing",
        };
        format!("{name} {state}")
    });
    let states = states.collect::<Vec<_>>().join(", ");
    format!("{states}: only scenarios that name one as their balancer need it.")
}
