//! The table of the most sockets for each role, and the limits that bind.

use highwater_scenarios::text_layout::TextLayout;
use highwater_types::format::count;

use crate::doctor::{
    capacity::{Capacity, RoleCapacity},
    costs::{CLIENT_BYTES, DEFAULT_HEARTBEAT_S, KERNEL_BYTES, NODE_BYTES},
    limits::HostLimits,
};

/// The widths of the columns: role, sockets, first limit.
const COLUMNS: (usize, usize, usize) = (20, 11, 26);

/// Writes the table.
pub(super) fn write(capacity: &Capacity, limits: &HostLimits, page: &mut TextLayout) {
    page.heading(&format!(
        "Most idle sockets, a heartbeat every {DEFAULT_HEARTBEAT_S} s from each"
    ));
    page.line(&row("", "sockets", "what binds first", "and then"));
    for role in &capacity.roles {
        page.line(&capacity_row(role, limits));
    }
    page.paragraph(&costs());
    let unknown = unknown(capacity);
    if !unknown.is_empty() {
        page.paragraph(&format!("Unknown, so left out: {}.", unknown.join(", ")));
    }
}

fn capacity_row(capacity: &RoleCapacity, limits: &HostLimits) -> String {
    let role = capacity.role.label();
    let Some(first) = capacity.binding_constraint() else {
        return row(role, "unknown", "", "");
    };
    // A limit that could not be read may bind earlier.
    let bound = match capacity.unknown.is_empty() {
        true => "",
        false => "≤",
    };
    let next = capacity.next_constraint().map(|next| {
        let name = next.constraint.short_name();
        format!("{} {name}", sockets_text(next.sockets))
    });
    row(
        role,
        &format!("{bound}{}", sockets_text(first.sockets)),
        &first.constraint.describe(limits),
        &next.unwrap_or_default(),
    )
}

/// Returns the costs behind the table, in thousands of bytes.
fn costs() -> String {
    let kilobytes = |bytes: u64| format!("{:.1} kB", bytes as f64 / 1e3);
    format!(
        "As measured, a socket takes {} in a worker, {} in a node and {} in the kernel at \
         each end. A proxy is assumed to hold two buffers of 8 KiB.",
        kilobytes(CLIENT_BYTES),
        kilobytes(NODE_BYTES),
        kilobytes(KERNEL_BYTES),
    )
}

/// Returns a number of sockets that fits the column. Beyond a hundred million, which no
/// machine holds, it is in millions.
fn sockets_text(sockets: u64) -> String {
    match sockets {
        0..100_000_000 => count(sockets),
        _ => format!("{} M", count(sockets / 1_000_000)),
    }
}

fn row(role: &str, sockets: &str, first: &str, next: &str) -> String {
    let (roles, numbers, limits) = COLUMNS;
    format!("{role:<roles$}{sockets:>numbers$}  {first:<limits$}{next}")
}

/// Returns the names of limits that apply to some role and could not be read.
fn unknown(capacity: &Capacity) -> Vec<&'static str> {
    let mut unknown = Vec::new();
    for name in capacity.roles.iter().flat_map(|role| &role.unknown) {
        if !unknown.contains(name) {
            unknown.push(*name);
        }
    }
    unknown
}
