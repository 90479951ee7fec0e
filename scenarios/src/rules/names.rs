//! Names are unique where `--set`, device ids or reports go by them.

use std::collections::HashSet;

use crate::{
    diagnostic::Findings,
    scenario::{Scenario, SystemAsked},
    section::At,
};

pub(super) fn check(scenario: &Scenario, findings: &mut Findings) {
    unique(
        scenario.devices.iter().map(|pool| &pool.name),
        "pool of devices",
        findings,
    );
    unique(
        scenario.commands.iter().map(|load| &load.name),
        "command load",
        findings,
    );
    unique(
        scenario.publish.iter().map(|load| &load.name),
        "publish load",
        findings,
    );
    unique(
        scenario.readings.iter().map(|load| &load.name),
        "load of readings",
        findings,
    );
    let events = scenario
        .events
        .iter()
        .filter_map(|(_, event)| event.name.as_ref());
    unique(events, "event", findings);
    unique(
        scenario.gates.iter().filter_map(|gate| gate.name.as_ref()),
        "gate",
        findings,
    );
    if let SystemAsked::Target(target) = &scenario.system {
        let observed = target
            .observe
            .iter()
            .filter_map(|observed| observed.name.as_ref());
        unique(observed, "observed process", findings);
    }
}

fn unique<'s>(names: impl Iterator<Item = &'s At<String>>, noun: &str, findings: &mut Findings) {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name.value.as_str()) {
            let what = format!("another {noun} has this name");
            findings.add(name.spot.finding(what).accepted("a name of its own"));
        }
    }
}
