//! Each load of readings has its pool, and somebody to handle it; all of them together
//! are not more than can be followed.

use crate::{
    diagnostic::{Finding, Findings},
    format,
    plan::{Dialect, MOST_READINGS},
    quantity::RATES,
    scenario::{Scenario, SystemAsked},
    section::{devices::Pool, telemetry::Readings},
};

use super::pool;

pub(super) fn check(scenario: &Scenario, findings: &mut Findings) {
    let mut total = Total(0.0);
    for load in &scenario.readings {
        let wanted = pool::Wanted {
            name: load.pool.as_ref(),
            has_name: load.has_pool,
            by: &load.name,
            part: "sends",
        };
        if let Some(pool) = pool::find(&wanted, scenario, findings)
            && let Some(finding) = too_many(load, pool, scenario, &mut total)
        {
            findings.add(finding);
        }
    }
    check_consumers(scenario, findings);
}

/// Readings of the loads so far.
struct Total(f64);

/// Too often, or with the loads before too many; of these the first is told of.
fn too_many(
    load: &Readings,
    pool: &Pool,
    scenario: &Scenario,
    total: &mut Total,
) -> Option<Finding> {
    let rate = load.rate_of(pool.count.as_ref()?.value)?.as_per_second();
    if rate > RATES.1 {
        let what = format!("{} readings", format::per_second(rate));
        let finding = load.schedule().finding(what);
        return Some(finding.accepted(format!(
            "at most {} readings over all devices",
            format::per_second(RATES.1)
        )));
    }
    let SystemAsked::Cluster(_) = &scenario.system else {
        return None;
    };
    let duration = scenario.duration.as_ref()?.value;
    let before = total.0;
    total.0 += rate * duration.as_secs_f64();
    let most = MOST_READINGS as f64;
    (before <= most && total.0 > most).then(|| {
        let what = format!(
            "{} readings in {}",
            format::typed(total.0 as u64),
            format::written(duration)
        );
        load.schedule().finding(what).accepted(format!(
            "at most {} in all, each of which is followed to the consumers' journals",
            format::typed(MOST_READINGS)
        ))
    })
}

fn check_consumers(scenario: &Scenario, findings: &mut Findings) {
    let Some(spot) = &scenario.readings_spot else {
        return;
    };
    match &scenario.system {
        SystemAsked::Cluster(cluster) if cluster.has_no_consumers() => {
            let finding = spot.finding_of_place("readings that nobody handles");
            findings.add(finding.accepted("`consumers = 3` in `[cluster]`, or another number"));
        }
        SystemAsked::Target(target)
            if target
                .dialect
                .as_ref()
                .is_some_and(|at| at.value == Dialect::Plain) =>
        {
            let finding = spot.finding_of_place("readings in the plain dialect");
            findings.add(finding.accepted("`[[readings]]` with `dialect = \"highwater\"`"));
        }
        _ => {}
    }
}
