//! The load at its peak, and the files and memory that it takes.

use highwater_types::format;

use super::MemoryEstimate;
use crate::{
    Plan, Segment,
    estimate::{RESERVED_FILES, usable_files},
    plan::{LoadModel, MessageLoad},
    text_layout::TextLayout,
};

/// Columns of the labels.
const LABEL_COLUMNS: usize = 10;

/// Describes sockets, heartbeats and other traffic when everything is open.
pub(super) fn peak(plan: &Plan, page: &mut TextLayout) {
    page.heading("At the peak");
    let late = plan.sockets() - plan.ramp_sockets();
    let sockets = match late {
        0 => format::count(plan.sockets()),
        late => format!(
            "{}: {} from the ramp, {} opened later",
            format::count(plan.sockets()),
            format::count(plan.ramp_sockets()),
            format::count(late)
        ),
    };
    let mut row = |label, text: &str| page.label_right(label, LABEL_COLUMNS, text);
    row("sockets", &sockets);
    row("heartbeats", &format::per_second(plan.heartbeats_per_s()));
    let commands = match plan.requests_per_s() {
        _ if plan.commands.is_empty() => "none".to_owned(),
        // Arrivals alone do not depend on the system.
        Some(rate) if plan.users() == 0 => format::per_second(rate),
        Some(rate) => format!(
            "{} when every reply comes at once",
            format::per_second(rate)
        ),
        None => "as many as the system answers: users without a think time".to_owned(),
    };
    row("commands", &commands);
    if !plan.messages.is_empty() {
        row("exchanges", &exchanges(plan));
    }
    if !plan.publish.is_empty() {
        let messages = format!(
            "{} published, {} delivered",
            format::per_second(plan.messages_per_s()),
            format::per_second(plan.deliveries_per_s())
        );
        row("messages", &messages);
    }
    if !plan.telemetry.is_empty() {
        row("telemetry", &format::per_second(plan.telemetry_per_s()));
    }
}

/// Describes the messages that devices send over their own sockets.
fn exchanges(plan: &Plan) -> String {
    let is_closed = |load: &MessageLoad| matches!(load.model, LoadModel::Closed { .. });
    match plan.exchanges_per_s() {
        // Arrivals alone do not depend on the system.
        Some(rate) if !plan.messages.iter().any(is_closed) => {
            format!("{} sent by devices", format::per_second(rate))
        }
        Some(rate) => format!(
            "{} sent by devices when every answer comes at once",
            format::per_second(rate)
        ),
        None => "as many as the system answers: users without a think time".to_owned(),
    }
}

/// Describes the workers: their number, and the open files that make it necessary.
pub(super) fn workers(plan: &Plan, files_per_process: u64, page: &mut TextLayout) {
    let workers = plan.workers_needed(files_per_process);
    page.heading("Workers");
    // The first segment has the largest share.
    let share = Segment::new(0, workers).unwrap_or(Segment::whole());
    let connections = plan.http_connections_of(share);
    let sockets = plan.sockets_of(share);
    let reserve = RESERVED_FILES.min(files_per_process / 2);
    let needed = sockets + connections + reserve;
    let each = if workers == 1 {
        " with"
    } else {
        ", each with at most"
    };
    page.paragraph(&format!(
        "{}{each} {}, {} and {} in reserve: {} of {} open files.",
        format::plural(workers.into(), "worker"),
        format::plural(sockets, "socket"),
        format::plural(connections, "HTTP connection"),
        format::count(reserve),
        format::count(needed),
        format::count(files_per_process),
    ));
}

/// Describes the sockets and open files of each node that the harness starts.
pub(super) fn nodes(plan: &Plan, files_per_process: u64, page: &mut TextLayout) {
    let (Some(cluster), Some(nodes)) = (plan.cluster(), plan.node_count_range()) else {
        return;
    };
    page.heading("Nodes");
    let fewest = *nodes.start();
    // Rounded up: the fullest node meets the limit first.
    let spread = |nodes: u64| plan.sockets().div_ceil(nodes);
    let start = u64::from(cluster.nodes);
    page.paragraph(&format!(
        "{} {} and as many open files; it may open {}.",
        match start {
            1 => "The node holds".to_owned(),
            nodes => format!(
                "Spread evenly over {} nodes, each holds",
                format::count(nodes)
            ),
        },
        format::plural(spread(start), "socket"),
        format::count(files_per_process),
    ));
    match fewest {
        fewest if fewest >= start => {}
        0 => {
            page.paragraph("The events leave no node for a time: every socket will be tried again.")
        }
        fewest => page.paragraph(&format!(
            "The events leave {} for a time: {} each.",
            format::plural(fewest, "node"),
            format::plural(spread(fewest), "socket")
        )),
    }
    // A node needs about as many files beside its sockets as a worker does.
    if spread(fewest.max(1)) + RESERVED_FILES > files_per_process {
        page.paragraph(
            "That is more than a node may open: expect rejected sockets, or raise the limit.",
        );
    }
}

/// Describes the open files of each balancer that the harness starts.
pub(super) fn balancers(plan: &Plan, files_per_process: u64, page: &mut TextLayout) {
    let Some(share) = plan.balancer_share() else {
        return;
    };
    page.heading("Balancers");
    page.paragraph(&format!(
        "{} {} and {}, with two open files for each: {} of {}.",
        match share.balancers {
            1 => "The balancer forwards".to_owned(),
            balancers => format!("Each of {} forwards", format::count(balancers)),
        },
        format::plural(share.sockets, "socket"),
        format::plural(share.connections, "HTTP connection"),
        format::count(share.open_files()),
        format::count(files_per_process),
    ));
    let usable = usable_files(files_per_process);
    if share.open_files() > usable {
        page.paragraph(&format!(
            "That, with {} in reserve, is more than a process may open: take more balancers \
             (`balancers`), fewer sockets, or raise the limit.",
            format::count(files_per_process.saturating_sub(usable)),
        ));
    }
}

/// Describes the memory of this machine that the run takes.
pub(super) fn memory(memory: &MemoryEstimate, page: &mut TextLayout) {
    page.heading("Memory");
    let nodes = match memory.nodes_bytes {
        0 => String::new(),
        bytes => format!(", {} in nodes and broker", format::bytes(bytes)),
    };
    let balancers = match memory.balancers_bytes {
        0 => String::new(),
        bytes => format!(", {} in balancers", format::bytes(bytes)),
    };
    let available = match memory.available_bytes {
        Some(bytes) => format!("{} are available", format::bytes(bytes)),
        None => "the available memory is unknown".to_owned(),
    };
    page.paragraph(&format!(
        "About {} here: {} in workers and coordinator{}{nodes}{balancers}, {} in the kernel; {available}.",
        format::bytes(memory.total_bytes()),
        format::bytes(memory.workers_bytes),
        memory.tracking_note(),
        format::bytes(memory.kernel_bytes),
    ));
}
