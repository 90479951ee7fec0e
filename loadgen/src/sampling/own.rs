//! The process that asks: a worker or the coordinator measuring itself.

use std::process;

use super::{Gauges, process::ProcessTable};

/// Memory, CPU time, start and open files of this very process. Meant for once
/// a second: it reads a handful of small files.
pub fn own_process() -> Gauges {
    let pid = process::id();
    let mut table = ProcessTable::new();
    table.refresh([pid]);
    table.gauges(pid).unwrap_or_default()
}
