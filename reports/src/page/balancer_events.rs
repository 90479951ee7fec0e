//! Changes of the balancers' configuration during the run.

use highwater_scenarios::plan::Join;
use highwater_types::format;
use serde::Serialize;

use crate::record::{RecordEvent, RunRecord};

/// A change of a balancer's configuration.
#[derive(Debug, Serialize)]
pub(super) struct BalancerEvent<'a> {
    /// Title: `b1 at 70 s: a new configuration and a reload`.
    title: String,
    text: &'a str,
}

/// Returns the changes in order of time.
pub(super) fn balancer_events(record: &RunRecord) -> Vec<BalancerEvent<'_>> {
    let events = record.events.iter();
    events
        .filter_map(|event| match &event.kind {
            // A gateway finds nodes by membership and needs no reconfiguration.
            RecordEvent::BalancerReconfigured { id, how, text } => Some(BalancerEvent {
                title: format!("{id} at {}: {}", format::seconds(event.at), join_text(*how)),
                text,
            }),
            _ => None,
        })
        .collect()
}

fn join_text(how: Join) -> &'static str {
    match how {
        Join::Discovery => "found by membership",
        Join::Reload => "a new configuration and a reload",
        Join::Runtime => "commands at run time",
        Join::Predeclared => "declared in its configuration from the start",
    }
}
