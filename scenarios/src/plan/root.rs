//! The plan as a whole.

use std::time::Duration;

use highwater_types::duration;
use serde::{Deserialize, Serialize};

use super::{
    ClusterSpec, CommandLoad, DevicePool, EventSpec, Gate, MessageLoad, PublishLoad, TargetSpec,
    TelemetryLoad,
};

/// A valid scenario with every default filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Name of the scenario; also part of the run's directory.
    pub name: String,
    /// One sentence for the report, possibly empty.
    pub description: String,
    /// The seed of everything random in a run.
    pub seed: u64,
    /// Length of the steady phase.
    #[serde(with = "duration::millis")]
    pub duration: Duration,
    /// The system that the load is put on.
    pub system: SystemSpec,
    /// Pools of idle heartbeat sockets, in the order of the file.
    pub devices: Vec<DevicePool>,
    /// HTTP command traffic of the steady phase, in the order of the file.
    pub commands: Vec<CommandLoad>,
    /// Messages of devices in the steady phase, in the order of the file.
    #[serde(default)]
    pub messages: Vec<MessageLoad>,
    /// Messages published in the steady phase, in the order of the file.
    // Loads with a default are younger than the first records, which are still read.
    #[serde(default)]
    pub publish: Vec<PublishLoad>,
    /// Telemetry records sent upstream in the steady phase, in the order of the file.
    #[serde(default)]
    pub telemetry: Vec<TelemetryLoad>,
    /// Actions on the cluster, sorted by time.
    pub events: Vec<EventSpec>,
    /// Conditions that the run must meet, in the order of the file.
    pub gates: Vec<Gate>,
}

impl Plan {
    /// Returns the cluster that the harness starts; `None` for a target.
    pub fn cluster(&self) -> Option<&ClusterSpec> {
        match &self.system {
            SystemSpec::Cluster(cluster) => Some(cluster),
            SystemSpec::Target(_) => None,
        }
    }
}

/// The system that the load is put on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SystemSpec {
    /// A cluster that the harness starts itself.
    Cluster(ClusterSpec),
    /// A system that is already running.
    Target(TargetSpec),
}
