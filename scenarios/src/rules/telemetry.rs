//! Each load of readings has its pool, and somebody to handle it; all of them together
//! are not more than can be followed.

use crate::{
    diagnostic::{DiagnosticBuilder, DiagnosticSink},
    format,
    plan::{Dialect, MAX_TELEMETRY},
    quantity::RATE_RANGE,
    scenario::{Scenario, SystemSection},
    section::{devices::PoolSection, telemetry::TelemetrySection},
};

use super::pool;

pub(super) fn check(scenario: &Scenario, findings: &mut DiagnosticSink) {
    let mut total = TelemetryTotal(0.0);
    for load in &scenario.telemetry {
        let wanted = pool::PoolReference {
            name: load.pool.as_ref(),
            has_name: load.has_pool,
            load_name: &load.name,
            verb: "sends",
        };
        if let Some(pool) = pool::find(&wanted, scenario, findings)
            && let Some(finding) = check_volume(load, pool, scenario, &mut total)
        {
            findings.add(finding);
        }
    }
    check_consumers(scenario, findings);
}

/// Readings of the loads so far.
struct TelemetryTotal(f64);

/// Too often, or with the loads before too many; of these the first is told of.
fn check_volume(
    load: &TelemetrySection,
    pool: &PoolSection,
    scenario: &Scenario,
    total: &mut TelemetryTotal,
) -> Option<DiagnosticBuilder> {
    let rate = load.rate_for(pool.count.as_ref()?.value)?.as_per_second();
    if rate > RATE_RANGE.1 {
        let what = format!("{} telemetry records", format::per_second(rate));
        let finding = load.schedule_location().diagnostic(what);
        return Some(finding.expected(format!(
            "at most {} telemetry records over all devices",
            format::per_second(RATE_RANGE.1)
        )));
    }
    let SystemSection::Cluster(_) = &scenario.system else {
        return None;
    };
    let duration = scenario.duration.as_ref()?.value;
    let before = total.0;
    total.0 += rate * duration.as_secs_f64();
    let most = MAX_TELEMETRY as f64;
    (before <= most && total.0 > most).then(|| {
        let what = format!(
            "{} telemetry records in {}",
            format::toml_integer(total.0 as u64),
            format::toml_duration(duration)
        );
        load.schedule_location().diagnostic(what).expected(format!(
            "at most {} in all, each of which is followed to the consumers' journals",
            format::toml_integer(MAX_TELEMETRY)
        ))
    })
}

fn check_consumers(scenario: &Scenario, findings: &mut DiagnosticSink) {
    let Some(spot) = &scenario.telemetry_location else {
        return;
    };
    match &scenario.system {
        SystemSection::Cluster(cluster) if cluster.has_no_consumers() => {
            let finding = spot.diagnostic_without_value("telemetry records that nobody handles");
            findings.add(finding.expected("`consumers = 3` in `[cluster]`, or another number"));
        }
        SystemSection::Target(target)
            if target
                .dialect
                .as_ref()
                .is_some_and(|at| at.value == Dialect::Plain) =>
        {
            let finding = spot.diagnostic_without_value("telemetry records in the plain dialect");
            findings.add(finding.expected("`[[telemetry]]` with `dialect = \"highwater\"`"));
        }
        _ => {}
    }
}
