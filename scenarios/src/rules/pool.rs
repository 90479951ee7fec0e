//! The pool that a load names, or the only one.

use crate::{
    diagnostic::{Diagnostic, DiagnosticSink},
    frames::{CompiledFrames, ValueNames},
    scenario::Scenario,
    section::{Field, devices::PoolSection},
    suggest,
};

/// A load's reference to the pool whose devices take part in it.
pub(super) struct PoolReference<'s> {
    /// The key `pool` of the load.
    pub(super) pool: &'s Field<String>,
    /// The name of the load.
    pub(super) load: &'s Field<String>,
    /// The part of the pool's devices in the load: `subscribes`.
    pub(super) verb: &'static str,
}

/// Checks that a pool has the name that a load of several pools narrows itself down to.
pub(super) fn check_name(name: &Field<String>, scenario: &Scenario, sink: &mut DiagnosticSink) {
    if let Some(written) = &name.value {
        find_named(written, name, scenario, sink);
    }
}

/// Returns the names of a pool's own values; `None` where its frames have a problem, which is
/// reported.
pub(super) fn value_names(pool: &PoolSection) -> Option<ValueNames> {
    let mut names = ValueNames::default();
    if pool.has_frames() {
        CompiledFrames::compile(&pool.frames()?, &mut names).ok()?;
    }
    Some(names)
}

fn find_named<'s>(
    written: &str,
    name: &Field<String>,
    scenario: &'s Scenario,
    sink: &mut DiagnosticSink,
) -> Option<&'s PoolSection> {
    let pools = scenario.devices.elements();
    let names = || pools.iter().map(|pool| pool.name.text());
    let pool = pools.iter().find(|pool| pool.name.text() == written);
    // Without any pool, the missing pools are the problem.
    if pool.is_none() && !pools.is_empty() {
        sink.report(
            &name.location,
            Diagnostic::new("no pool of devices has this name")
                .expected(suggest::quoted_list(names()))
                .maybe_hint(suggest::did_you_mean(written, names())),
        );
    }
    pool
}

/// Returns the pool of a load. A name without a pool, and a missing name beside several
/// pools, go to `sink`.
pub(super) fn find<'s>(
    reference: &PoolReference<'_>,
    scenario: &'s Scenario,
    sink: &mut DiagnosticSink,
) -> Option<&'s PoolSection> {
    let pools = scenario.devices.elements();
    // Every pool has a name, if need be that of its number.
    let names = || pools.iter().map(|pool| pool.name.text());
    match (&reference.pool.value, pools) {
        (Some(name), _) => find_named(name, reference.pool, scenario, sink),
        // The name is invalid, which is reported.
        (None, _) if reference.pool.is_written => None,
        (None, [only]) => Some(only),
        (None, []) => None,
        (None, _) => {
            let message = format!(
                "several pools of devices, and no `pool` says which one {}",
                reference.verb
            );
            let expected = format!("`pool`, one of {}", suggest::quoted_list(names()));
            sink.report_missing(
                &reference.load.location,
                Diagnostic::new(message).expected(expected),
            );
            None
        }
    }
}
