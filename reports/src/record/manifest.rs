//! What a run was meant to be, and where it ran: `manifest.json`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use highwater_scenarios::Plan;
use serde::{Deserialize, Serialize};

/// Version of the record's format that this crate writes.
pub const RECORD_SCHEMA: u32 = 2;

/// `manifest.json`, written before anything is started, and once more when the
/// balancers' configuration is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`RECORD_SCHEMA`].
    pub schema: u32,
    /// Instant 0 of the run's clock.
    pub started_at: DateTime<Utc>,
    /// The plan, with every default filled in.
    pub plan: Plan,
    /// The scenario file as it was written.
    pub scenario_text: String,
    /// `--set` arguments.
    pub sets: Vec<String>,
    /// Number of workers.
    pub workers: u32,
    /// Programs and their versions: `highwater`, `linux`, `nginx`, ….
    pub versions: BTreeMap<String, String>,
    /// Where the coordinator ran.
    pub host: HostInfo,
    /// The balancers' configurations in full, where there are any. What they were told
    /// later stands in the events.
    pub balancer_configuration: Option<String>,
}

/// The machine that the coordinator ran on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostInfo {
    /// Logical processors.
    pub cpus: Option<u32>,
    /// Its processor's name.
    pub cpu_model: Option<String>,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
    /// Operating system in words.
    pub os: Option<String>,
    /// Open files that one process may have.
    pub open_files_limit: Option<u64>,
}
