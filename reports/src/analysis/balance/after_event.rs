//! The effects of each event on the sockets, until the next event or the end.

use std::{collections::BTreeMap, ops::Range};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    arrivals::{OpenedSockets, arrivals},
    detection::{Detection, detection},
    herding::{Herding, herding},
    reconnect_storm::{ReconnectStorm, reconnect_storm},
    spread::{Evenness, EvennessSeries},
};
use crate::{
    analysis::{
        conn_events::ConnEvents,
        recovery::{open_sockets, recovered_after},
        run_window::RunWindow,
        source_series::{ANSWERED_WITHIN_S, Sample},
    },
    record::{RecordEvent, SourceRole, names::gauge},
};

/// The effects of an event, until the next one or the end. Events within a second of each
/// other share the effects that follow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AfterEvent {
    /// Seconds on the run's clock.
    pub at_s: f64,
    /// Action of the event: `kill-node`.
    pub event: String,
    /// Node that the event acted on.
    pub node: String,
    /// Sockets that each node accepted since, by its own count, to within a second.
    pub new_sockets_by_node: BTreeMap<String, u64>,
    /// Share of the new sockets that the event's node got: by the clients' count, or by the
    /// nodes' where answers name no node. `null` without new sockets, or without that node.
    pub new_sockets_share: Option<f64>,
    /// Sockets opened at each node, by the clients' count, in growing slices of time: the
    /// first second, the next one, then twice as long each. Slices without a new socket are
    /// left out; empty when answers name no node.
    pub arrivals: Vec<OpenedSockets>,
    /// Seconds until the cluster held 99 % of its former sockets for good, to the end of a
    /// second; 0 if it never lost a hundredth of them, `null` if it did not recover.
    pub settled_after_s: Option<f64>,
    /// Seconds until the fullest node held at most 5 % more than the mean for good; 0 if it
    /// never held more, `null` if it still did at the end.
    pub balanced_after_s: Option<f64>,
    /// Evenness just before the next event or the drain; `null` without sockets.
    pub evenness: Option<Evenness>,
    /// Worst herding after the event; `null` under the same conditions as the whole run's.
    pub herding: Option<Herding>,
    /// Return of the lost sockets; `null` when none was lost, or returns were not counted.
    pub storm: Option<ReconnectStorm>,
    /// Failure detection time of each layer; `null` unless a node was killed or paused.
    pub detection: Option<Detection>,
}

/// The data that the effects of all events are computed from.
pub(super) struct EventAnalysis<'a> {
    window: &'a RunWindow<'a>,
    /// Sockets of all nodes together, over time.
    open_sockets: Vec<Sample>,
    evenness: EvennessSeries,
    pub(super) conn_events: ConnEvents<'a>,
}

impl<'a> EventAnalysis<'a> {
    /// Collects the data; `None` when no node reports its sockets.
    pub(super) fn new(window: &'a RunWindow<'a>) -> Option<Self> {
        Some(Self {
            window,
            open_sockets: open_sockets(window)?,
            evenness: EvennessSeries::of(window),
            conn_events: ConnEvents::of(window),
        })
    }

    /// Returns the effects of each event, in the order in which the events began.
    pub(super) fn per_event(&self) -> Vec<AfterEvent> {
        let events = self.window.record.events.iter();
        let mut actions: Vec<_> = events
            .filter_map(|event| match &event.kind {
                RecordEvent::Action {
                    action,
                    node,
                    error: None,
                } => Some((event.at, action, node)),
                _ => None,
            })
            .collect();
        // An event is recorded when it is over, and some take longer than the next one.
        actions.sort_by(|(a, ..), (b, ..)| a.total_cmp(b));
        actions
            .iter()
            .map(|&(at_s, action, node)| {
                let next = actions
                    .iter()
                    .map(|&(at_s, ..)| at_s)
                    // Samples cannot separate events that are closer than they are themselves.
                    .find(|next| *next > at_s + ANSWERED_WITHIN_S);
                self.after_event(action, node, at_s..next.unwrap_or(self.window.end()))
            })
            .collect()
    }

    fn after_event(&self, event: &str, node: &str, after: Range<f64>) -> AfterEvent {
        let sampled = self.sampled_range(&after);
        // Clients count by the node that answered, which works behind any balancer.
        let arrivals = arrivals(&self.conn_events, &after);
        let new_sockets_by_node = accepted_by_node(self.window, &after);
        AfterEvent {
            at_s: after.start,
            event: event.to_owned(),
            node: node.to_owned(),
            new_sockets_share: share_of_node(node, &arrivals, &new_sockets_by_node),
            new_sockets_by_node,
            arrivals,
            settled_after_s: recovered_after(self.window, &self.open_sockets, &after, &sampled),
            balanced_after_s: self.evenness.balanced_after(&sampled),
            evenness: self.evenness.last_in(&sampled),
            herding: herding(self.conn_events.buckets_in(after.clone())),
            storm: reconnect_storm(self.window, &self.conn_events, &after),
            detection: detection(self.window, &self.conn_events, (event, node), &after),
        }
    }

    /// Returns the range without the samples that may show the next event already.
    fn sampled_range(&self, after: &Range<f64>) -> Range<f64> {
        match after.end < self.window.end() {
            true => after.start..after.end - ANSWERED_WITHIN_S,
            false => after.clone(),
        }
    }
}

fn accepted_by_node(window: &RunWindow, after: &Range<f64>) -> BTreeMap<String, u64> {
    let nodes = window.sources.with_role(SourceRole::Node);
    nodes
        .filter_map(|(id, series)| {
            let accepted = series.growth(gauge::SOCKETS_ACCEPTED, after.clone())?;
            Some((id.to_owned(), accepted as u64))
        })
        .collect()
}

/// Returns the node's share of the new sockets; `None` when the node was absent, or nothing
/// opened.
fn share_of_node(
    node: &str,
    arrivals: &[OpenedSockets],
    accepted_by_node: &BTreeMap<String, u64>,
) -> Option<f64> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (id, count) in arrivals.iter().flat_map(|slice| &slice.by_node) {
        *counts.entry(id).or_default() += count;
    }
    if counts.is_empty() {
        let accepted = accepted_by_node.iter();
        counts = accepted.map(|(id, count)| (id.as_str(), *count)).collect();
    }
    // A node that was present and got no socket is absent from the clients' counts.
    let none = accepted_by_node.get(node).map(|_| &0);
    let own = *counts.get(node).or(none)?;
    let all: u64 = counts.values().sum();
    (all > 0).then(|| own as f64 / all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_node(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
        let counts = counts.iter();
        counts.map(|&(id, count)| (id.to_owned(), count)).collect()
    }

    fn share_of_n3(nodes: &[&str], opened: &[(&str, u64)]) -> Option<f64> {
        let accepted: Vec<_> = nodes.iter().map(|id| (*id, 0)).collect();
        let arrivals = [OpenedSockets {
            from_s: 0.0,
            to_s: 1.0,
            by_node: by_node(opened),
        }];
        share_of_node("n3", &arrivals, &by_node(&accepted))
    }

    #[test]
    fn share_of_a_present_node_without_sockets_is_zero() {
        let shared = [("n1", 1), ("n3", 3)];
        assert_eq!(share_of_n3(&["n1", "n3"], &shared), Some(0.75));
        assert_eq!(share_of_n3(&["n1", "n3"], &[("n1", 4)]), Some(0.0));
        assert_eq!(share_of_n3(&["n1"], &[("n1", 4)]), None, "n3 was absent");
        assert_eq!(share_of_n3(&["n3"], &[]), None, "nothing opened");
    }
}
