//! The machine that a run is for, as far as a description needs it.

use highwater_types::format;

/// The limits and the memory of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostResources {
    /// Files that a process may open.
    pub files_per_process: u64,
    /// The memory that the plan takes; `None` leaves the section out.
    pub memory: Option<MemoryEstimate>,
}

/// The memory of a machine that a plan takes, and the memory that is available.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryEstimate {
    /// Bytes of the coordinator and of all workers with their sockets.
    pub workers_bytes: u64,
    /// Bytes of these that follow messages and telemetry records.
    pub tracking_bytes: u64,
    /// Bytes of the nodes and the broker that the harness starts.
    pub nodes_bytes: u64,
    /// Bytes of the balancers that the harness starts.
    pub balancers_bytes: u64,
    /// Bytes of the kernel for the sockets' ends on this machine.
    pub kernel_bytes: u64,
    /// Bytes that are available now; `None` where that is unknown.
    pub available_bytes: Option<u64>,
}

impl MemoryEstimate {
    /// Returns the memory of all processes and the kernel, in bytes.
    pub fn total_bytes(&self) -> u64 {
        let others = [self.nodes_bytes, self.balancers_bytes, self.kernel_bytes];
        others
            .into_iter()
            .fold(self.workers_bytes, u64::saturating_add)
    }

    /// Returns a remark for behind the workers' memory: the part that follows messages and
    /// telemetry records. It is empty for a plan without them.
    pub fn tracking_note(&self) -> String {
        match self.tracking_bytes {
            0 => String::new(),
            bytes => format!(
                " ({} of it to follow messages and telemetry records)",
                format::bytes(bytes)
            ),
        }
    }
}
