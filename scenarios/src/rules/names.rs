//! Names are unique where `--set`, device ids or reports go by them.

use std::collections::HashSet;

use crate::{
    diagnostic::{Diagnostic, DiagnosticSink},
    scenario::Scenario,
    section::Field,
};

pub(super) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    check_list(&scenario.devices, |pool| &pool.name, sink);
    check_list(&scenario.commands, |load| &load.name, sink);
    check_list(&scenario.messages, |load| &load.name, sink);
    check_list(&scenario.publish, |load| &load.name, sink);
    check_list(&scenario.telemetry, |load| &load.name, sink);
    check_list(&scenario.events, |event| &event.name, sink);
    check_list(&scenario.gates, |gate| &gate.name, sink);
    if let Some(target) = &scenario.target.value {
        check_list(&target.observe, |process| &process.name, sink);
    }
}

/// Checks that no two elements of a list have the same name.
fn check_list<S>(
    list: &Field<Vec<S>>,
    name_of: impl Fn(&S) -> &Field<String>,
    sink: &mut DiagnosticSink,
) {
    // Only lists come here; the fallback is never shown.
    let noun = list.key.list().map_or("table", |list| list.noun);
    let mut seen = HashSet::new();
    for field in list.elements().iter().map(name_of) {
        let Some(name) = &field.value else {
            continue;
        };
        // Names from numbers count too: a written `devices-2` may clash with one.
        if !seen.insert(name.as_str()) {
            sink.report(
                &field.location,
                Diagnostic::new(format!("another {noun} has this name"))
                    .expected("a name of its own"),
            );
        }
    }
}
