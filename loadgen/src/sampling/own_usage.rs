//! Memory and CPU time of the process that samples: a worker or the coordinator.

use std::{process, sync::LazyLock};

use parking_lot::Mutex;

use super::{gauges::Gauges, process::ProcessTable};

/// The table of this process. It is kept between calls, because it reads the machine's boot
/// time once. A boot time read after the clock was set would look like a restart.
static TABLE: LazyLock<Mutex<ProcessTable>> = LazyLock::new(Mutex::default);

/// Returns memory, CPU time, start time and open files of this process. A call reads a
/// handful of small files, which is meant for once a second.
pub fn own_process() -> Gauges {
    let pid = process::id();
    let mut table = TABLE.lock();
    table.refresh([pid]);
    table.gauges(pid).unwrap_or_default()
}
