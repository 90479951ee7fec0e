//! What belongs to the steady phase begins before its end.

use std::time::Duration;

use crate::{problem::Findings, scenario::Scenario, section::At, words};

pub(super) fn check(scenario: &Scenario, findings: &mut Findings) {
    let Some(duration) = &scenario.duration else {
        return;
    };
    let starts = scenario
        .devices
        .iter()
        .filter_map(|pool| pool.start.as_ref());
    for start in starts {
        before_end(
            start,
            duration.value,
            "the pool starts after the steady phase",
            findings,
        );
    }
    let times = scenario
        .events
        .iter()
        .filter_map(|(_, event)| event.at.as_ref());
    for at in times {
        before_end(
            at,
            duration.value,
            "the event comes after the steady phase",
            findings,
        );
    }
}

fn before_end(at: &At<Duration>, end: Duration, what: &str, findings: &mut Findings) {
    if at.value >= end {
        let end = words::written(end);
        let finding = at.spot.finding(what);
        findings.add(finding.accepted(format!("a time before its end, \"{end}\" (`duration`)")));
    }
}
