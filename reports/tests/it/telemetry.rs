//! Readings: what devices counted held against what the journals showed.

use highwater_reports::{
    record::{RecordEvent, names::counter},
    summary::TelemetrySummary,
    verdict_text,
};
use highwater_scenarios::plan::TelemetryLoad;
use highwater_types::Rate;

use crate::run::{DRAIN_S, RAMP_S, SOCKETS, STEADY_S, TestRun};

/// Of the journals: handled, handled again, named without having been sent, lost.
struct JournalTotals {
    handled: u64,
    duplicated: u64,
    unknown: u64,
    lost: Option<u64>,
}

const ALL: JournalTotals = JournalTotals {
    handled: 2_000,
    duplicated: 0,
    unknown: 0,
    lost: Some(0),
};

/// The clean run with 2,000 readings that were all accepted.
fn with_telemetry() -> TestRun {
    let mut run = TestRun::clean();
    run.manifest.plan.telemetry.push(load());
    for name in [
        counter::TELEMETRY_DUE,
        counter::TELEMETRY_SENT,
        counter::TELEMETRY_ACCEPTED,
    ] {
        run.add_count("w1", RAMP_S, name, 2_000);
    }
    run
}

/// Of the clean run's devices.
pub(crate) fn load() -> TelemetryLoad {
    TelemetryLoad {
        name: "temperature".to_owned(),
        pool: "home".to_owned(),
        devices: SOCKETS,
        rate: Rate::per_second(100.0).unwrap(),
        size: 64,
    }
}

fn found(run: &mut TestRun, found: &JournalTotals) {
    let occurrence = RecordEvent::Telemetry {
        handled: found.handled,
        duplicated: found.duplicated,
        redelivered: found.duplicated,
        unknown: found.unknown,
        unreadable: 0,
        lost: found.lost,
    };
    run.add_event((RAMP_S + STEADY_S + DRAIN_S) as f64 - 0.5, occurrence);
}

fn readings(run: &TestRun) -> (TelemetrySummary, Vec<String>) {
    let summary = run.summary();
    (summary.telemetry.unwrap(), summary.problems)
}

#[test]
fn all_handled_is_no_problem() {
    let mut run = with_telemetry();
    found(&mut run, &ALL);
    let (readings, problems) = readings(&run);
    assert_eq!((readings.due, readings.accepted), (2_000, 2_000));
    assert_eq!((readings.handled, readings.lost), (Some(2_000), Some(0)));
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(
        TestRun::clean().summary().telemetry,
        None,
        "none were asked for"
    );
    let said = verdict_text(&run.summary());
    let line = "\n  telemetry   2,000 of 2,000 accepted, 0 lost\n";
    assert!(said.contains(line), "{said}");
}

/// Consumers that are not the harness's own keep their journals to themselves.
#[test]
fn without_journals_nothing_is_known_of_the_handling() {
    let (readings, problems) = readings(&with_telemetry());
    assert_eq!((readings.handled, readings.duplicated), (None, None));
    assert_eq!((readings.redelivered, readings.lost), (None, None));
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn what_was_lost_or_came_from_nowhere_is_a_problem() {
    let mut run = with_telemetry();
    let bad = JournalTotals {
        handled: 1_990,
        unknown: 3,
        lost: Some(10),
        ..ALL
    };
    found(&mut run, &bad);
    let (readings, problems) = readings(&run);
    assert_eq!((readings.handled, readings.lost), (Some(1_990), Some(10)));
    assert_eq!(
        problems,
        [
            "telemetry records accepted and never handled: 10",
            "telemetry records handled that no device sent: 3"
        ]
    );
}

#[test]
fn a_lost_worker_takes_along_which_were_accepted() {
    let mut run = with_telemetry();
    found(&mut run, &JournalTotals { lost: None, ..ALL });
    let (readings, problems) = readings(&run);
    assert_eq!((readings.handled, readings.lost), (Some(2_000), None));
    let told = "the number of lost telemetry records is not known".to_owned();
    assert!(problems.contains(&told), "{problems:?}");
}

#[test]
fn what_was_not_sent_or_not_accepted_is_a_problem() {
    let mut run = with_telemetry();
    run.add_count("w2", RAMP_S, counter::TELEMETRY_DUE, 30);
    run.add_count("w2", RAMP_S, counter::TELEMETRY_SENT, 20);
    run.add_count("w2", RAMP_S, counter::TELEMETRY_ACCEPTED, 15);
    found(&mut run, &ALL);
    assert_eq!(
        readings(&run).1,
        [
            "10 of 2,030 telemetry records that were due were never sent",
            "5 of 2,020 telemetry records that were sent were never accepted"
        ]
    );
    let mut run = with_telemetry();
    run.add_count("w2", RAMP_S, counter::TELEMETRY_ACCEPTED, 1);
    found(&mut run, &ALL);
    let told = "telemetry records do not add up: 2,000 due, 2,000 sent, 2,001 accepted";
    assert_eq!(readings(&run).1, [told]);
}
