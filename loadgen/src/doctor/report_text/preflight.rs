//! The report on a scenario on this machine.

use highwater_scenarios::{BalancerShare, RESERVED_FILES, text_layout::TextLayout};
use highwater_types::format::{bytes, count, plural};

use super::fixes;
use crate::doctor::{
    limits::HostLimits,
    numbers::{number_text, unknown_text},
    plan_load::{PlanLoad, PlanNodeLoad},
    preflight::{PreflightFinding, PreflightReport},
};

/// The columns of the names.
const NAMES: usize = 10;

/// Writes whether the scenario fits, its load, and the findings.
pub(super) fn write(
    name: &str,
    report: &PreflightReport,
    limits: &HostLimits,
    page: &mut TextLayout,
) {
    let verdict = match report.fits() {
        true => "fits",
        false => "does not fit",
    };
    page.heading(&format!("{name} {verdict} this machine."));
    findings(&report.failures, page);
    page.heading("What it takes");
    let load = &report.load;
    page.label_left("workers", NAMES, &workers(load, limits));
    match load.nodes {
        Some(nodes) => page.label_left("nodes", NAMES, &nodes_text(nodes, limits)),
        None => page.label_left("nodes", NAMES, "none here: the target runs already"),
    }
    if let Some(share) = load.balancers {
        page.label_left("balancers", NAMES, &balancers_text(share, limits));
    }
    page.label_left("files", NAMES, &files(load, limits));
    // A scenario over loopback without commands needs no ports.
    let busiest = load.busiest_destination.as_ref();
    if let Some(busiest) = busiest.filter(|busiest| busiest.connections > 0) {
        let ports = limits.port_range.map(|ports| ports.count());
        let text = format!(
            "{} to {}, of {}{}",
            plural(busiest.connections, "connection"),
            busiest.address,
            number_text(ports),
            match busiest.sources {
                1 => String::new(),
                sources => format!(", from each of {} addresses", count(sources)),
            }
        );
        page.label_left("ports", NAMES, &text);
    }
    page.label_left("memory", NAMES, &memory(load, limits));
    if !report.warnings.is_empty() {
        page.heading("Notes");
        findings(&report.warnings, page);
    }
    if !report.unknown.is_empty() {
        page.heading("Unknown");
        page.paragraph(&format!(
            "These limits could not be read, so they were not checked: {}.",
            report.unknown.join(", ")
        ));
    }
}

fn findings(findings: &[PreflightFinding], page: &mut TextLayout) {
    for finding in findings {
        let problem = sentence(&finding.message);
        page.paragraph(&format!("{problem}. {}", finding.fix.action));
        for line in fixes::setting_lines(&finding.fix) {
            page.line(&line);
        }
    }
}

fn workers(load: &PlanLoad, limits: &HostLimits) -> String {
    let files = limits.files.per_process();
    let reason = match load.workers_needed {
        None => "the limit of open files is unknown".to_owned(),
        Some(needed) if needed < load.workers => {
            format!("{} would be enough", count(needed.into()))
        }
        Some(_) => format!("a process may open {} files", number_text(files)),
    };
    let each = match load.workers {
        1 => "",
        _ => " at most, each",
    };
    format!(
        "{}: {}, {} and {} in reserve{each}; {reason}",
        count(load.workers.into()),
        plural(load.worker_sockets, "socket"),
        plural(load.worker_files - load.worker_sockets, "HTTP connection"),
        count(RESERVED_FILES.min(files.map_or(RESERVED_FILES, |files| files / 2))),
    )
}

fn nodes_text(nodes: PlanNodeLoad, limits: &HostLimits) -> String {
    let range = match nodes.min_nodes == nodes.max_nodes {
        true => count(nodes.max_nodes),
        false => format!("{} to {}", count(nodes.min_nodes), count(nodes.max_nodes)),
    };
    format!(
        "{range}: {} each when spread over {}, of {} files",
        plural(nodes.sockets_per_node, "socket"),
        count(nodes.max_nodes),
        number_text(limits.files.per_process()),
    )
}

fn balancers_text(share: BalancerShare, limits: &HostLimits) -> String {
    format!(
        "{}: {} and {} each, two files for one, {} of {} files",
        count(share.balancers),
        plural(share.sockets, "socket"),
        plural(share.connections, "HTTP connection"),
        count(share.open_files()),
        number_text(limits.files.per_process()),
    )
}

fn files(load: &PlanLoad, limits: &HostLimits) -> String {
    format!(
        "{} in all, of {} left on the system",
        count(load.files),
        number_text(limits.files.remaining())
    )
}

fn memory(load: &PlanLoad, limits: &HostLimits) -> String {
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
        limits.memory.remaining().map_or_else(unknown_text, bytes),
        bytes(memory.workers_bytes),
        memory.tracking_note(),
        bytes(memory.kernel_bytes),
    )
}

/// Returns the message with a capital letter at its beginning.
fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
