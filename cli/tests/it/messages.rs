//! Messages to topics: injected losses, duplicates and reorderings are counted exactly,
//! and the messages of a dead node are not invented.

use highwater_reports::summary::Agreement;

use crate::harness::{
    CliRun,
    checks::{
        assert_gates_hold, assert_messages_add_up, assert_problem, ledger_line, messages, was_late,
    },
};

/// Different numbers of deliveries to the fifteen devices of n2 never come, come
/// twice, and come after the next.
#[test]
fn deliveries_that_go_wrong_are_counted_exactly() {
    let run = CliRun::run_to_end(
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
        at = "1s"
        do = "fault"
        node = "n2"
        fault = "drop-messages"
        count = 37
        [[events]]
        at = "2500ms"
        do = "fault"
        node = "n2"
        fault = "duplicate-messages"
        count = 23
        [[events]]
        at = "4s"
        do = "fault"
        node = "n2"
        fault = "reorder-messages"
        count = 11
        [[gates]]
        check = "messages.lost == 0"
        [[gates]]
        check = "messages.duplicated == 0"
        [[gates]]
        check = "messages.reordered == 0"
        "#,
    );
    run.assert_failed();
    let summary = run.summary();
    let messages = messages(&summary);
    assert_messages_add_up(messages);
    assert_eq!(messages.scheduled, 6 * 20);
    // A late harness leaves the last messages unsent, and some arrive too late.
    if !was_late(&summary) {
        assert_eq!(messages.due, 6 * 20 * 30, "{messages:?}");
    }
    let found = (messages.lost, messages.duplicated, messages.reordered);
    assert_eq!(found, (37, 23, 11), "{}", run.stdout);
    let gates: Vec<_> = summary.gates.iter().map(|gate| gate.actual).collect();
    assert_eq!(gates, [Some(37.0), Some(23.0), Some(11.0)]);
    // The node counts the dropped messages as delivered, and the devices do not.
    let line = ledger_line(&summary, "deliveries of messages");
    assert_eq!(
        (line.difference, line.verdict),
        (Some(37), Agreement::Differs)
    );
    assert_problem(&summary, "the ledger does not agree on deliveries");
}

/// Messages to a killed node are not counted twice, nor as lost where loss cannot be
/// known. Its devices subscribe again on other nodes.
#[test]
fn subscribers_of_a_killed_node_receive_again() {
    let run = CliRun::run_to_end(
        r#"
        name = "killed"
        duration = "9s"
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
        at = "3s"
        do = "kill-node"
        node = "n2"
        [[gates]]
        check = "sockets.open_at_end == 40"
        [[gates]]
        check = "messages.duplicated == 0"
        "#,
    );
    let summary = run.summary();
    assert_gates_hold(&summary);
    let messages = messages(&summary);
    assert_messages_add_up(messages);
    // Both publishers went on at the node that is left.
    assert!(messages.published >= 9 * 20 - 2, "{messages:?}");
    assert_eq!(run.counted("sockets.reopened"), 20);
    assert_eq!(run.counted("subscriptions.confirmed"), 60);
    // Twenty devices receive all messages, the others all except those during their move.
    assert!(messages.delivered >= 20 * 170 + 20 * 80, "{messages:?}");
    let (broker, others) = summary.ledger.split_last().expect("lines");
    assert_eq!(broker.verdict, Agreement::Unmeasured, "{broker:?}");
    for line in others {
        assert_eq!(line.verdict, Agreement::Unknown, "{line:?}");
    }
}
