//! The process that asks: a worker or the coordinator measuring itself.

use std::{process, sync::LazyLock};

use parking_lot::Mutex;

use super::{Gauges, process::ProcessTable};

/// Kept between calls, because the table reads once when the machine started;
/// read anew each time, a wall clock that is set would look like a restart.
static TABLE: LazyLock<Mutex<ProcessTable>> = LazyLock::new(Mutex::default);

/// Memory, CPU time, start and open files of this very process. Meant for once
/// a second: it reads a handful of small files.
pub fn own_process() -> Gauges {
    let pid = process::id();
    let mut table = TABLE.lock();
    table.refresh([pid]);
    table.gauges(pid).unwrap_or_default()
}
