//! What belongs to the steady phase begins before its end.

use std::time::Duration;

use crate::{
    diagnostic::Findings,
    format,
    scenario::Scenario,
    section::{At, publish::Publish},
};

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
    for load in &scenario.publish {
        publish_ends_in_time(load, duration.value, findings);
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

fn publish_ends_in_time(load: &Publish, end: Duration, findings: &mut Findings) {
    let Some(start) = &load.start else {
        return;
    };
    before_end(
        start,
        end,
        "the first message is due after the steady phase",
        findings,
    );
    if let Some(length) = &load.duration
        && start.value < end
        && start.value + length.value > end
    {
        let most = format::written(end - start.value);
        let finding = length
            .spot
            .finding("messages would be due after the steady phase");
        findings.add(finding.accepted(format!("at most \"{most}\" from this start")));
    }
}

fn before_end(at: &At<Duration>, end: Duration, what: &str, findings: &mut Findings) {
    if at.value >= end {
        let end = format::written(end);
        let finding = at.spot.finding(what);
        findings.add(finding.accepted(format!("a time before its end, \"{end}\" (`duration`)")));
    }
}
