//! The pool that a load names, or the only one.

use crate::{
    diagnostic::DiagnosticSink,
    scenario::Scenario,
    section::{Spanned, devices::PoolSection},
    suggest,
};

/// What a load says of its pool.
pub(super) struct PoolReference<'s> {
    pub(super) name: Option<&'s Spanned<String>>,
    /// Whether a pool is named, readable or not.
    pub(super) has_name: bool,
    /// The load's own name.
    pub(super) load_name: &'s Spanned<String>,
    /// What the pool's devices do: `subscribes`.
    pub(super) verb: &'static str,
}

/// The pool, unless there is none or it is not said which.
pub(super) fn find<'s>(
    wanted: &PoolReference<'_>,
    scenario: &'s Scenario,
    findings: &mut DiagnosticSink,
) -> Option<&'s PoolSection> {
    let names = || scenario.devices.iter().map(|pool| pool.name.value.as_str());
    if let Some(name) = wanted.name {
        let pool = scenario
            .devices
            .iter()
            .find(|pool| pool.name.value == name.value);
        if pool.is_none() && !scenario.devices.is_empty() {
            let finding = name.location.diagnostic("no pool of devices has this name");
            let finding = finding.expected(suggest::quoted_list(names()));
            findings.add(finding.maybe_hint(suggest::did_you_mean(&name.value, names())));
        }
        return pool;
    }
    if !wanted.has_name && scenario.devices.len() > 1 {
        let what = format!(
            "several pools of devices, and it is not said which {}",
            wanted.verb
        );
        let finding = wanted.load_name.location.missing(what);
        findings.add(finding.expected(format!("`pool`, one of {}", suggest::quoted_list(names()))));
        return None;
    }
    scenario.devices.first().filter(|_| !wanted.has_name)
}
