//! A run of everything at once without faults: all work that was due is done once, and
//! both ends count the same.

use highwater_reports::{
    record::RunEnd,
    summary::{Agreement, Summary},
};

use crate::harness::{
    CliRun, FinishedRun,
    checks::{
        assert_all_accepted, assert_heartbeats_add_up, assert_messages_add_up,
        assert_no_command_lost, commands, messages, telemetry,
    },
};

/// Uses two workers, so that devices of one receive messages of the other's publishers.
#[test]
fn run_without_faults_has_no_problems() {
    let run = CliRun::start_with(
        r#"
        name = "clean"
        duration = "6s"
        [cluster]
        nodes = 2
        consumers = 3
        [[devices]]
        name = "home"
        count = 100
        ramp = "100/s"
        heartbeat = "2s"
        [[commands]]
        name = "open"
        rate = "30/s"
        [[commands]]
        name = "closed"
        users = 20
        think = "1s"
        [[commands]]
        name = "stream"
        rate = "30/s"
        reply = "sse"
        [[publish]]
        name = "news"
        rate = "10/s"
        publishers = 3
        [[publish]]
        name = "rooms"
        from = "device"
        topics = 4
        publishers = 8
        rate = "20/s"
        [[telemetry]]
        rate = "100/s"
        [[gates]]
        check = "sockets.open_at_end == 100"
        [[gates]]
        check = "heartbeats.missed == 0"
        [[gates]]
        check = "commands.failed == 0"
        [[gates]]
        check = "messages.lost == 0"
        [[gates]]
        check = "messages.duplicated == 0"
        [[gates]]
        check = "messages.reordered == 0"
        [[gates]]
        check = "telemetry.lost == 0"
        "#,
        &["--workers", "2"],
    )
    .finish();
    run.assert_passed();
    let summary = run.summary();
    assert_eq!(summary.ended, RunEnd::Completed);
    sockets_are_even(&summary);
    commands_are_replied(&run, &summary);
    messages_reach_everyone(&run, &summary);
    telemetry_is_handled_once(&run, &summary);
    both_ends_counted_the_same(&summary);
}

fn sockets_are_even(summary: &Summary) {
    assert_eq!(summary.sockets.opened, 100);
    assert_eq!(summary.sockets.server_open_peak, Some(100));
    let nodes = summary.nodes.iter();
    let at_end: Vec<_> = nodes.map(|node| node.sockets_at_end).collect();
    assert_eq!(at_end, [Some(50), Some(50)]);
    assert_heartbeats_add_up(&summary.heartbeats, 100);
}

/// Covers REST and event streams, at the called node and at the other node.
fn commands_are_replied(run: &FinishedRun, summary: &Summary) {
    let commands = commands(summary);
    assert_no_command_lost(commands);
    assert_eq!(commands.replied, commands.due, "{commands:?}");
    // The open loads alone are 60/s for 6 s.
    assert!(commands.due > 360, "{commands:?}");
    let (same, cross) = (commands.same_node_ms.count, commands.cross_node_ms.count);
    assert_eq!(same + cross, commands.service_ms.count);
    // A fair coin lands this far from the middle once in a million runs.
    assert!(same.abs_diff(cross) < (same + cross) / 3, "{same} {cross}");
    let counted = run.counted("commands.same_node") + run.counted("commands.cross_node");
    assert_eq!(counted, commands.replied);
}

fn messages_reach_everyone(run: &FinishedRun, summary: &Summary) {
    let messages = messages(summary);
    assert_messages_add_up(messages);
    assert_eq!(messages.scheduled, 6 * 10 + 6 * 20);
    assert_eq!(messages.published, messages.scheduled);
    // Every subscriber of the news, and 24 of the 25 of a room: the sender gets no copy.
    assert_eq!(messages.due, 6 * 10 * 100 + 6 * 20 * 24);
    assert!(messages.latency_ms.count > 0);
    assert_eq!(run.counted("subscriptions.confirmed"), 100);
}

fn telemetry_is_handled_once(run: &FinishedRun, summary: &Summary) {
    let telemetry = telemetry(summary);
    assert_all_accepted(telemetry, 600);
    assert_eq!(telemetry.handled, Some(600), "{telemetry:?}");
    assert_eq!(telemetry.duplicated, Some(0), "{telemetry:?}");
    assert_eq!(telemetry.redelivered, Some(0), "{telemetry:?}");
    let lines = ["c1", "c2", "c3"].map(|consumer| run.journal(consumer));
    assert_eq!(lines.iter().sum::<u64>(), 600);
    assert!(lines.iter().all(|lines| *lines > 0), "{lines:?}");
    assert_eq!(summary.consumers.len(), 3);
}

/// Compares the counts of both ends, down to the last ping and message.
fn both_ends_counted_the_same(summary: &Summary) {
    let ledger = summary.ledger.iter();
    let lines: Vec<&str> = ledger.map(|line| line.what.as_str()).collect();
    assert_eq!(
        lines,
        [
            "sockets",
            "pings",
            "pongs",
            "commands",
            "replies",
            "messages",
            "deliveries of messages",
            "telemetry",
            "telemetry acceptances",
            "telemetry through the queue",
            "handled telemetry",
            "messages between nodes",
            "messages through the broker"
        ]
    );
    let (broker, others) = summary.ledger.split_last().expect("lines");
    for line in others {
        assert_eq!(line.verdict, Agreement::Agrees, "{line:?}");
    }
    // The embedded one counts nothing itself.
    assert_eq!(broker.verdict, Agreement::Unmeasured, "{broker:?}");
}
