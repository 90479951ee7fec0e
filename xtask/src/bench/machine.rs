//! The machine that the figures belong to.

use std::{fmt, fs, thread};

/// A machine, as far as its figures depend on it; `None` for what the system does not say.
#[derive(Debug)]
pub(in crate::bench) struct Machine {
    cores: Option<usize>,
    memory_kib: Option<u64>,
    kernel: Option<String>,
}

impl Machine {
    /// Reads the machine that this process runs on.
    pub(in crate::bench) fn read() -> Self {
        let memory = fs::read_to_string("/proc/meminfo").ok();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
        Self {
            cores: thread::available_parallelism().ok().map(usize::from),
            memory_kib: memory.as_deref().and_then(total_kib),
            kernel: kernel.map(|kernel| kernel.trim().to_owned()),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cores {
            Some(cores) => write!(f, "{cores} cores")?,
            None => write!(f, "cores unknown")?,
        }
        match self.memory_kib {
            Some(kib) => write!(f, ", {:.1} GiB of memory", kib as f64 / 1024.0 / 1024.0)?,
            None => write!(f, ", memory unknown")?,
        }
        match &self.kernel {
            Some(kernel) => write!(f, ", Linux {kernel}"),
            None => write!(f, ", kernel unknown"),
        }
    }
}

/// Returns the total memory of `/proc/meminfo` in KiB.
fn total_kib(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse().ok()
}
