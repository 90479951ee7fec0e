//! Names are unique where `--set`, device ids or reports go by them.

use std::collections::HashSet;

use crate::{
    diagnostic::DiagnosticSink,
    scenario::{Scenario, SystemSection},
    section::Spanned,
};

pub(super) fn check(scenario: &Scenario, findings: &mut DiagnosticSink) {
    check_unique(
        scenario.devices.iter().map(|pool| &pool.name),
        "pool of devices",
        findings,
    );
    check_unique(
        scenario.commands.iter().map(|load| &load.name),
        "command load",
        findings,
    );
    check_unique(
        scenario.publish.iter().map(|load| &load.name),
        "publish load",
        findings,
    );
    check_unique(
        scenario.telemetry.iter().map(|load| &load.name),
        "telemetry load",
        findings,
    );
    let events = scenario
        .events
        .iter()
        .filter_map(|(_, event)| event.name.as_ref());
    check_unique(events, "event", findings);
    check_unique(
        scenario.gates.iter().filter_map(|gate| gate.name.as_ref()),
        "gate",
        findings,
    );
    if let SystemSection::Target(target) = &scenario.system {
        let observed = target
            .observe
            .iter()
            .filter_map(|observed| observed.name.as_ref());
        check_unique(observed, "observed process", findings);
    }
}

fn check_unique<'s>(
    names: impl Iterator<Item = &'s Spanned<String>>,
    noun: &str,
    findings: &mut DiagnosticSink,
) {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name.value.as_str()) {
            let what = format!("another {noun} has this name");
            findings.add(name.location.diagnostic(what).expected("a name of its own"));
        }
    }
}
