//! What is done to a cluster while it is under load.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units::{self, Rate};

/// Something done to the cluster during the steady phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventSpec {
    /// Name for `--set`, where the file gives one.
    pub name: Option<String>,
    /// When, from the start of the steady phase.
    #[serde(with = "units::millis")]
    pub at: Duration,
    /// The process it is done to: `n1`, `n2`, …, a consumer, `c1`, …, or [`BROKER`];
    /// [`CLUSTER`] for what is done to all nodes.
    pub node: String,
    /// What is done.
    pub action: Action,
}

/// What the broker is called in events and in the record.
pub const BROKER_NAME: &str = "broker";

/// What all nodes together are called in events and in the record.
pub const CLUSTER_NAME: &str = "cluster";

/// What an event does to its process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub enum Action {
    /// Start one more node.
    AddNode,
    /// SIGKILL, without notice.
    KillNode,
    /// Start a killed, drained or running node again on its old address.
    RestartNode,
    /// Ask the node to drain and to end.
    DrainNode,
    /// SIGSTOP: the node hangs with all its sockets open.
    PauseNode,
    /// SIGCONT after a pause.
    ResumeNode,
    /// SIGKILL to the embedded broker, without notice.
    KillBroker,
    /// Start the embedded broker again on its old address; one that runs is ended
    /// in order first.
    RestartBroker,
    /// SIGSTOP: the embedded broker hangs with all its connections open.
    PauseBroker,
    /// SIGCONT after a pause.
    ResumeBroker,
    /// SIGKILL to a consumer, without notice.
    KillConsumer,
    /// Start a consumer again, with its journal; one that runs is ended in order
    /// first.
    RestartConsumer,
    /// Nodes that hold more than their share ask sockets to go, until all are within
    /// a band.
    Rebalance {
        /// Sockets that each of these nodes asks per second.
        rate: Rate,
        /// How far above the mean a node may stay, as a share of it.
        tolerance: f64,
    },
    /// A fault that the node injects into itself.
    Fault {
        /// Which one.
        fault: FaultSpec,
    },
}

/// A fault of known size that the reference node injects into itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "fault")]
pub enum FaultSpec {
    /// The whole node does nothing for this long.
    Stall {
        /// How long.
        #[serde(with = "units::millis")]
        duration: Duration,
    },
    /// The node reads pings and does not answer them.
    IgnorePings {
        /// How long.
        #[serde(with = "units::millis")]
        duration: Duration,
    },
    /// The next deliveries of topic messages to its devices never come.
    DropMessages {
        /// How many.
        count: u64,
    },
    /// They come twice.
    DuplicateMessages {
        /// How many.
        count: u64,
    },
    /// They come after the next one.
    ReorderMessages {
        /// How many.
        count: u64,
    },
}
