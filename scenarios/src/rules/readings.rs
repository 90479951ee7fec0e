//! Each load of readings has its pool, and somebody to handle it.

use crate::{
    plan::Dialect,
    problem::Findings,
    scenario::{Scenario, SystemAsked},
};

use super::pool;

pub(super) fn check(scenario: &Scenario, findings: &mut Findings) {
    for load in &scenario.readings {
        let wanted = pool::Wanted {
            name: load.pool.as_ref(),
            has_name: load.has_pool,
            by: &load.name,
            part: "sends",
        };
        pool::find(&wanted, scenario, findings);
    }
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
