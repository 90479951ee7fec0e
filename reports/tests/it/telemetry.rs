//! Telemetry: the counts of devices compared with the journals of consumers.

use highwater_reports::{
    record::{
        JournalCounts, RecordEvent,
        names::{counter, latency},
    },
    summary::TelemetrySummary,
    verdict_text,
};
use highwater_scenarios::plan::TelemetryLoad;

use crate::run::{DRAIN_S, RAMP_S, STEADY_S, TestRun, plan_with};

/// The totals of the consumers' journals.
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

/// Creates a clean run with 2,000 telemetry records that were all accepted.
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

/// Returns the telemetry of the clean run's devices.
pub(crate) fn load() -> TelemetryLoad {
    let plan = plan_with("[[telemetry]]\nname = \"temperature\"\nrate = \"100/s\"");
    plan.telemetry.into_iter().next().unwrap()
}

fn add_journals(run: &mut TestRun, found: &JournalTotals) {
    let journals = RecordEvent::Telemetry(JournalCounts {
        handled: found.handled,
        duplicated: found.duplicated,
        redelivered: found.duplicated,
        unknown: found.unknown,
        unreadable: 0,
        lost: found.lost,
    });
    run.add_event((RAMP_S + STEADY_S + DRAIN_S) as f64 - 0.5, journals);
}

fn telemetry(run: &TestRun) -> (TelemetrySummary, Vec<String>) {
    let summary = run.summary();
    (summary.telemetry.unwrap(), summary.problems)
}

#[test]
fn fully_handled_telemetry_is_no_problem() {
    let mut run = with_telemetry();
    add_journals(&mut run, &ALL);
    run.add_latency(latency::TELEMETRY_LATENCY, RAMP_S as f64, &[7, 8, 9]);
    let (section, problems) = telemetry(&run);
    let handling = section.latency_ms.unwrap();
    assert_eq!(handling.count, 3);
    assert!((8.0..8.1).contains(&handling.p50.unwrap()), "{handling:?}");
    assert_eq!((section.due, section.accepted), (2_000, 2_000));
    assert_eq!((section.handled, section.lost), (Some(2_000), Some(0)));
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(
        TestRun::clean().summary().telemetry,
        None,
        "none were asked for"
    );
    let text = verdict_text(&run.summary());
    let line = "\n  telemetry   accepted 2,000, lost 0\n";
    assert!(text.contains(line), "{text}");
}

/// A target's consumers do not share their journals.
#[test]
fn handling_is_unknown_without_journals() {
    let (section, problems) = telemetry(&with_telemetry());
    assert_eq!((section.handled, section.duplicated), (None, None));
    assert_eq!((section.redelivered, section.lost), (None, None));
    assert_eq!(section.latency_ms, None);
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn lost_or_unknown_record_is_a_problem() {
    let mut run = with_telemetry();
    let bad = JournalTotals {
        handled: 1_990,
        unknown: 3,
        lost: Some(10),
        ..ALL
    };
    add_journals(&mut run, &bad);
    let (section, problems) = telemetry(&run);
    assert_eq!((section.handled, section.lost), (Some(1_990), Some(10)));
    assert_eq!(
        problems,
        [
            "telemetry records accepted and never handled: 10",
            "telemetry records handled that no device sent: 3"
        ]
    );
}

#[test]
fn lost_records_are_unknown_after_a_lost_worker() {
    let mut run = with_telemetry();
    add_journals(&mut run, &JournalTotals { lost: None, ..ALL });
    let (section, problems) = telemetry(&run);
    assert_eq!((section.handled, section.lost), (Some(2_000), None));
    let problem = "the number of lost telemetry records is not known".to_owned();
    assert!(problems.contains(&problem), "{problems:?}");
}

#[test]
fn record_never_sent_or_never_accepted_is_a_problem() {
    let mut run = with_telemetry();
    run.add_count("w2", RAMP_S, counter::TELEMETRY_DUE, 30);
    run.add_count("w2", RAMP_S, counter::TELEMETRY_SENT, 20);
    run.add_count("w2", RAMP_S, counter::TELEMETRY_ACCEPTED, 15);
    add_journals(&mut run, &ALL);
    assert_eq!(
        telemetry(&run).1,
        [
            "10 of 2,030 telemetry records that were due were never sent",
            "5 of 2,020 telemetry records that were sent were never accepted"
        ]
    );
    let mut run = with_telemetry();
    run.add_count("w2", RAMP_S, counter::TELEMETRY_ACCEPTED, 1);
    add_journals(&mut run, &ALL);
    let problem = "telemetry records do not add up: 2,000 due, 2,000 sent, 2,001 accepted";
    assert_eq!(telemetry(&run).1, [problem]);
}
