//! Messages to topics: what is lost, doubled or reordered on request is found
//! exactly, and a clean run is clean.

use highwater_reports::summary::{Agreement, LedgerLine, Messages, Summary, Verdict};

use crate::harness::{Finished, Run};

fn messages(summary: &Summary) -> &Messages {
    summary
        .messages
        .as_ref()
        .expect("the scenario publishes messages")
}

/// Each message ends in one way, and each delivery due comes or is lost.
fn assert_messages_add_up(messages: &Messages) {
    let ends = messages.published + messages.dropped + messages.rejected + messages.unconfirmed;
    assert_eq!(messages.scheduled, ends, "{messages:?}");
    assert_eq!(
        messages.due,
        messages.delivered + messages.lost,
        "{messages:?}"
    );
    assert_eq!(messages.latency_ms.count, messages.service_ms.count);
}

/// Two nodes, callers and rooms of devices, two workers: what one worker's
/// publishers send, the other's devices hear.
fn clean(devices: u64, more: &str) -> String {
    format!(
        r#"
        name = "messages"
        duration = "6s"
        [cluster]
        nodes = 2
        [[devices]]
        name = "home"
        count = {devices}
        ramp = "100/s"
        heartbeat = "2s"
        [[publish]]
        name = "news"
        rate = "20/s"
        publishers = 3
        [[publish]]
        name = "rooms"
        from = "device"
        topics = 4
        publishers = 8
        rate = "40/s"
        {more}
        "#
    )
}

#[test]
fn a_clean_run_loses_doubles_and_reorders_nothing() {
    let gates = r#"
        [[gates]]
        check = "messages.lost == 0"
        [[gates]]
        check = "messages.duplicated == 0"
        [[gates]]
        check = "messages.reordered == 0"
        "#;
    let run = Run::start_with(&clean(60, gates), &["--workers", "2"]).finish();
    run.assert_passed();
    let summary = run.summary();
    let messages = messages(&summary);
    assert_messages_add_up(messages);
    assert_eq!(messages.scheduled, 6 * 20 + 6 * 40);
    assert_eq!(messages.published, messages.scheduled);
    // Every subscriber of the news, and fourteen of the fifteen of a room.
    assert_eq!(messages.due, 6 * 20 * 60 + 6 * 40 * 14);
    assert!(messages.latency_ms.count > 0);
    assert_eq!(run.counted("subscriptions.confirmed"), 60);
    // Both ends counted the same, to the last ping and message.
    let lines: Vec<&str> = summary
        .ledger
        .iter()
        .map(|line| line.what.as_str())
        .collect();
    assert_eq!(
        lines,
        [
            "sockets",
            "pings",
            "pongs",
            "messages",
            "deliveries of messages",
            "messages between nodes"
        ]
    );
    for line in &summary.ledger {
        assert_eq!(line.verdict, Agreement::Agrees, "{line:?}");
    }
}

/// So many deliveries to the fifteen devices of n2 go wrong in mid-run.
fn with_fault(fault: &str) -> Finished {
    Run::to_its_end(&format!(
        r#"
        name = "faulty"
        duration = "6s"
        [cluster]
        nodes = 2
        [[devices]]
        name = "home"
        count = 30
        ramp = "100/s"
        heartbeat = "2s"
        [[publish]]
        name = "news"
        rate = "20/s"
        [[events]]
        at = "2s"
        do = "fault"
        node = "n2"
        fault = "{fault}"
        count = 37
        [[gates]]
        check = "messages.lost == 0"
        [[gates]]
        check = "messages.duplicated == 0"
        [[gates]]
        check = "messages.reordered == 0"
        "#
    ))
}

fn check_fault(fault: &str, expected: (u64, u64, u64)) -> Finished {
    let run = with_fault(fault);
    let summary = run.summary();
    let messages = messages(&summary);
    assert_messages_add_up(messages);
    assert_eq!(messages.due, 6 * 20 * 30);
    let found = (messages.lost, messages.duplicated, messages.reordered);
    assert_eq!(found, expected, "{}", run.stdout);
    assert_eq!(
        (summary.verdict, run.code),
        (Verdict::Failed, Some(3)),
        "{}",
        run.stdout
    );
    run
}

#[test]
fn deliveries_that_never_come_are_lost_and_counted() {
    let run = check_fault("drop-messages", (37, 0, 0));
    // The node believes it has delivered them: the ledger knows better.
    let summary = run.summary();
    let deliveries = |line: &&LedgerLine| line.what == "deliveries of messages";
    let line = summary.ledger.iter().find(deliveries).unwrap();
    assert_eq!((line.difference, line.verdict), (37, Agreement::Differs));
    let told = |problem: &String| problem.contains("the ledger does not agree on deliveries");
    assert!(summary.problems.iter().any(told), "{:?}", summary.problems);
}

#[test]
fn deliveries_that_come_twice_are_counted() {
    check_fault("duplicate-messages", (0, 37, 0));
}

#[test]
fn deliveries_out_of_order_are_counted() {
    check_fault("reorder-messages", (0, 0, 37));
}

/// What a dead node took along is not counted twice, nor as lost where nobody can
/// know; its devices subscribe again elsewhere.
#[test]
fn a_killed_node_s_subscribers_hear_again() {
    let run = Run::to_its_end(
        r#"
        name = "killed"
        duration = "12s"
        [cluster]
        nodes = 2
        [[devices]]
        name = "home"
        count = 40
        ramp = "100/s"
        heartbeat = "2s"
        reconnect = { first = "500ms", max = "1s", jitter = "full" }
        [[publish]]
        name = "news"
        rate = "20/s"
        publishers = 2
        [[events]]
        at = "4s"
        do = "kill-node"
        node = "n2"
        [[gates]]
        check = "sockets.open_at_end == 40"
        [[gates]]
        check = "messages.duplicated == 0"
        "#,
    );
    let summary = run.summary();
    let messages = messages(&summary);
    assert_messages_add_up(messages);
    // Both publishers went on at the node that is left.
    assert!(messages.published >= 12 * 20 - 2, "{messages:?}");
    assert_eq!(run.counted("sockets.reopened"), 20);
    assert_eq!(run.counted("subscriptions.confirmed"), 60);
    // Twenty devices heard all of it, the others all but the time of their move.
    assert!(messages.delivered >= 20 * 230 + 20 * 100, "{messages:?}");
    for line in &summary.ledger {
        assert_eq!(line.verdict, Agreement::Unknown, "{line:?}");
    }
}
