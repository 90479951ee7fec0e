//! Actions on a cluster while it is under load.
//!
//! A new kind of event is a variant of [`Action`] and a line in `EventKind::properties`. A
//! kind with keys of its own also has a line in the `resolve` of `section::events`. The
//! compiler then reports two missing match arms: the text for `highwater check`, and the
//! action of the testbed.

use std::time::Duration;

use highwater_types::{Rate, duration};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, EnumString, IntoStaticStr, VariantArray};

use super::word::Word;

/// The name of the broker in events and in the record.
pub const BROKER_NAME: &str = "broker";

/// The name of the broker that carries telemetry, if it is not the one of the backplane.
pub const TELEMETRY_BROKER_NAME: &str = "telemetry-broker";

/// The name of all nodes together in events and in the record.
pub const CLUSTER_NAME: &str = "cluster";

/// An action on the cluster during the steady phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventSpec {
    /// The name of the event for `--set`, if the scenario gives one.
    pub name: Option<String>,
    /// The time of the event, from the start of the steady phase.
    #[serde(with = "duration::millis")]
    pub at: Duration,
    /// The process that the action changes: a node (`n1`), a consumer (`c1`) or
    /// [`BROKER_NAME`]. For an action on all nodes, it is [`CLUSTER_NAME`].
    pub node: String,
    /// The action.
    pub action: Action,
}

/// The action of an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EnumDiscriminants, EnumString)]
#[serde(rename_all = "kebab-case", tag = "do")]
#[strum(serialize_all = "kebab-case")]
#[strum_discriminants(
    name(EventKind),
    vis(pub(crate)),
    doc = "The kind of an event: its action without the values of its keys.",
    derive(IntoStaticStr, VariantArray),
    strum(serialize_all = "kebab-case")
)]
pub enum Action {
    /// Starts one more node.
    AddNode,
    /// Kills a node with SIGKILL, without notice.
    KillNode,
    /// Starts a killed, drained or running node again on its old address.
    RestartNode,
    /// Asks a node to drain and to end.
    DrainNode,
    /// Stops a node with SIGSTOP: it hangs with all its sockets open.
    PauseNode,
    /// Continues a paused node with SIGCONT.
    ResumeNode,
    /// Kills the embedded broker with SIGKILL, without notice.
    KillBroker,
    /// Starts the embedded broker again on its old address. If it runs, it first ends in
    /// order.
    RestartBroker,
    /// Stops the embedded broker with SIGSTOP: it hangs with all its connections open.
    PauseBroker,
    /// Continues the paused broker with SIGCONT.
    ResumeBroker,
    /// Kills a consumer with SIGKILL, without notice.
    KillConsumer,
    /// Starts a consumer again with its old journal. If it runs, it first ends in order.
    RestartConsumer,
    /// Makes the nodes above their share ask devices to reconnect elsewhere, until all nodes
    /// are within the tolerance.
    // `disabled`, because a word alone does not give the keys of this action.
    #[strum(disabled)]
    Rebalance {
        /// The number of devices that each of these nodes asks per second.
        rate: Rate,
        /// The excess over the mean that a node may keep, as a share of the mean.
        tolerance: f64,
    },
    /// Makes a node inject a fault into itself.
    #[strum(disabled)]
    Fault {
        /// The fault.
        fault: FaultSpec,
    },
}

/// A fault of known size that the reference node injects into itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(rename_all = "kebab-case", tag = "fault")]
#[strum_discriminants(
    name(FaultKind),
    vis(pub(crate)),
    doc = "The kind of a fault, without its size.",
    derive(IntoStaticStr, VariantArray),
    strum(serialize_all = "kebab-case")
)]
pub enum FaultSpec {
    /// The whole node does nothing.
    Stall {
        /// The duration of the fault.
        #[serde(with = "duration::millis")]
        duration: Duration,
    },
    /// The node reads pings and does not answer them.
    IgnorePings {
        /// The duration of the fault.
        #[serde(with = "duration::millis")]
        duration: Duration,
    },
    /// The node drops the next deliveries of topic messages to its devices.
    DropMessages {
        /// The number of deliveries.
        count: u64,
    },
    /// The node makes each of the next deliveries of topic messages to its devices twice.
    DuplicateMessages {
        /// The number of deliveries.
        count: u64,
    },
    /// The node delays each of the next deliveries of topic messages to its devices until
    /// after the topic's next message to the same device.
    ReorderMessages {
        /// The number of deliveries.
        count: u64,
    },
}

/// The kind of process that an event is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetKind {
    Node,
    Consumer,
    Broker,
    /// All nodes together.
    Cluster,
}

/// Whether a node accepts new sockets after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeEffect {
    TakesSockets,
    TakesNone,
    Unchanged,
}

/// The key that gives the size of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultSize {
    Duration,
    Count,
}

impl Action {
    /// Returns the action as a scenario writes it; a fault with its kind, as in `fault stall`.
    pub fn name(&self) -> String {
        let word = EventKind::from(self).as_str();
        match self {
            Self::Fault { fault } => format!("{word} {}", FaultKind::from(fault).as_str()),
            _ => word.to_owned(),
        }
    }
}

impl EventKind {
    pub(crate) fn target(self) -> TargetKind {
        self.properties().0
    }

    pub(crate) fn node_effect(self) -> NodeEffect {
        self.properties().1
    }

    fn properties(self) -> (TargetKind, NodeEffect) {
        use NodeEffect::{TakesNone, TakesSockets, Unchanged};
        use TargetKind::{Broker, Cluster, Consumer, Node};
        match self {
            Self::AddNode | Self::RestartNode | Self::ResumeNode => (Node, TakesSockets),
            Self::KillNode | Self::DrainNode | Self::PauseNode => (Node, TakesNone),
            Self::Fault => (Node, Unchanged),
            Self::KillBroker | Self::RestartBroker => (Broker, Unchanged),
            Self::PauseBroker | Self::ResumeBroker => (Broker, Unchanged),
            Self::KillConsumer | Self::RestartConsumer => (Consumer, Unchanged),
            Self::Rebalance => (Cluster, Unchanged),
        }
    }
}

impl FaultKind {
    pub(crate) fn size(self) -> FaultSize {
        match self {
            Self::Stall | Self::IgnorePings => FaultSize::Duration,
            Self::DropMessages | Self::DuplicateMessages | Self::ReorderMessages => {
                FaultSize::Count
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_without_keys_parses_to_its_action() {
        for kind in EventKind::VARIANTS {
            match (kind, kind.as_str().parse::<Action>()) {
                (EventKind::Rebalance | EventKind::Fault, parsed) => assert!(parsed.is_err()),
                (kind, parsed) => assert_eq!(parsed.as_ref().map(EventKind::from), Ok(*kind)),
            }
        }
    }

    #[test]
    fn fault_is_named_with_its_kind() {
        let fault = FaultSpec::DropMessages { count: 1 };
        assert_eq!(Action::Fault { fault }.name(), "fault drop-messages");
        assert_eq!(Action::KillNode.name(), "kill-node");
    }

    #[test]
    fn word_of_a_kind_is_its_word_in_the_manifest() {
        let json = serde_json::to_value(Action::PauseBroker).unwrap();
        assert_eq!(json["do"], EventKind::PauseBroker.as_str());
    }
}
