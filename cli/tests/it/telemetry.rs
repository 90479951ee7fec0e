//! Readings: each is followed to the journals of the consumers, and what is lost is
//! found exactly.

use highwater_reports::summary::Agreement;

use crate::harness::{
    CliRun,
    checks::{assert_all_accepted, assert_problem, ledger_line, telemetry},
};

/// Readings that a consumer has in hand at most.
const MAX_UNACKED: u64 = 64;

/// 150 readings a second for `seconds`, and what the scenario does besides.
fn scenario(seconds: u32, cluster: &str, more: &str) -> String {
    format!(
        r#"
        name = "telemetry"
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
        [[telemetry]]
        rate = "150/s"
        {more}
        [[gates]]
        check = "telemetry.lost == 0"
        "#
    )
}

#[test]
fn a_killed_consumer_loses_nothing() {
    let run = CliRun::run_to_end(&scenario(
        8,
        "processing_time = \"5ms\"",
        r#"
        [[events]]
        at = "2s"
        do = "kill-consumer"
        consumer = "c2"
        [[events]]
        at = "5s"
        do = "restart-consumer"
        consumer = "c2"
        "#,
    ));
    run.assert_passed();
    let summary = run.summary();
    let readings = telemetry(&summary);
    assert_all_accepted(readings, 1_200);
    assert_eq!(readings.handled, Some(1_200), "{readings:?}");
    let duplicated = readings.duplicated.expect("the journals were read");
    assert!(duplicated <= MAX_UNACKED, "{readings:?}");
    assert!(readings.redelivered >= Some(duplicated), "{readings:?}");
}

#[test]
fn lost_telemetry_records_are_counted_exactly() {
    let run = CliRun::run_to_end(&scenario(4, "drop_every = 10", ""));
    run.assert_failed();
    let summary = run.summary();
    let readings = telemetry(&summary);
    assert_all_accepted(readings, 600);
    // Every consumer drops each tenth that it gets, of 600 in all.
    let handled = ["c1", "c2", "c3"].map(|consumer| run.journal(consumer));
    let handled: u64 = handled.iter().sum();
    let dropped = 600 - handled;
    assert!((58..=60).contains(&dropped), "{readings:?}");
    let found = (readings.handled, readings.lost);
    assert_eq!(found, (Some(handled), Some(dropped)));
    assert_problem(
        &summary,
        &format!("telemetry records accepted and never handled: {dropped}"),
    );
    // Devices, nodes and consumers all believe that nothing is missing.
    for (what, verdict) in [
        ("telemetry", Agreement::Agrees),
        ("telemetry acceptances", Agreement::Agrees),
        ("telemetry through the queue", Agreement::Differs),
        ("handled telemetry", Agreement::Agrees),
    ] {
        let line = ledger_line(&summary, what);
        assert_eq!(line.verdict, verdict, "{line:?}");
    }
}
