//! What belongs to the steady phase begins before its end.

use std::time::Duration;

use highwater_types::format;

use crate::{
    diagnostic::DiagnosticSink,
    scenario::Scenario,
    section::{Spanned, publish::PublishSection},
};

pub(super) fn check(scenario: &Scenario, findings: &mut DiagnosticSink) {
    let Some(duration) = &scenario.duration else {
        return;
    };
    let starts = scenario
        .devices
        .iter()
        .filter_map(|pool| pool.start.as_ref());
    for start in starts {
        check_before_end(
            start,
            duration.value,
            "the pool starts after the steady phase",
            findings,
        );
    }
    for load in &scenario.publish {
        check_publish_end(load, duration.value, findings);
    }
    let times = scenario
        .events
        .iter()
        .filter_map(|(_, event)| event.at.as_ref());
    for at in times {
        check_before_end(
            at,
            duration.value,
            "the event comes after the steady phase",
            findings,
        );
    }
}

fn check_publish_end(load: &PublishSection, end: Duration, findings: &mut DiagnosticSink) {
    let Some(start) = &load.start else {
        return;
    };
    check_before_end(
        start,
        end,
        "the first message is due after the steady phase",
        findings,
    );
    if let Some(length) = &load.duration
        && start.value < end
        && start.value + length.value > end
    {
        let most = format::toml_duration(end - start.value);
        let finding = length
            .location
            .diagnostic("messages would be due after the steady phase");
        findings.add(finding.expected(format!("at most \"{most}\" from this start")));
    }
}

fn check_before_end(
    at: &Spanned<Duration>,
    end: Duration,
    what: &str,
    findings: &mut DiagnosticSink,
) {
    if at.value >= end {
        let end = format::toml_duration(end);
        let finding = at.location.diagnostic(what);
        findings.add(finding.expected(format!("a time before its end, \"{end}\" (`duration`)")));
    }
}
