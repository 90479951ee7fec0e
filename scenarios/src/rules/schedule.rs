//! The events of a scenario in the order in which they happen.

use std::time::Duration;

use crate::{scenario::Scenario, section::events::EventSection};

/// Returns the events that have a valid time, by time. Events of one instant stay in the
/// order of the file, as in the plan.
pub(super) fn events_by_time(scenario: &Scenario) -> Vec<(Duration, &EventSection)> {
    let events = scenario.events.elements().iter();
    let timed = events.filter_map(|event| Some((event.at.value?, event)));
    let mut events: Vec<_> = timed.collect();
    // Stable, as the sort of the plan.
    events.sort_by_key(|(at, _)| *at);
    events
}
