//! A scenario on this machine.

use highwater_scenarios::{
    BalancerShare, RESERVE,
    format::{bytes, count, plural},
    text_layout::Page,
};

use super::{
    fixes,
    numbers::{figure, unknown},
};
use crate::doctor::{
    limits::Limits,
    plan_load::{Load, NodeLoad},
    preflight::{Finding, Fit},
};

/// Columns of the names.
const NAMES: usize = 10;

pub(super) fn write(name: &str, fit: &Fit, limits: &Limits, page: &mut Page) {
    match fit.fits() {
        true => page.heading(&format!("{name} fits this machine.")),
        false => page.heading(&format!("{name} does not fit this machine.")),
    }
    findings(&fit.obstacles, page);
    page.heading("What it takes");
    let load = &fit.load;
    page.entry("workers", NAMES, &workers(load, limits));
    match load.nodes {
        Some(nodes) => page.entry("nodes", NAMES, &nodes_in_words(nodes, limits)),
        None => page.entry("nodes", NAMES, "none here: the target runs already"),
    }
    if let Some(share) = load.balancers {
        page.entry("balancers", NAMES, &balancers_in_words(share, limits));
    }
    page.entry("files", NAMES, &files(load, limits));
    if let Some(busiest) = load
        .busiest
        .as_ref()
        .filter(|busiest| busiest.connections > 0)
    {
        let ports = limits.ports.map(|ports| ports.count());
        let text = format!(
            "{} to {}, of {}",
            plural(busiest.connections, "connection"),
            busiest.address,
            figure(ports)
        );
        page.entry("ports", NAMES, &text);
    }
    page.entry("memory", NAMES, &memory(load, limits));
    if !fit.doubts.is_empty() {
        page.heading("Notes");
        findings(&fit.doubts, page);
    }
    if !fit.unknown.is_empty() {
        page.heading("Unknown");
        page.paragraph(&format!(
            "These could not be read, and were not held against it: {}.",
            fit.unknown.join(", ")
        ));
    }
}

fn findings(findings: &[Finding], page: &mut Page) {
    for finding in findings {
        page.paragraph(&format!(
            "{}. {}",
            sentence(&finding.what),
            finding.remedy.what
        ));
        for line in fixes::settings(&finding.remedy) {
            page.line(&line);
        }
    }
}

fn workers(load: &Load, limits: &Limits) -> String {
    let files = limits.files.per_process();
    let why = match load.workers_needed {
        None => "the limit of open files is unknown".to_owned(),
        Some(needed) if needed < load.workers => {
            format!("{} would be enough", count(needed.into()))
        }
        Some(_) => format!("a process may open {} files", figure(files)),
    };
    let each = if load.workers == 1 {
        ""
    } else {
        " at most, each"
    };
    format!(
        "{}: {}, {} and {} in reserve{each}; {why}",
        count(load.workers.into()),
        plural(load.worker_sockets, "socket"),
        plural(load.worker_files - load.worker_sockets, "HTTP connection"),
        count(RESERVE.min(files.map_or(RESERVE, |files| files / 2))),
    )
}

fn nodes_in_words(nodes: NodeLoad, limits: &Limits) -> String {
    let range = match nodes.fewest == nodes.most {
        true => count(nodes.most),
        false => format!("{} to {}", count(nodes.fewest), count(nodes.most)),
    };
    format!(
        "{range}: {} each when spread over {}, of {} files",
        plural(nodes.spread, "socket"),
        count(nodes.most),
        figure(limits.files.per_process()),
    )
}

fn balancers_in_words(share: BalancerShare, limits: &Limits) -> String {
    format!(
        "{}: {} and {} each, two files for one, {} of {} files",
        count(share.balancers),
        plural(share.sockets, "socket"),
        plural(share.connections, "HTTP connection"),
        count(share.files()),
        figure(limits.files.per_process()),
    )
}

fn files(load: &Load, limits: &Limits) -> String {
    format!(
        "{} in all, of {} left on the system",
        count(load.files),
        figure(limits.files.left())
    )
}

fn memory(load: &Load, limits: &Limits) -> String {
    let memory = &load.memory;
    let nodes = match memory.nodes_bytes {
        0 => String::new(),
        nodes => format!(", {} in nodes and broker", bytes(nodes)),
    };
    let balancers = match memory.balancers_bytes {
        0 => String::new(),
        balancers => format!(", {} in balancers", bytes(balancers)),
    };
    format!(
        "about {}, of {} left: {} in workers and coordinator{}{nodes}{balancers}, {} in the kernel",
        bytes(memory.total_bytes()),
        limits.memory.left().map_or_else(unknown, bytes),
        bytes(memory.workers_bytes),
        memory.followed_in_words(),
        bytes(memory.kernel_bytes),
    )
}

/// With a capital letter, as a sentence begins.
fn sentence(what: &str) -> String {
    let mut letters = what.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
