//! Who holds how many sockets, at the end and after each event.

use std::collections::BTreeMap;

use highwater_scenarios::plan::System;
use serde::Serialize;

use super::{
    cut::Cut,
    settling::{held, settled_after},
    tracks::Sample,
};
use crate::{
    record::{Occurrence, Role, names::gauge},
    summary::{AfterEvent, Balance},
};

/// The summary's `balance`; `None` when no node says how many sockets it has.
pub(crate) fn balance(cut: &Cut) -> Option<Balance> {
    let held = held(cut)?;
    let nodes = cut.tracks.of(Role::Node);
    let shares: Vec<f64> = nodes
        .filter_map(|(_, track)| track.at(gauge::SOCKETS_OPEN, cut.end()))
        .collect();
    let spread = Spread::of(&shares);
    let (policy, balancer) = match &cut.record.manifest.plan.system {
        System::Cluster(cluster) => (spelling(&cluster.policy), spelling(&cluster.balancer)),
        System::Target(_) => (None, None),
    };
    let per_event = per_event(cut, &held);
    Some(Balance {
        policy,
        balancer,
        max_over_mean_at_end: spread.map(|spread| spread.max_over_mean),
        min_over_mean_at_end: spread.map(|spread| spread.min_over_mean),
        jain_at_end: spread.map(|spread| spread.jain),
        longest_settling_s: longest_settling(&per_event),
        per_event,
    })
}

/// How evenly sockets lie over the nodes.
#[derive(Debug, Clone, Copy)]
struct Spread {
    max_over_mean: f64,
    min_over_mean: f64,
    /// (Σx)² / (n Σx²); Jain, Chiu and Hawe 1984.
    jain: f64,
}

impl Spread {
    /// `None` without sockets: nothing is spread then.
    fn of(shares: &[f64]) -> Option<Self> {
        let sum: f64 = shares.iter().sum();
        if sum <= 0.0 {
            return None;
        }
        let nodes = shares.len() as f64;
        let squares: f64 = shares.iter().map(|share| share * share).sum();
        let max = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let min = shares.iter().copied().fold(f64::INFINITY, f64::min);
        Some(Self {
            max_over_mean: max * nodes / sum,
            min_over_mean: min * nodes / sum,
            jain: sum * sum / (nodes * squares),
        })
    }
}

fn per_event(cut: &Cut, held: &[Sample]) -> Vec<AfterEvent> {
    let actions: Vec<_> = cut
        .record
        .events
        .iter()
        .filter_map(|event| match &event.what {
            Occurrence::Action {
                action,
                node,
                error: None,
            } => Some((event.at, action, node)),
            _ => None,
        })
        .collect();
    let ends = actions
        .iter()
        .skip(1)
        .map(|&(at, ..)| at)
        .chain([cut.end()]);
    actions
        .iter()
        .zip(ends)
        .map(|(&(at_s, action, node), end)| AfterEvent {
            at_s,
            event: action.clone(),
            node: node.clone(),
            new_sockets_by_node: accepted(cut, at_s, end),
            settled_after_s: settled_after(cut, held, at_s..end),
        })
        .collect()
}

fn longest_settling(events: &[AfterEvent]) -> Option<f64> {
    let settled: Option<Vec<f64>> = events.iter().map(|event| event.settled_after_s).collect();
    settled?.into_iter().max_by(f64::total_cmp)
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
