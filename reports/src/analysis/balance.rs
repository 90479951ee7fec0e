//! Who holds how many sockets, at the end and after each event.
//!
//! - [`spread`]: how evenly, at an instant and over time; [`loads`]: what it costs
//!   each node;
//! - [`arrivals`], [`herding`]: where new sockets went;
//! - [`storm`]: how lost ones came back; [`detection`]: who found out when.

use std::{collections::BTreeMap, ops::Range};

use highwater_scenarios::plan::SystemSpec;
use serde::Serialize;

pub(crate) use self::herding::herding;
use self::{
    arrivals::arrivals,
    detection::detection,
    node_loads::node_loads,
    reconnect_storm::reconnect_storm,
    spread::{EvennessSeries, evenness},
};
use super::{
    conn_events::ConnEvents,
    recovery::{open_sockets, recovered_after},
    run_window::RunWindow,
    source_series::{ANSWERED_WITHIN_S, Sample},
};
use crate::{
    record::{RecordEvent, SourceRole, names::gauge},
    summary::{AfterEvent, Balance},
};

mod arrivals;
mod detection;
mod herding;
mod node_loads;
mod reconnect_storm;
pub(crate) mod spread;

/// What a run shows of its sockets' spread, looked at event by event.
struct BalanceAnalysis<'a> {
    window: &'a RunWindow<'a>,
    /// What the nodes together held over time.
    open_sockets: Vec<Sample>,
    evenness: EvennessSeries,
    conn_events: ConnEvents<'a>,
}

/// The summary's `balance`; `None` when no node says how many sockets it has.
pub(crate) fn balance(cut: &RunWindow) -> Option<Balance> {
    let look = BalanceAnalysis {
        window: cut,
        open_sockets: open_sockets(cut)?,
        evenness: EvennessSeries::of(cut),
        conn_events: ConnEvents::of(cut),
    };
    let nodes = cut.series.with_role(SourceRole::Node);
    let shares: Vec<f64> = nodes
        .filter_map(|(_, track)| track.value_at(gauge::SOCKETS_OPEN, cut.end()))
        .collect();
    let at_end = evenness(&shares);
    let (policy, balancer) = match &cut.record.manifest.plan.system {
        SystemSpec::Cluster(cluster) => (
            serialized_name(&cluster.policy),
            serialized_name(&cluster.balancer),
        ),
        SystemSpec::Target(_) => (None, None),
    };
    let per_event = look.per_event();
    Some(Balance {
        policy,
        balancer,
        max_over_mean_at_end: at_end.map(|evenness| evenness.max_over_mean),
        min_over_mean_at_end: at_end.map(|evenness| evenness.min_over_mean),
        jain_at_end: at_end.map(|evenness| evenness.jain),
        longest_recovery_s: longest(per_event.iter().map(|event| event.settled_after_s)),
        longest_balancing_s: longest(per_event.iter().map(|event| event.balanced_after_s)),
        longest_failed_connects_s: longest_failed_connects(&per_event),
        herding: herding(look.conn_events.buckets()),
        nodes: node_loads(cut),
        per_event,
    })
}

impl BalanceAnalysis<'_> {
    fn per_event(&self) -> Vec<AfterEvent> {
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
        // They are written down when they are over, and some take longer than others.
        actions.sort_by(|(a, ..), (b, ..)| a.total_cmp(b));
        actions
            .iter()
            .map(|&(at_s, action, node)| {
                let next = actions
                    .iter()
                    .map(|&(at_s, ..)| at_s)
                    .find(|next| *next > at_s + ANSWERED_WITHIN_S);
                self.after_event(action, node, at_s..next.unwrap_or(self.window.end()))
            })
            .collect()
    }

    fn after_event(&self, event: &str, node: &str, after: Range<f64>) -> AfterEvent {
        let sampled = self.until_next_event(&after);
        AfterEvent {
            at_s: after.start,
            event: event.to_owned(),
            node: node.to_owned(),
            new_sockets_by_node: accepted_by_node(self.window, after.start, after.end),
            arrivals: arrivals(&self.conn_events, &after),
            settled_after_s: recovered_after(self.window, &self.open_sockets, &after, &sampled),
            balanced_after_s: self.evenness.balanced_after(&sampled),
            evenness: self.evenness.last_in(&sampled),
            herding: herding(self.conn_events.buckets_in(after.clone())),
            storm: reconnect_storm(self.window, &self.conn_events, &after),
            detection: detection(self.window, &self.conn_events, (event, node), &after),
        }
    }

    /// Without the samples in which the next event may show.
    fn until_next_event(&self, after: &Range<f64>) -> Range<f64> {
        match after.end < self.window.end() {
            true => after.start..after.end - ANSWERED_WITHIN_S,
            false => after.clone(),
        }
    }
}

fn longest_failed_connects(per_event: &[AfterEvent]) -> Option<f64> {
    let detections = per_event
        .iter()
        .filter_map(|event| event.detection.as_ref());
    longest(detections.map(|detection| detection.failed_connects_after_s))
}

fn longest(lengths: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let lengths: Option<Vec<f64>> = lengths.collect();
    lengths?.into_iter().max_by(f64::total_cmp)
}

fn accepted_by_node(cut: &RunWindow, from: f64, to: f64) -> BTreeMap<String, u64> {
    let nodes = cut.series.with_role(SourceRole::Node);
    nodes
        .filter_map(|(id, track)| {
            let grown = track.growth(gauge::SOCKETS_ACCEPTED, from..to)?;
            Some((id.to_owned(), grown as u64))
        })
        .collect()
}

/// As the scenario spells it.
fn serialized_name(value: &impl Serialize) -> Option<String> {
    Some(serde_json::to_value(value).ok()?.as_str()?.to_owned())
}
