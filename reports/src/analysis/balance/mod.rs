//! The spread of sockets over the nodes, at the end and after each event.
//!
//! ```text
//! nodes' gauges ──► spread ──► Balance: at the end
//!                   recovery ┐
//! conn_events ────► arrivals ├► AfterEvent: once for each event
//!                   herding  │
//!                   reconnect_storm, detection ┘
//! ```
//!
//! - `after_event`: the effects of one event;
//! - `spread`: evenness at an instant and over time; `node_loads`: the load of each node;
//! - `arrivals`, `herding`: the nodes at which new sockets opened;
//! - `reconnect_storm`: the return of lost sockets; `detection`: the time until each layer
//!   detected a failure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use self::herding::herding;
pub use self::{
    after_event::AfterEvent, arrivals::OpenedSockets, detection::Detection, herding::Herding,
    node_loads::NodeLoadSummary, reconnect_storm::ReconnectStorm, spread::Evenness,
};
use self::{after_event::EventAnalysis, node_loads::node_loads, spread::evenness};
use super::run_window::RunWindow;
use crate::record::{SourceRole, names::gauge};

mod after_event;
mod arrivals;
mod detection;
mod herding;
mod node_loads;
mod reconnect_storm;
pub(crate) mod spread;

/// The summary's `balance`: the spread of sockets over the nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Balance {
    /// Policy of the scenario; `null` for a target.
    pub policy: Option<String>,
    /// Balancer of the scenario; `null` for a target.
    pub balancer: Option<String>,
    /// Sockets of the fullest node over the mean, before the drain.
    pub max_over_mean_at_end: Option<f64>,
    /// Sockets of the emptiest node over the mean, before the drain.
    pub min_over_mean_at_end: Option<f64>,
    /// Jain's fairness index, before the drain.
    pub jain_at_end: Option<f64>,
    /// Longest `settled_after_s`; `null` without an event, or when the cluster did not
    /// recover from one of them.
    pub longest_recovery_s: Option<f64>,
    /// Longest `balanced_after_s`; `null` without an event, or when the nodes were uneven
    /// at the end of one of them.
    pub longest_balancing_s: Option<f64>,
    /// Longest `failed_connects_after_s` of a detection; `null` when no node was killed or
    /// paused.
    pub longest_failed_connects_s: Option<f64>,
    /// Worst herding from the start to the drain; `null` when answers name no node, or when
    /// ten sockets never opened within a tenth of a second.
    pub herding: Option<Herding>,
    /// Load of each node that was up before the drain.
    pub nodes: Vec<NodeLoadSummary>,
    /// Effects of each event of the scenario.
    pub per_event: Vec<AfterEvent>,
}

/// Computes the section; `None` when no node reports its sockets.
pub(super) fn balance(window: &RunWindow) -> Option<Balance> {
    let events = EventAnalysis::new(window)?;
    let nodes = window.sources.with_role(SourceRole::Node);
    let shares: Vec<f64> = nodes
        .filter_map(|(_, series)| series.value_at(gauge::SOCKETS_OPEN, window.end()))
        .collect();
    let at_end = evenness(&shares);
    // The harness does not know how a target spreads its sockets.
    let cluster = window.record.manifest.plan.cluster();
    let per_event = events.per_event();
    Some(Balance {
        policy: cluster.map(|cluster| <&str>::from(cluster.policy).to_owned()),
        balancer: cluster.map(|cluster| <&str>::from(cluster.balancer).to_owned()),
        max_over_mean_at_end: at_end.map(|evenness| evenness.max_over_mean),
        min_over_mean_at_end: at_end.map(|evenness| evenness.min_over_mean),
        jain_at_end: at_end.map(|evenness| evenness.jain),
        longest_recovery_s: longest(per_event.iter().map(|event| event.settled_after_s)),
        longest_balancing_s: longest(per_event.iter().map(|event| event.balanced_after_s)),
        longest_failed_connects_s: longest_failed_connects(&per_event),
        herding: herding(events.conn_events.buckets()),
        nodes: node_loads(window),
        per_event,
    })
}

fn longest_failed_connects(per_event: &[AfterEvent]) -> Option<f64> {
    let detections = per_event
        .iter()
        .filter_map(|event| event.detection.as_ref());
    longest(detections.map(|detection| detection.failed_connects_after_s))
}

/// Returns the longest time; `None` without any, or when one of them has no end.
fn longest(lengths: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let lengths: Vec<f64> = lengths.collect::<Option<_>>()?;
    lengths.into_iter().max_by(f64::total_cmp)
}
