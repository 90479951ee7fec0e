//! The pool that a load names, or the only one.

use crate::{
    data::PoolData,
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

/// Returns the names of the values that a pool's devices have before their sockets open; `None`
/// where its data or its login has a problem, which is reported.
pub(super) fn names_before_open(pool: &PoolSection, data: &PoolData) -> Option<ValueNames> {
    // Without its columns, every placeholder would be a problem.
    if *data == PoolData::Unreadable || (pool.login.is_written && pool.login.value.is_none()) {
        return None;
    }
    let login = pool.login.value.iter();
    let take = login.flat_map(|login| login.take.value.iter().flatten());
    let taken: Vec<String> = take.map(|take| take.name.clone()).collect();
    Some(ValueNames {
        columns: data.columns().to_vec(),
        of_login: taken.len(),
        taken,
        environment: Vec::new(),
    })
}

/// Returns the data of a pool of the scenario.
pub(super) fn data_of<'d>(
    pool: &PoolSection,
    scenario: &Scenario,
    data: &'d [PoolData],
) -> &'d PoolData {
    let mut pools = scenario.devices.elements().iter().zip(data);
    let found = pools.find(|(known, _)| std::ptr::eq(*known, pool));
    found.map_or(&PoolData::Absent, |(_, data)| data)
}

/// Returns the names of a pool's own values; `None` where its data, its login or its frames
/// have a problem, which is reported.
pub(super) fn value_names(pool: &PoolSection, data: &PoolData) -> Option<ValueNames> {
    let mut names = names_before_open(pool, data)?;
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
