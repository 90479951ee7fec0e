//! Telemetry records: each is followed to the journals of the consumers, and lost ones
//! are counted exactly.

use highwater_reports::summary::Agreement;

use crate::harness::{
    CliRun,
    checks::{assert_all_accepted, assert_problem, ledger_line, telemetry},
};

/// Most unacknowledged records of a consumer.
const MAX_UNACKED: u64 = 64;

/// Returns 150 telemetry records a second for `seconds`, with `more` of the scenario.
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
fn killed_consumer_loses_no_telemetry() {
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
    let telemetry = telemetry(&summary);
    assert_all_accepted(telemetry, 1_200);
    assert_eq!(telemetry.handled, Some(1_200), "{telemetry:?}");
    let duplicated = telemetry.duplicated.expect("the journals were read");
    // Only records that the killed consumer had not acknowledged are handled twice.
    assert!(duplicated <= MAX_UNACKED, "{telemetry:?}");
    assert!(telemetry.redelivered >= Some(duplicated), "{telemetry:?}");
    let latency = telemetry
        .latency_ms
        .as_ref()
        .expect("the journals were read");
    assert_eq!(latency.count, 1_200);
    // A consumer takes 5 ms for each.
    assert!(latency.p50 >= Some(5.0), "{telemetry:?}");
    assert!(summary.cpu_cores.consumers > Some(0.0), "{telemetry:?}");
}

#[test]
fn lost_telemetry_records_are_counted_exactly() {
    let run = CliRun::run_to_end(&scenario(4, "drop_every = 10", ""));
    run.assert_failed();
    let summary = run.summary();
    let telemetry = telemetry(&summary);
    assert_all_accepted(telemetry, 600);
    // Every consumer drops each tenth that it gets, of 600 in all.
    let handled = ["c1", "c2", "c3"].map(|consumer| run.journal(consumer));
    let handled: u64 = handled.iter().sum();
    let dropped = 600 - handled;
    // Each consumer counts to ten on its own, so up to two drops may be outstanding.
    assert!((58..=60).contains(&dropped), "{telemetry:?}");
    let found = (telemetry.handled, telemetry.lost);
    assert_eq!(found, (Some(handled), Some(dropped)));
    assert_problem(
        &summary,
        &format!("telemetry records accepted and never handled: {dropped}"),
    );
    // Devices, nodes and consumers agree pairwise, so only the queue shows the loss.
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
