//! Everything of the steady phase begins before its end.

use std::time::Duration;

use highwater_types::format;

use crate::{
    diagnostic::{Diagnostic, DiagnosticSink},
    scenario::Scenario,
    section::{Field, publish::PublishSection},
};

pub(super) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    let Some(end) = scenario.duration.value else {
        return;
    };
    for pool in scenario.devices.elements() {
        let message = "the pool starts after the steady phase";
        check_before_end(&pool.start, end, message, sink);
    }
    for load in scenario.publish.elements() {
        let message = "the first message is due after the steady phase";
        check_before_end(&load.start, end, message, sink);
        check_publish_end(load, end, sink);
    }
    for event in scenario.events.elements() {
        let message = "the event comes after the steady phase";
        check_before_end(&event.at, end, message, sink);
    }
}

fn check_publish_end(load: &PublishSection, end: Duration, sink: &mut DiagnosticSink) {
    let (Some(start), Some(duration)) = (load.start.value, load.duration.value) else {
        return;
    };
    // A start after the end is reported by itself.
    if start < end && start + duration > end {
        let longest = format::toml_duration(end - start);
        sink.report(
            &load.duration.location,
            Diagnostic::new("messages would be due after the steady phase")
                .expected(format!("at most \"{longest}\" from this start")),
        );
    }
}

fn check_before_end(
    time: &Field<Duration>,
    end: Duration,
    message: &str,
    sink: &mut DiagnosticSink,
) {
    // At the end itself the drain has begun.
    if time.value.is_some_and(|time| time >= end) {
        let end = format::toml_duration(end);
        sink.report(
            &time.location,
            Diagnostic::new(message)
                .expected(format!("a time before its end, \"{end}\" (`duration`)")),
        );
    }
}
