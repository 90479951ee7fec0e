//! Each command load has one load model, and a path with a device.

use crate::{
    diagnostic::{Diagnostic, DiagnosticSink},
    scenario::Scenario,
    section::{Section, commands::CommandSection},
    value::DEVICE_PLACEHOLDER,
};

pub(super) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    for load in scenario.commands.elements() {
        check_model(load, sink);
        check_path(load, sink);
    }
}

/// Checks that the keys are those of one model. `is_written` counts, because an invalid
/// `users` still says which model is meant.
fn check_model(load: &CommandSection, sink: &mut DiagnosticSink) {
    const EITHER: &str = "`users` (closed model) or `rate` (open model)";
    match (load.users.is_written, load.rate.is_written) {
        (true, true) => sink.report(
            &load.rate.location,
            Diagnostic::new("both `users` and `rate`")
                .expected(EITHER)
                .hint("write two [[commands]] to have both"),
        ),
        (false, false) => sink.report_missing(
            load.location(),
            Diagnostic::new("neither `users` nor `rate`").expected(EITHER),
        ),
        // Both keys have a default, which is harmless in the other model.
        (false, true) if load.think.is_written => sink.report(
            &load.think.location,
            Diagnostic::new("a think time without users").expected("`think` beside `users`"),
        ),
        (true, false) if load.max_in_flight.is_written => sink.report(
            &load.max_in_flight.location,
            Diagnostic::new("a limit for arrivals without a rate")
                .expected("`max_in_flight` beside `rate`")
                .hint("each user has at most one command in flight"),
        ),
        _ => {}
    }
}

fn check_path(load: &CommandSection, sink: &mut DiagnosticSink) {
    if let Some(path) = &load.path.value
        && !path.contains(DEVICE_PLACEHOLDER)
    {
        sink.report(
            &load.path.location,
            Diagnostic::new("a path that names no device").expected("a path with `{device}` in it"),
        );
    }
}
