//! The pool that a load names, or the only one.

use crate::{
    diagnostic::Findings,
    scenario::Scenario,
    section::{At, devices::Pool},
    suggest,
};

/// What a load says of its pool.
pub(super) struct Wanted<'s> {
    pub(super) name: Option<&'s At<String>>,
    /// Whether a pool is named, readable or not.
    pub(super) has_name: bool,
    /// The load's own name.
    pub(super) by: &'s At<String>,
    /// What the pool's devices do: `subscribes`.
    pub(super) part: &'static str,
}

/// The pool, unless there is none or it is not said which.
pub(super) fn find<'s>(
    wanted: &Wanted<'_>,
    scenario: &'s Scenario,
    findings: &mut Findings,
) -> Option<&'s Pool> {
    let names = || scenario.devices.iter().map(|pool| pool.name.value.as_str());
    if let Some(name) = wanted.name {
        let pool = scenario
            .devices
            .iter()
            .find(|pool| pool.name.value == name.value);
        if pool.is_none() && !scenario.devices.is_empty() {
            let finding = name.spot.finding("no pool of devices has this name");
            let finding = finding.accepted(suggest::list(names()));
            findings.add(finding.maybe_hint(suggest::hint(&name.value, names())));
        }
        return pool;
    }
    if !wanted.has_name && scenario.devices.len() > 1 {
        let what = format!(
            "several pools of devices, and it is not said which {}",
            wanted.part
        );
        let finding = wanted.by.spot.absence(what);
        findings.add(finding.accepted(format!("`pool`, one of {}", suggest::list(names()))));
        return None;
    }
    scenario.devices.first().filter(|_| !wanted.has_name)
}
