//! Assertions that hold for every run.

use highwater_reports::summary::{
    CommandSummary, HeartbeatSummary, LedgerLine, MessageSummary, Summary, TelemetrySummary,
    Verdict,
};

/// Texts by which a run reports that the harness was late.
const LATE: [&str; 4] = [
    " was late: send lag",
    " were late: send lag",
    " was silent for ",
    " were silent, ",
];
/// Further problems that lateness explains: less load than due, and nodes asked at
/// another moment, or so late that a node had lost its lease.
const BECAUSE_LATE: [&str; 4] = [
    " commands due were issued",
    " sockets open and the nodes ",
    "the ledger does not agree on messages between nodes",
    "the ledger does not agree on messages through the broker",
];

/// Returns the command metrics of a scenario that sends commands.
pub(crate) fn commands(summary: &Summary) -> &CommandSummary {
    let commands = summary.commands.as_ref();
    commands.expect("the scenario sends commands")
}

/// Returns the message metrics of a scenario that publishes messages.
pub(crate) fn messages(summary: &Summary) -> &MessageSummary {
    let messages = summary.messages.as_ref();
    messages.expect("the scenario publishes messages")
}

/// Returns the telemetry metrics of a scenario that sends telemetry.
pub(crate) fn telemetry(summary: &Summary) -> &TelemetrySummary {
    let telemetry = summary.telemetry.as_ref();
    telemetry.expect("the scenario has telemetry records")
}

/// Returns the line of the ledger about `subject`.
pub(crate) fn ledger_line<'s>(summary: &'s Summary, subject: &str) -> &'s LedgerLine {
    let line = summary.ledger.iter().find(|line| line.what == subject);
    line.unwrap_or_else(|| panic!("no {subject} in {:?}", summary.ledger))
}

/// Asserts that every command has exactly one outcome, known or lost.
pub(crate) fn assert_commands_add_up(commands: &CommandSummary) {
    let outcomes = commands.replied
        + commands.timed_out
        + commands.not_connected
        + commands.rejected
        + commands.failed
        + commands.lost;
    assert_eq!(commands.issued, outcomes, "{commands:?}");
    assert_eq!(
        commands.due,
        commands.issued + commands.dropped + commands.no_device,
        "{commands:?}"
    );
}

/// Asserts that every command has exactly one outcome, and none is lost.
pub(crate) fn assert_no_command_lost(commands: &CommandSummary) {
    assert_commands_add_up(commands);
    assert_eq!(commands.lost, 0, "{commands:?}");
}

/// Asserts that every command got its reply, because no fault was injected. If the
/// harness was late, a few commands may have timed out; they are counted.
pub(crate) fn assert_commands_replied(summary: &Summary) {
    let commands = commands(summary);
    assert_no_command_lost(commands);
    assert_eq!(commands.failed, 0, "{commands:?}");
    match was_only_late(summary) {
        false => assert_eq!(commands.replied, commands.due, "{commands:?}"),
        true => assert!(commands.replied * 2 > commands.due, "{commands:?}"),
    }
}

/// Asserts that every heartbeat that was due was acknowledged or missed, or was pending
/// when its socket was closed.
pub(crate) fn assert_heartbeats_add_up(heartbeats: &HeartbeatSummary, sockets: u64) {
    let ended = heartbeats.acknowledged + heartbeats.missed;
    assert!(heartbeats.due >= ended, "{heartbeats:?}");
    // A socket has at most one heartbeat that waits for its acknowledgement.
    assert!(heartbeats.due - ended <= sockets, "{heartbeats:?}");
}

/// Asserts that each message has one end, and each delivery due arrives or is lost.
pub(crate) fn assert_messages_add_up(messages: &MessageSummary) {
    let ends = messages.published + messages.dropped + messages.rejected + messages.unconfirmed;
    assert_eq!(messages.scheduled, ends, "{messages:?}");
    let deliveries = messages.delivered + messages.lost;
    assert_eq!(messages.due, deliveries, "{messages:?}");
    assert_eq!(messages.latency_ms.count, messages.service_ms.count);
}

/// Asserts that every telemetry record that was due was sent and accepted.
pub(crate) fn assert_all_accepted(telemetry: &TelemetrySummary, due: u64) {
    let through = (telemetry.due, telemetry.sent, telemetry.accepted);
    assert_eq!(through, (due, due, due), "{telemetry:?}");
}

/// Asserts that every gate holds.
pub(crate) fn assert_gates_hold(summary: &Summary) {
    assert!(
        !summary.gates.is_empty(),
        "a run without gates holds them all"
    );
    for gate in &summary.gates {
        assert_eq!(
            gate.verdict,
            Verdict::Passed,
            "{gate:?} {:?}",
            summary.problems
        );
    }
}

/// Whether the harness reports that it was late, so that late events may be its own fault.
pub(crate) fn was_late(summary: &Summary) -> bool {
    let mut problems = summary.problems.iter();
    problems.any(|problem| is_one_of(problem, &LATE))
}

/// Whether lateness explains every problem; any other problem would be a defect.
pub(crate) fn was_only_late(summary: &Summary) -> bool {
    let late = was_late(summary);
    for problem in &summary.problems {
        let explained = is_one_of(problem, &LATE) || (late && is_one_of(problem, &BECAUSE_LATE));
        assert!(explained, "{:?}", summary.problems);
    }
    late
}

fn is_one_of(problem: &str, kinds: &[&str]) -> bool {
    kinds.iter().any(|kind| problem.contains(kind))
}

/// Asserts that a problem of the report contains `text`.
pub(crate) fn assert_problem(summary: &Summary, text: &str) {
    let problems = &summary.problems;
    assert!(
        problems.iter().any(|problem| problem.contains(text)),
        "{text}: {problems:?}"
    );
}
