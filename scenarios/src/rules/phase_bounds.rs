//! Everything of the steady phase begins before its end.

use std::time::Duration;

use highwater_types::format;

use crate::{
    diagnostic::{Diagnostic, DiagnosticSink},
    scenario::Scenario,
    section::Field,
};

pub(super) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    let Some(end) = scenario.duration.value else {
        return;
    };
    for pool in scenario.devices.elements() {
        let message = "the pool starts after the steady phase";
        check_before_end(&pool.start, end, message, sink);
    }
    for (start, duration) in timed_loads(scenario) {
        let message = "the first message is due after the steady phase";
        check_before_end(start, end, message, sink);
        check_duration(start, duration, end, sink);
    }
    for event in scenario.events.elements() {
        let message = "the event comes after the steady phase";
        check_before_end(&event.at, end, message, sink);
    }
}

/// Yields the start and the duration of every load that has them.
fn timed_loads(scenario: &Scenario) -> impl Iterator<Item = (&Field<Duration>, &Field<Duration>)> {
    let messages = scenario.messages.elements().iter();
    let publish = scenario.publish.elements().iter();
    messages
        .map(|load| (&load.start, &load.duration))
        .chain(publish.map(|load| (&load.start, &load.duration)))
}

fn check_duration(
    start: &Field<Duration>,
    duration: &Field<Duration>,
    end: Duration,
    sink: &mut DiagnosticSink,
) {
    let location = &duration.location;
    let (Some(start), Some(duration)) = (start.value, duration.value) else {
        return;
    };
    // A start after the end is reported by itself.
    if start < end && start + duration > end {
        let longest = format::toml_duration(end - start);
        sink.report(
            location,
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
