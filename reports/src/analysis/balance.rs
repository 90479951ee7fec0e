//! Who holds how many sockets, at the end and after each event.
//!
//! - [`spread`]: how evenly, at an instant and over time; [`loads`]: what it costs
//!   each node;
//! - [`arrivals`], [`herding`]: where new sockets went;
//! - [`storm`]: how lost ones came back; [`detection`]: who found out when.

use std::{collections::BTreeMap, ops::Range};

use highwater_scenarios::plan::System;
use serde::Serialize;

pub(crate) use self::herding::herding;
use self::{
    arrivals::arrivals,
    detection::detection,
    node_loads::loads,
    reconnect_storm::storm,
    spread::{Spreads, evenness},
};
use super::{
    conn_events::Movement,
    recovery::{held, settled_after},
    run_window::Cut,
    source_series::{ANSWERED_WITHIN_S, Sample},
};
use crate::{
    record::{Occurrence, Role, names::gauge},
    summary::{AfterEvent, Balance},
};

mod arrivals;
mod detection;
mod herding;
mod node_loads;
mod reconnect_storm;
pub(crate) mod spread;

/// What a run shows of its sockets' spread, looked at event by event.
struct Look<'a> {
    cut: &'a Cut<'a>,
    /// What the nodes together held over time.
    held: Vec<Sample>,
    spreads: Spreads,
    movement: Movement<'a>,
}

/// The summary's `balance`; `None` when no node says how many sockets it has.
pub(crate) fn balance(cut: &Cut) -> Option<Balance> {
    let look = Look {
        cut,
        held: held(cut)?,
        spreads: Spreads::of(cut),
        movement: Movement::of(cut),
    };
    let nodes = cut.tracks.of(Role::Node);
    let shares: Vec<f64> = nodes
        .filter_map(|(_, track)| track.at(gauge::SOCKETS_OPEN, cut.end()))
        .collect();
    let at_end = evenness(&shares);
    let (policy, balancer) = match &cut.record.manifest.plan.system {
        System::Cluster(cluster) => (spelling(&cluster.policy), spelling(&cluster.balancer)),
        System::Target(_) => (None, None),
    };
    let per_event = look.per_event();
    Some(Balance {
        policy,
        balancer,
        max_over_mean_at_end: at_end.map(|evenness| evenness.max_over_mean),
        min_over_mean_at_end: at_end.map(|evenness| evenness.min_over_mean),
        jain_at_end: at_end.map(|evenness| evenness.jain),
        longest_settling_s: longest(per_event.iter().map(|event| event.settled_after_s)),
        longest_balancing_s: longest(per_event.iter().map(|event| event.balanced_after_s)),
        longest_misrouting_s: longest_misrouting(&per_event),
        herding: herding(look.movement.tenths()),
        nodes: loads(cut),
        per_event,
    })
}

impl Look<'_> {
    fn per_event(&self) -> Vec<AfterEvent> {
        let events = self.cut.record.events.iter();
        let mut actions: Vec<_> = events
            .filter_map(|event| match &event.what {
                Occurrence::Action {
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
                self.after_event(action, node, at_s..next.unwrap_or(self.cut.end()))
            })
            .collect()
    }

    fn after_event(&self, event: &str, node: &str, after: Range<f64>) -> AfterEvent {
        let sampled = self.before_the_next(&after);
        AfterEvent {
            at_s: after.start,
            event: event.to_owned(),
            node: node.to_owned(),
            new_sockets_by_node: accepted(self.cut, after.start, after.end),
            arrivals: arrivals(&self.movement, &after),
            settled_after_s: settled_after(self.cut, &self.held, &after, &sampled),
            balanced_after_s: self.spreads.balanced_after(&sampled),
            evenness: self.spreads.last_within(&sampled),
            herding: herding(self.movement.within(after.clone())),
            storm: storm(self.cut, &self.movement, &after),
            detection: detection(self.cut, &self.movement, (event, node), &after),
        }
    }

    /// Without the samples in which the next event may show.
    fn before_the_next(&self, after: &Range<f64>) -> Range<f64> {
        match after.end < self.cut.end() {
            true => after.start..after.end - ANSWERED_WITHIN_S,
            false => after.clone(),
        }
    }
}

fn longest_misrouting(per_event: &[AfterEvent]) -> Option<f64> {
    let detections = per_event
        .iter()
        .filter_map(|event| event.detection.as_ref());
    longest(detections.map(|detection| detection.attempts_s))
}

fn longest(lengths: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let lengths: Option<Vec<f64>> = lengths.collect();
    lengths?.into_iter().max_by(f64::total_cmp)
}

fn accepted(cut: &Cut, from: f64, to: f64) -> BTreeMap<String, u64> {
    let nodes = cut.tracks.of(Role::Node);
    nodes
        .filter_map(|(id, track)| {
            let grown = track.growth(gauge::SOCKETS_ACCEPTED, from..to)?;
            Some((id.to_owned(), grown as u64))
        })
        .collect()
}

/// As the scenario spells it.
fn spelling(value: &impl Serialize) -> Option<String> {
    Some(serde_json::to_value(value).ok()?.as_str()?.to_owned())
}
