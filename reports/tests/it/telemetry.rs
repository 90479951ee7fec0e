//! Readings: what devices counted held against what the journals showed.

use highwater_reports::{
    record::{Occurrence, names::counter},
    summary::Readings,
    verdict_text,
};
use highwater_scenarios::{plan::ReadingLoad, units::Rate};

use crate::run::{DRAIN_S, RAMP_S, Run, SOCKETS, STEADY_S};

/// Of the journals: handled, handled again, named without having been sent, lost.
struct Found {
    handled: u64,
    duplicated: u64,
    unknown: u64,
    lost: Option<u64>,
}

const ALL: Found = Found {
    handled: 2_000,
    duplicated: 0,
    unknown: 0,
    lost: Some(0),
};

/// The clean run with 2,000 readings that were all accepted.
fn reporting() -> Run {
    let mut run = Run::clean();
    run.manifest.plan.readings.push(load());
    for name in [
        counter::READINGS_DUE,
        counter::READINGS_SENT,
        counter::READINGS_ACCEPTED,
    ] {
        run.count("w1", RAMP_S, name, 2_000);
    }
    run
}

/// Of the clean run's devices.
pub(crate) fn load() -> ReadingLoad {
    ReadingLoad {
        name: "temperature".to_owned(),
        pool: "home".to_owned(),
        devices: SOCKETS,
        rate: Rate::per_second(100.0).unwrap(),
        size: 64,
    }
}

fn found(run: &mut Run, found: &Found) {
    let occurrence = Occurrence::Readings {
        handled: found.handled,
        duplicated: found.duplicated,
        redelivered: found.duplicated,
        unknown: found.unknown,
        unreadable: 0,
        lost: found.lost,
    };
    run.event((RAMP_S + STEADY_S + DRAIN_S) as f64 - 0.5, occurrence);
}

fn readings(run: &Run) -> (Readings, Vec<String>) {
    let summary = run.summary();
    (summary.readings.unwrap(), summary.problems)
}

#[test]
fn all_handled_is_no_problem() {
    let mut run = reporting();
    found(&mut run, &ALL);
    let (readings, problems) = readings(&run);
    assert_eq!((readings.due, readings.accepted), (2_000, 2_000));
    assert_eq!((readings.handled, readings.lost), (Some(2_000), Some(0)));
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(Run::clean().summary().readings, None, "none were asked for");
    let said = verdict_text(&run.summary());
    let line = "\n  readings    2,000 of 2,000 accepted, 0 lost\n";
    assert!(said.contains(line), "{said}");
}

/// Consumers that are not the harness's own keep their journals to themselves.
#[test]
fn without_journals_nothing_is_known_of_the_handling() {
    let (readings, problems) = readings(&reporting());
    assert_eq!((readings.handled, readings.duplicated), (None, None));
    assert_eq!((readings.redelivered, readings.lost), (None, None));
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn what_was_lost_or_came_from_nowhere_is_a_problem() {
    let mut run = reporting();
    let bad = Found {
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
            "readings accepted and never handled: 10",
            "readings handled that no device sent: 3"
        ]
    );
}

#[test]
fn a_lost_worker_takes_along_which_were_accepted() {
    let mut run = reporting();
    found(&mut run, &Found { lost: None, ..ALL });
    let (readings, problems) = readings(&run);
    assert_eq!((readings.handled, readings.lost), (Some(2_000), None));
    let told = "how many readings were lost is not known".to_owned();
    assert!(problems.contains(&told), "{problems:?}");
}

#[test]
fn what_was_not_sent_or_not_accepted_is_a_problem() {
    let mut run = reporting();
    run.count("w2", RAMP_S, counter::READINGS_DUE, 30);
    run.count("w2", RAMP_S, counter::READINGS_SENT, 20);
    run.count("w2", RAMP_S, counter::READINGS_ACCEPTED, 15);
    found(&mut run, &ALL);
    assert_eq!(
        readings(&run).1,
        [
            "10 of 2,030 readings that were due were never sent",
            "5 of 2,020 readings that were sent were never accepted"
        ]
    );
    let mut run = reporting();
    run.count("w2", RAMP_S, counter::READINGS_ACCEPTED, 1);
    found(&mut run, &ALL);
    let told = "readings do not add up: 2,000 due, 2,000 sent, 2,001 accepted";
    assert_eq!(readings(&run).1, [told]);
}
