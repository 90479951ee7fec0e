//! The table: for each usage the most sockets, what binds, and what then.

use highwater_scenarios::text_layout::TextLayout;
use highwater_types::format::count;

use crate::doctor::{
    capacity::{BindingConstraint, Capacity, RoleCapacity},
    costs::{CLIENT_BYTES, DEFAULT_HEARTBEAT_S, KERNEL_BYTES, NODE_BYTES},
    limits::HostLimits,
};

/// Columns of the usages, the sockets, and what binds first.
const COLUMNS: (usize, usize, usize) = (20, 11, 26);

pub(super) fn write(capacity: &Capacity, limits: &HostLimits, page: &mut TextLayout) {
    page.heading(&format!(
        "Most idle sockets, a heartbeat every {DEFAULT_HEARTBEAT_S} s from each"
    ));
    page.line(&row("", "sockets", "what binds first", "and then"));
    for ceilings in &capacity.roles {
        page.line(&capacity_row(ceilings, limits));
    }
    page.paragraph(&costs());
    let unknown = unknown(capacity);
    if !unknown.is_empty() {
        page.paragraph(&format!("Unknown, so left out: {}.", unknown.join(", ")));
    }
}

/// With a `≤` where a limit that could not be read may bind earlier.
fn capacity_row(ceilings: &RoleCapacity, limits: &HostLimits) -> String {
    let usage = ceilings.role.label();
    let Some(first) = ceilings.binding_constraint() else {
        return row(usage, "unknown", "", "");
    };
    let bound = if ceilings.unknown.is_empty() {
        ""
    } else {
        "≤"
    };
    let then = |next: BindingConstraint| format!("{} {}", figure(next.sockets), short(next));
    row(
        usage,
        &format!("{bound}{}", figure(first.sockets)),
        &first.constraint.describe(limits),
        &ceilings.next_constraint().map(then).unwrap_or_default(),
    )
}

/// What the figures are made from, in thousands of bytes.
fn costs() -> String {
    let kilobytes = |bytes: u64| format!("{:.1} kB", bytes as f64 / 1e3);
    format!(
        "As measured, a socket takes {} in a worker, {} in a node and {} in the kernel at \
         each end; a proxy is taken to hold two buffers of 8 KiB.",
        kilobytes(CLIENT_BYTES),
        kilobytes(NODE_BYTES),
        kilobytes(KERNEL_BYTES),
    )
}

/// In full up to a hundred million; no machine holds more, and the column is
/// not wider.
fn figure(sockets: u64) -> String {
    match sockets {
        0..100_000_000 => count(sockets),
        _ => format!("{} M", count(sockets / 1_000_000)),
    }
}

/// A limit's name, short enough for the last column.
fn short(ceiling: BindingConstraint) -> &'static str {
    match ceiling.constraint.name() {
        "open files a process" | "open files in all" => "files",
        "ephemeral ports" => "ports",
        "tracked connections" => "tracked",
        "processors" => "CPU",
        name => name,
    }
}

fn row(usage: &str, sockets: &str, first: &str, then: &str) -> String {
    let (usages, figures, binding) = COLUMNS;
    format!("{usage:<usages$}{sockets:>figures$}  {first:<binding$}{then}")
}

/// Limits that would count somewhere and could not be read.
fn unknown(capacity: &Capacity) -> Vec<&'static str> {
    let mut unknown = Vec::new();
    for name in capacity.roles.iter().flat_map(|found| &found.unknown) {
        if !unknown.contains(name) {
            unknown.push(*name);
        }
    }
    unknown
}
