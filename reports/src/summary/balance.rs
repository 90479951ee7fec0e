//! Who holds how many sockets, and what every event did to that.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Distribution;

/// Who holds how many sockets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Balance {
    /// Of the scenario; `null` for a target.
    pub policy: Option<String>,
    /// Of the scenario; `null` for a target.
    pub balancer: Option<String>,
    /// The fullest node over the mean, before the drain.
    pub max_over_mean_at_end: Option<f64>,
    /// The emptiest node over the mean, before the drain.
    pub min_over_mean_at_end: Option<f64>,
    /// Jain's fairness index, before the drain.
    pub jain_at_end: Option<f64>,
    /// The longest `settled_after_s`; `null` when there was no event, or after one
    /// of them the cluster did not settle.
    pub longest_recovery_s: Option<f64>,
    /// The longest `balanced_after_s`; `null` when there was no event, or after one
    /// of them the nodes were not within 5 % of the mean at its end.
    pub longest_balancing_s: Option<f64>,
    /// The longest `failed_connects_after_s` of a detection: for how long connects still failed on
    /// a node that had been killed or paused; `null` when none was.
    pub longest_failed_connects_s: Option<f64>,
    /// Over the whole run to the drain; `null` when answers name no node, or in no
    /// tenth of a second ten sockets opened.
    pub herding: Option<Herding>,
    /// What each node that was up before the drain carried.
    pub nodes: Vec<NodeLoadSummary>,
    /// After each event of the scenario.
    pub per_event: Vec<AfterEvent>,
}

/// The largest part of the sockets of one tenth of a second that went to one node, over
/// tenths in which at least ten opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Herding {
    /// That part; a node's even share is one over the number of nodes.
    pub share: f64,
    /// Which node.
    pub node: String,
    /// All sockets that opened in that tenth.
    pub arrivals: u64,
    /// Its beginning in seconds on the run's clock.
    pub at_s: f64,
}

/// What a node carried before the drain; sizes in bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeLoadSummary {
    /// Its name.
    pub id: String,
    /// Its sockets.
    pub sockets: u64,
    /// These over the mean of all nodes.
    pub over_mean: f64,
    /// Live bytes of its allocator.
    pub heap: Option<u64>,
    /// Resident memory.
    pub rss: Option<u64>,
    /// CPU cores that it kept busy in the steady phase.
    pub cpu_cores: Option<f64>,
    /// Replies to commands for its own sockets in the steady phase, from when they
    /// were sent.
    pub commands_ms: Distribution,
}

/// Where new sockets went after an event, until the next one or the end. Events within
/// a second of each other have what follows in common.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AfterEvent {
    /// Seconds on the run's clock.
    pub at_s: f64,
    /// What was done.
    pub event: String,
    /// To which node.
    pub node: String,
    /// Sockets accepted by each node since, to within a second: by its own count.
    pub new_sockets_by_node: BTreeMap<String, u64>,
    /// Sockets opened at each node, by the clients' count, in pieces of time that
    /// grow: the first second, the second after it, then twice as long each. Only
    /// pieces in which sockets opened; empty when answers name no node.
    pub arrivals: Vec<OpenedSockets>,
    /// Seconds until the cluster held again, and kept, 99 % of the sockets that
    /// it held before, to the end of a second; 0 if it never lost a hundredth of
    /// them, as when a node is added, `null` if it did not get there.
    pub settled_after_s: Option<f64>,
    /// Seconds until the fullest node held at most 5 % more than the mean, and kept
    /// to that; 0 if it never held more, `null` if it did not get there.
    pub balanced_after_s: Option<f64>,
    /// Just before the next event or the drain; `null` without sockets.
    pub evenness: Option<Evenness>,
    /// The largest part that one node got; `null` as in the whole run's.
    pub herding: Option<Herding>,
    /// What became of sockets that were lost; `null` when none was, or returns were
    /// not counted.
    pub storm: Option<ReconnectStorm>,
    /// Who found out when, after a node was killed or paused.
    pub detection: Option<Detection>,
}

/// Sockets opened at each node in a piece of time after an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OpenedSockets {
    /// Its beginning, in seconds after the event.
    pub from_s: f64,
    /// Its end, likewise; the last piece ends with the next event or the drain.
    pub to_s: f64,
    /// By the node that the answers named.
    pub by_node: BTreeMap<String, u64>,
}

/// How evenly sockets lie over the nodes that are up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evenness {
    /// The fullest node over the mean.
    pub max_over_mean: f64,
    /// The emptiest node over the mean.
    pub min_over_mean: f64,
    /// (Σx)² / (n Σx²); Jain, Chiu and Hawe 1984.
    pub jain: f64,
}

/// What became of the sockets that were lost after an event; times from the event,
/// to the end of a tenth of a second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReconnectStorm {
    /// Sockets that ended.
    pub lost: u64,
    /// Sockets that opened again; those that had been lost before the event are taken
    /// to be the first.
    pub back: u64,
    /// Until half of those lost were back.
    pub t50_s: Option<f64>,
    /// Until 95 % of them were.
    pub t95_s: Option<f64>,
    /// Until 99 % of them were.
    pub t99_s: Option<f64>,
    /// Most handshakes that one node did within a second; `null` when answers name
    /// no node.
    pub peak_handshakes_per_s: Option<u64>,
    /// Attempts to open that failed.
    pub failed_attempts: u64,
    /// Commands that ended in any way but with their reply until 99 % were back, to
    /// the end of a second; `null` when the scenario sends none.
    pub commands_failed: Option<u64>,
}

/// Seconds from an event until each layer had found out that a node is gone or
/// hangs; `null` where it did not, or is not asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Detection {
    /// The clients: until half of all sockets that ended had ended.
    pub clients_s: Option<f64>,
    /// Who chooses the node for new sockets: until the last attempt began that failed
    /// otherwise than for want of room, that this node answered after more than a
    /// second, or that had no answer when the run ended; 0 when there was none, as
    /// where a balancer gives those that nobody answers to another node.
    pub failed_connects_after_s: Option<f64>,
    /// The balancers by their own word: until none of them gave new sockets to the
    /// node, to the next sample.
    pub balancers_s: Option<f64>,
    /// The other nodes: until each saw fewer nodes than before, to the next sample.
    pub nodes_s: Option<f64>,
    /// Callers: until the last command that did not get its reply, to the end of a
    /// second; 0 when each got it.
    pub commands_s: Option<f64>,
}
