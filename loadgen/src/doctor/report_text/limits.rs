//! The limits as they were read.

use highwater_scenarios::{
    format::{bytes, count},
    text_layout::Page,
};

use super::numbers::{cap, figure, unknown};
use crate::{
    doctor::limits::{
        Cap, Conntrack, Files, Limits, Memory, Ports, Presence, Processes, Processors, Programs,
        Queues, Tcp,
    },
    worker::devices::source_address::SOCKETS_PER_ADDRESS,
};

/// Columns of the names.
const NAMES: usize = 11;

pub(super) fn write(limits: &Limits, page: &mut Page) {
    page.heading("Limits");
    let mut entry = |name: &str, text: String| page.entry(name, NAMES, &text);
    entry("open files", files(&limits.files));
    entry(
        "ports",
        limits.ports.map_or_else(unknown, |found| ports(&found)),
    );
    entry("", spread());
    entry("accepting", queues(&limits.queues));
    entry("conntrack", conntrack(&limits.conntrack));
    entry("memory", memory(&limits.memory));
    entry("TCP buffers", tcp(&limits.tcp));
    entry("processors", processors(&limits.processors));
    entry("threads", threads(&limits.processes));
    entry("mappings", mappings(&limits.processes));
    entry("programs", programs(&limits.programs));
}

fn files(files: &Files) -> String {
    let raised = match (files.soft, files.hard) {
        (Some(soft), Some(hard)) if soft < hard => {
            format!(
                "; highwater raises its soft limit of {} by itself",
                count(soft)
            )
        }
        _ => String::new(),
    };
    format!(
        "{} a process (soft {}, hard {}; fs.nr_open {}){raised}. {} in all (fs.file-max), {} open now.",
        figure(files.per_process()),
        figure(files.soft),
        figure(files.hard),
        figure(files.nr_open),
        figure(files.system_max),
        figure(files.system_open),
    )
}

fn ports(ports: &Ports) -> String {
    let reserved = match ports.reserved {
        0 => String::new(),
        reserved => format!(", {} of them reserved", count(reserved)),
    };
    format!(
        "{} per source address and target ({} to {}{reserved}). The knee is at {}, \
         half of them: the kernel looks at every other port first, and once those are taken \
         each connect walks past all of them; connects then fell from 36,000/s to 300/s.",
        count(ports.count()),
        ports.first,
        ports.last,
        count(ports.knee()),
    )
}

fn spread() -> String {
    format!(
        "On loopback highwater connects from many addresses of 127.0.0.0/8, at most {} \
         sockets from each: ports are no limit there.",
        count(SOCKETS_PER_ADDRESS.into())
    )
}

fn queues(queues: &Queues) -> String {
    let cookies = match queues.syncookies {
        None => "SYN cookies unknown",
        Some(0) => "no SYN cookies: what comes in excess is dropped",
        Some(_) => "SYN cookies beyond",
    };
    format!(
        "{} opened sockets may wait to be accepted (net.core.somaxconn), {} half open ones \
         (tcp_max_syn_backlog; {cookies}).",
        figure(queues.somaxconn),
        figure(queues.syn_backlog),
    )
}

fn conntrack(conntrack: &Conntrack) -> String {
    match (conntrack.max, conntrack.tracked) {
        (Cap::None, _) => "Not loaded: connections are not tracked.".to_owned(),
        (Cap::At(max), Some(0)) => format!(
            "{} connections (nf_conntrack_max), none of them in use: no rule tracks.",
            count(max)
        ),
        (max, tracked) => format!(
            "{} connections (nf_conntrack_max), {} tracked now.",
            cap(max),
            figure(tracked)
        ),
    }
}

fn memory(memory: &Memory) -> String {
    let group = match memory.group_max {
        Cap::None => "no limit of the control group".to_owned(),
        Cap::Unknown => "the control group's limit is unknown".to_owned(),
        Cap::At(max) => match memory.group_room {
            Cap::At(room) => format!(
                "the control group may have {}, {} of it left",
                bytes(max),
                bytes(room)
            ),
            Cap::None | Cap::Unknown => format!(
                "the control group may have {}, and what it uses is unknown",
                bytes(max)
            ),
        },
    };
    format!(
        "{} available of {}; {group}.",
        memory.available.map_or_else(unknown, bytes),
        memory.total.map_or_else(unknown, bytes),
    )
}

fn tcp(tcp: &Tcp) -> String {
    format!(
        "{} for all sockets (tcp_mem), {} for what one has not read yet (tcp_rmem). An idle \
         socket holds none.",
        tcp.buffers_bytes.map_or_else(unknown, bytes),
        tcp.receive_bytes.map_or_else(unknown, bytes),
    )
}

fn processors(processors: &Processors) -> String {
    let quota = match processors.quota_thousandths {
        Cap::None => "no quota of the control group".to_owned(),
        Cap::Unknown => "the control group's quota is unknown".to_owned(),
        Cap::At(thousandths) => format!(
            "the control group may use {:.1} of them",
            thousandths as f64 / 1e3
        ),
    };
    format!("{} online; {quota}.", figure(processors.online))
}

fn threads(processes: &Processes) -> String {
    format!(
        "kernel.pid_max {}, kernel.threads-max {}, ulimit -u {}, pids.max {}.",
        figure(processes.pid_max),
        figure(processes.threads_max),
        cap(processes.user_max),
        cap(processes.group_max),
    )
}

fn mappings(processes: &Processes) -> String {
    format!(
        "{} in a process (vm.max_map_count). Sockets take none; a server with a thread for \
         each socket takes two.",
        figure(processes.map_count)
    )
}

fn programs(programs: &Programs) -> String {
    let state = |presence| match presence {
        Presence::Unknown => "unknown",
        Presence::There => "found",
        Presence::Missing => "missing",
    };
    format!(
        "nginx {}, HAProxy {}: only scenarios that name one as their balancer need it.",
        state(programs.nginx),
        state(programs.haproxy)
    )
}
