//! Each telemetry load has its schedule, its pool and consumers; all loads together are not
//! more than can be followed.

use highwater_types::{format, rate::MAX_PER_SECOND};

use super::pool::{self, PoolReference};
use crate::{
    diagnostic::{Diagnostic, DiagnosticSink},
    plan::{MAX_TELEMETRY, Word},
    scenario::{Scenario, System},
    section::{Section, devices::PoolSection, telemetry::TelemetrySection},
};

/// The number of records of the loads so far.
struct TelemetryTotal(f64);

pub(super) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    let mut total = TelemetryTotal(0.0);
    for load in scenario.telemetry.elements() {
        check_schedule(load, sink);
        let reference = PoolReference {
            pool: &load.pool,
            load: &load.name,
            verb: "sends",
        };
        if let Some(pool) = pool::find(&reference, scenario, sink)
            && let Some(diagnostic) = check_volume(load, pool, scenario, &mut total)
        {
            sink.report(load.schedule_location(), diagnostic);
        }
    }
    check_consumers(scenario, sink);
}

/// Checks that exactly one key says when records are due.
fn check_schedule(load: &TelemetrySection, sink: &mut DiagnosticSink) {
    const EITHER: &str =
        "`rate` (over all devices) or `every` (between two telemetry records of one device)";
    match (load.rate.is_written, load.every.is_written) {
        (true, true) => sink.report(
            &load.every.location,
            Diagnostic::new("both `rate` and `every`").expected(EITHER),
        ),
        (false, false) => sink.report_missing(
            load.location(),
            Diagnostic::new("neither `rate` nor `every`").expected(EITHER),
        ),
        _ => {}
    }
}

/// Checks that records are neither due too often nor, with the loads before, too many.
/// Only the first load too many is reported.
fn check_volume(
    load: &TelemetrySection,
    pool: &PoolSection,
    scenario: &Scenario,
    total: &mut TelemetryTotal,
) -> Option<Diagnostic> {
    let rate = load.rate_for(pool.count.value?)?.as_per_second();
    if rate > MAX_PER_SECOND.into() {
        let message = format!("{} telemetry records", format::per_second(rate));
        return Some(Diagnostic::new(message).expected(format!(
            "at most {} telemetry records over all devices",
            format::per_second(MAX_PER_SECOND.into())
        )));
    }
    // Only records of a cluster are followed to their consumers.
    scenario.only_cluster()?;
    let duration = scenario.duration.value?;
    let before = total.0;
    // Also of a load that is too large, so that only the first one is reported.
    total.0 += rate * duration.as_secs_f64();
    let most = MAX_TELEMETRY as f64;
    (before <= most && total.0 > most).then(|| {
        let message = format!(
            "{} telemetry records in {}",
            format::toml_integer(total.0 as u64),
            format::toml_duration(duration)
        );
        Diagnostic::new(message).expected(format!(
            "at most {} in all, each of which is followed to the consumers' journals",
            format::toml_integer(MAX_TELEMETRY)
        ))
    })
}

fn check_consumers(scenario: &Scenario, sink: &mut DiagnosticSink) {
    if !scenario.telemetry.is_written {
        return;
    }
    let location = scenario.telemetry.location.without_value();
    match scenario.system() {
        // An invalid number of consumers is reported by itself.
        System::Cluster(cluster) if cluster.consumers.is(&0) => sink.report(
            &location,
            Diagnostic::new("telemetry records without consumers")
                .expected("`consumers = 3` in `[cluster]`, or another number"),
        ),
        System::Target(target) => {
            let dialect = scenario.dialect_of(target);
            if let Some(dialect) = dialect.filter(|dialect| !dialect.features().telemetry) {
                let message = format!("telemetry records in the {} dialect", dialect.as_str());
                sink.report(
                    &location,
                    Diagnostic::new(message)
                        .expected("`[[telemetry]]` with `dialect = \"highwater\"`"),
                );
            }
        }
        _ => {}
    }
}
