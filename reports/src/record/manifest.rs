//! The plan of a run and the machine that it ran on: `manifest.json`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use highwater_scenarios::Plan;
use serde::{Deserialize, Serialize};

/// Version of the record's format that this crate writes.
pub const RECORD_SCHEMA: u32 = 2;

/// The content of `manifest.json`. It is written before anything starts, and once more when
/// the balancers' configuration is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`RECORD_SCHEMA`].
    pub schema: u32,
    /// Instant 0 of the run's clock.
    pub started_at: DateTime<Utc>,
    /// Plan with every default filled in.
    pub plan: Plan,
    /// Text of the scenario file.
    pub scenario_text: String,
    /// `--set` arguments.
    pub sets: Vec<String>,
    /// Number of workers.
    pub workers: u32,
    /// Programs and their versions: `highwater`, `linux`, `nginx`, ….
    // Sorted, so that the file is the same for the same versions.
    pub versions: BTreeMap<String, String>,
    /// Machine that the coordinator ran on.
    pub host: HostInfo,
    /// Configurations of the balancers in full, if there are any. Later changes are events.
    pub balancer_configuration: Option<String>,
}

/// The machine that the coordinator ran on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostInfo {
    /// Logical CPU cores.
    pub cpus: Option<u32>,
    /// Name of the CPU.
    pub cpu_model: Option<String>,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
    /// Operating system.
    pub os: Option<String>,
    /// Most open files of one process.
    pub open_files_limit: Option<u64>,
}
