//! Readings: each is followed to the journals of the consumers, and what is lost is
//! found exactly.

use highwater_reports::summary::{Readings, Summary, Verdict};

use crate::harness::{Finished, Run};

/// Readings that a consumer has in hand at most.
const IN_HAND: u64 = 64;

fn readings(summary: &Summary) -> &Readings {
    summary
        .readings
        .as_ref()
        .expect("the scenario has readings")
}

/// 150 readings a second for `seconds`, and what the scenario does besides.
fn scenario(seconds: u32, cluster: &str, more: &str) -> String {
    format!(
        r#"
        name = "readings"
        duration = "{seconds}s"
        [cluster]
        nodes = 2
        consumers = 3
        {cluster}
        [[devices]]
        name = "home"
        count = 90
        ramp = "100/s"
        heartbeat = "2s"
        [[readings]]
        rate = "150/s"
        {more}
        [[gates]]
        check = "readings.lost == 0"
        "#
    )
}

/// Everything that was due was sent and accepted.
fn assert_all_accepted(readings: &Readings, due: u64) {
    let through = (readings.due, readings.sent, readings.accepted);
    assert_eq!(through, (due, due, due), "{readings:?}");
}

fn lines_of(run: &Finished, consumer: &str) -> usize {
    let journal = run.record.join(format!("logs/{consumer}.journal.jsonl"));
    std::fs::read_to_string(journal)
        .expect("a journal")
        .lines()
        .count()
}

#[test]
fn every_reading_is_handled_once() {
    let run = Run::to_its_end(&scenario(6, "", ""));
    run.assert_passed();
    let summary = run.summary();
    let readings = readings(&summary);
    assert_all_accepted(readings, 900);
    assert_eq!(readings.handled, Some(900), "{readings:?}");
    assert_eq!(readings.duplicated, Some(0), "{readings:?}");
    assert_eq!(readings.redelivered, Some(0), "{readings:?}");
    let lines = ["c1", "c2", "c3"].map(|consumer| lines_of(&run, consumer));
    assert_eq!(lines.iter().sum::<usize>(), 900);
    assert!(lines.iter().all(|lines| *lines > 0), "{lines:?}");
    assert_eq!(summary.consumers.len(), 3);
}

#[test]
fn a_killed_consumer_loses_nothing() {
    let run = Run::to_its_end(&scenario(
        10,
        "handle_time = \"5ms\"",
        r#"
        [[events]]
        at = "3s"
        do = "kill-consumer"
        consumer = "c2"
        [[events]]
        at = "6s"
        do = "restart-consumer"
        consumer = "c2"
        "#,
    ));
    run.assert_passed();
    let summary = run.summary();
    let readings = readings(&summary);
    assert_all_accepted(readings, 1_500);
    assert_eq!(readings.handled, Some(1_500), "{readings:?}");
    let duplicated = readings.duplicated.expect("the journals were read");
    assert!(duplicated <= IN_HAND, "{readings:?}");
    assert!(readings.redelivered >= Some(duplicated), "{readings:?}");
}

/// The broker keeps nothing: what was accepted was handled before, and what was not
/// is brought again.
#[test]
fn a_killed_broker_loses_nothing() {
    let run = Run::to_its_end(&scenario(
        10,
        "handle_time = \"2ms\"",
        r#"
        [[events]]
        at = "3s"
        do = "kill-broker"
        [[events]]
        at = "5s"
        do = "restart-broker"
        "#,
    ));
    let summary = run.summary();
    let readings = readings(&summary);
    assert_all_accepted(readings, 1_500);
    assert_eq!(
        (readings.handled, readings.lost),
        (Some(1_500), Some(0)),
        "{readings:?}"
    );
    assert!(readings.refused > 0, "the queue was away: {readings:?}");
    assert_eq!(readings.resent, readings.refused, "{readings:?}");
}

#[test]
fn readings_that_are_lost_are_counted_exactly() {
    let run = Run::to_its_end(&scenario(6, "lose_every = 10", ""));
    let summary = run.summary();
    let readings = readings(&summary);
    assert_eq!(
        (summary.verdict, run.code),
        (Verdict::Failed, Some(3)),
        "{}",
        run.stdout
    );
    assert_all_accepted(readings, 900);
    // Every consumer drops each tenth that it gets.
    let handled = ["c1", "c2", "c3"].map(|consumer| lines_of(&run, consumer) as u64);
    let dropped: u64 = handled.iter().map(|handled| handled / 9).sum();
    assert_eq!(readings.lost, Some(dropped), "{handled:?}");
    assert_eq!(readings.handled, Some(900 - dropped));
    assert!((87..=90).contains(&dropped), "{handled:?}");
    let told = format!("readings accepted and never handled: {dropped}");
    assert!(summary.problems.contains(&told), "{:?}", summary.problems);
}
