//! The resolved form of a scenario: everything that a run does, on one timeline.
//!
//! ```text
//! Scenario ─► Plan ─┬─► manifest of the run record
//!                   └─► each worker, which computes its share from the plan and its Segment
//! ```
//!
//! A plan is data: it says everything that a worker needs. Its names are those of the
//! scenario's keys, and they stand in the manifest too.
//!
//! - [`cluster`], [`balancing`], [`target`]: the system that the load is put on;
//! - [`devices`], [`commands`], [`publish`], [`telemetry`]: the load;
//! - [`event`]: actions on the cluster during the load;
//! - [`gates`]: conditions that the run must meet;
//! - [`word`]: the enums of all of these that a scenario writes as words.

mod balancing;
mod cluster;
mod commands;
mod devices;
mod event;
mod gates;
mod publish;
mod target;
mod telemetry;
mod word;

use std::time::Duration;

use highwater_types::duration;
use serde::{Deserialize, Serialize};

pub use self::{
    balancing::{BalancerKind, BalancerLoadMetric, BalancerPolicy, Join, MAX_BALANCERS},
    cluster::{BackplaneSpec, BrokerSpec, ClusterSpec, Routing},
    commands::{CommandLoad, LoadModel, ReplyMode},
    devices::{DevicePool, Jitter, ReconnectSpec},
    event::{Action, BROKER_NAME, CLUSTER_NAME, EventSpec, FaultSpec},
    gates::{Gate, PhaseWindow},
    publish::{DeviceRole, PublishFrom, PublishLoad},
    target::{CertificateTrust, Dialect, HttpHeader, ObservedProcess, TargetSpec},
    telemetry::{Consumers, MAX_TELEMETRY, TelemetryLoad},
};
pub(crate) use self::{
    devices::find_pool,
    event::{EventKind, FaultKind, FaultSize, NodeEffect, TargetKind},
    publish::TOPIC_NUMBER_PLACEHOLDER,
    word::Word,
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
    /// Messages published in the steady phase, in the order of the file.
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

/// The system that the load is put on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SystemSpec {
    /// A cluster that the harness starts itself.
    Cluster(ClusterSpec),
    /// A system that is already running.
    Target(TargetSpec),
}
