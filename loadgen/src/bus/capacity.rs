//! The capacity of a worker's machine.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// The limits of a worker's machine. `None` is a limit that could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerCapacity {
    /// Name of the machine. Workers of one machine share all that follows except files and sources.
    pub host: String,
    /// Files that the process may open.
    pub open_files: u64,
    /// Ports from which one source address reaches one address and port.
    pub ports: Option<u64>,
    /// Local addresses over which the worker's sockets spread; none leave the choice to the
    /// kernel.
    #[serde(default)]
    pub sources: Vec<IpAddr>,
    /// Memory that is free, in bytes: of the machine or of its control group.
    pub memory: Option<u64>,
    /// CPU time, in thousandths of a core.
    pub millicores: Option<u64>,
}
