//! Actions on a cluster while it is under load.
//!
//! A new kind of event is a variant of [`Action`] and its line in [`EventKind::target`]. A
//! kind with keys of its own also has a line in the `resolve` of `section::events`. The
//! compiler then asks for its words in the description, and the testbed for its action.

use std::time::Duration;

use highwater_types::{Rate, duration};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, EnumString, IntoStaticStr, VariantArray};

use super::word::Word;

/// The name of the broker in events and in the record.
pub const BROKER_NAME: &str = "broker";

/// The name of all nodes together in events and in the record.
pub const CLUSTER_NAME: &str = "cluster";

/// An action on the cluster during the steady phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventSpec {
    /// Name for `--set`, where the file gives one.
    pub name: Option<String>,
    /// Time of the event, from the start of the steady phase.
    #[serde(with = "duration::millis")]
    pub at: Duration,
    /// The process that the action is for: a node, `n1`, `n2`, …, a consumer, `c1`, …, or
    /// [`BROKER_NAME`]; [`CLUSTER_NAME`] for an action on all nodes.
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
    /// SIGKILL, without notice.
    KillNode,
    /// Starts a killed, drained or running node again on its old address.
    RestartNode,
    /// Asks the node to drain and to end.
    DrainNode,
    /// SIGSTOP: the node hangs with all its sockets open.
    PauseNode,
    /// SIGCONT after a pause.
    ResumeNode,
    /// SIGKILL to the embedded broker, without notice.
    KillBroker,
    /// Starts the embedded broker again on its old address; one that runs is ended in order
    /// first.
    RestartBroker,
    /// SIGSTOP: the embedded broker hangs with all its connections open.
    PauseBroker,
    /// SIGCONT after a pause.
    ResumeBroker,
    /// SIGKILL to a consumer, without notice.
    KillConsumer,
    /// Starts a consumer again, with its journal; one that runs is ended in order first.
    RestartConsumer,
    /// Makes nodes that hold more than their share ask sockets to reconnect, until all are
    /// within the tolerance.
    // The parser of words skips actions with keys of their own.
    #[strum(disabled)]
    Rebalance {
        /// Sockets that each of these nodes asks per second.
        rate: Rate,
        /// The excess over the mean that a node may keep, as a share of the mean.
        tolerance: f64,
    },
    /// Makes the node inject a fault into itself.
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
        /// Time that the fault lasts.
        #[serde(with = "duration::millis")]
        duration: Duration,
    },
    /// The node reads pings and does not answer them.
    IgnorePings {
        /// Time that the fault lasts.
        #[serde(with = "duration::millis")]
        duration: Duration,
    },
    /// The next deliveries of topic messages to its devices never come.
    DropMessages {
        /// Number of deliveries.
        count: u64,
    },
    /// The next deliveries of topic messages to its devices come twice.
    DuplicateMessages {
        /// Number of deliveries.
        count: u64,
    },
    /// The next deliveries of topic messages to its devices come after the one behind them.
    ReorderMessages {
        /// Number of deliveries.
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

/// The effect of an event on the sockets that a node takes.
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
    fn words_are_those_of_the_manifest() {
        let json = serde_json::to_value(Action::PauseBroker).unwrap();
        assert_eq!(json["do"], EventKind::PauseBroker.as_str());
    }
}
