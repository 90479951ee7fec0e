//! The ledger: counts of both ends that agree, differ or are unknown.

use highwater_reports::{
    record::{
        JournalCounts, RecordEvent, SourceRole,
        names::{counter, gauge},
    },
    summary::{Agreement, LedgerLine, Summary},
};

use crate::{
    run::{
        COMMANDS_PER_S, DRAIN_S, NODES, RAMP_S, STEADY_S, TestRun, WORKERS, action, line as sample,
    },
    telemetry,
};

const LAST: u64 = RAMP_S + STEADY_S + DRAIN_S - 1;
const COMMANDS: u64 = COMMANDS_PER_S * WORKERS * STEADY_S;

/// Creates a run in which each of both nodes accepted half of the commands.
fn counted() -> TestRun {
    let mut run = TestRun::clean();
    for node in 1..=NODES {
        set(&mut run, node, gauge::COMMANDS_TAKEN, COMMANDS / NODES);
        set(&mut run, node, gauge::COMMANDS_ANSWERED, COMMANDS / NODES);
        set(&mut run, node, gauge::UNICASTS_SENT, 100);
        set(&mut run, node, gauge::UNICASTS_RECEIVED, 100);
    }
    run
}

fn set(run: &mut TestRun, node: u64, name: &str, count: u64) {
    let id = format!("n{node}");
    let gauges = &mut run.line(SourceRole::Node, &id, LAST).gauges;
    gauges.insert(name.to_owned(), count as f64);
}

fn line<'s>(summary: &'s Summary, what: &str) -> &'s LedgerLine {
    let line = summary.ledger.iter().find(|line| line.what == what);
    line.unwrap_or_else(|| panic!("no {what} in {:?}", summary.ledger))
}

#[test]
fn equal_counts_are_no_problem() {
    let summary = counted().summary();
    let (unmeasured, measured): (Vec<&LedgerLine>, Vec<_>) = summary
        .ledger
        .iter()
        .partition(|line| line.verdict == Agreement::Unmeasured);
    let whats = |lines: &[&LedgerLine]| -> Vec<String> {
        lines.iter().map(|line| line.what.clone()).collect()
    };
    assert_eq!(
        whats(&measured),
        ["sockets", "commands", "replies", "messages between nodes"]
    );
    for line in measured {
        assert_eq!(line.verdict, Agreement::Agrees, "{line:?}");
        assert_eq!((line.difference, line.unsure), (Some(0), 0), "{line:?}");
    }
    // These nodes do not report pings.
    assert_eq!(whats(&unmeasured), ["pings", "pongs"]);
    for line in unmeasured {
        assert_eq!(
            (line.right.count, line.difference),
            (None, None),
            "{line:?}"
        );
    }
    assert_eq!(line(&summary, "commands").left.count, Some(COMMANDS));
    assert_eq!(summary.problems, Vec::<String>::new());
}

#[test]
fn difference_is_a_problem_with_both_counts() {
    let mut run = counted();
    set(&mut run, 2, gauge::COMMANDS_TAKEN, COMMANDS / NODES - 3);
    let summary = run.summary();
    let line = line(&summary, "commands");
    assert_eq!(
        (line.difference, line.verdict),
        (Some(-3), Agreement::Differs)
    );
    let problem = format!(
        "the ledger does not agree on commands: clients issued {COMMANDS}, nodes accepted {} (at most 0 can be explained)",
        COMMANDS - 3
    );
    assert!(
        summary.problems.contains(&problem),
        "{:?}",
        summary.problems
    );
}

/// A node may or may not have received a command that timed out.
#[test]
fn timed_out_commands_explain_as_many_and_no_more() {
    for (timed_out, verdict) in [(3, Agreement::Agrees), (2, Agreement::Differs)] {
        // The nodes count three commands less than the clients, whatever timed out.
        let mut run = counted();
        run.add_count("w1", RAMP_S, counter::COMMANDS_ISSUED, timed_out);
        run.add_count("w1", RAMP_S, counter::COMMANDS_TIMED_OUT, timed_out);
        set(
            &mut run,
            1,
            gauge::COMMANDS_TAKEN,
            COMMANDS / NODES - 3 + timed_out,
        );
        assert_eq!(line(&run.summary(), "commands").verdict, verdict);
    }
}

#[test]
fn message_that_no_node_received_is_a_difference() {
    let mut run = counted();
    set(&mut run, 1, gauge::UNICASTS_RECEIVED, 99);
    let summary = run.summary();
    let line = line(&summary, "messages between nodes");
    assert_eq!(
        (line.difference, line.verdict),
        (Some(-1), Agreement::Differs)
    );
}

#[test]
fn last_counts_of_a_dead_node_are_unknown() {
    let mut run = counted();
    run.add_event((RAMP_S + 3) as f64, action("kill-node", "n2"));
    let before = run.line(SourceRole::Node, "n2", RAMP_S + 2);
    for name in [
        gauge::COMMANDS_TAKEN,
        gauge::COMMANDS_ANSWERED,
        gauge::UNICASTS_SENT,
        gauge::UNICASTS_RECEIVED,
    ] {
        before.gauges.insert(name.to_owned(), 1.0);
    }
    run.intervals
        .retain(|line| line.source.id != "n2" || line.at < (RAMP_S + 3) as f64);
    let summary = run.summary();
    let measured = |line: &&LedgerLine| line.verdict != Agreement::Unmeasured;
    assert!(summary.ledger.iter().filter(measured).count() >= 4);
    for line in summary.ledger.iter().filter(measured) {
        assert_eq!(line.verdict, Agreement::Unknown, "{line:?}");
        assert!(line.note.as_ref().unwrap().contains("n2"), "{line:?}");
    }
    assert!(!summary.problems.iter().any(|text| text.contains("ledger")));
}

#[test]
fn last_counts_of_a_lost_worker_are_unknown() {
    let mut run = counted();
    let lost = RecordEvent::WorkerLost {
        id: "w2".to_owned(),
        reason: "gone".to_owned(),
    };
    run.add_event((RAMP_S + 3) as f64, lost);
    let summary = run.summary();
    assert_eq!(line(&summary, "commands").verdict, Agreement::Unknown);
}

/// The clients' counts cover all nodes, so they are not comparable without one of them.
#[test]
fn node_without_a_count_leaves_the_pair_unmeasured() {
    let mut run = counted();
    for line in &mut run.intervals {
        if line.source.id == "n2" {
            line.gauges.remove(gauge::SOCKETS_ACCEPTED);
            line.gauges.remove(gauge::SOCKETS_OPEN);
        }
    }
    let summary = run.summary();
    let sockets = line(&summary, "sockets");
    assert_eq!(
        (sockets.right.count, sockets.verdict),
        (None, Agreement::Unmeasured)
    );
    assert_eq!(line(&summary, "commands").verdict, Agreement::Agrees);
    assert_eq!(summary.problems, Vec::<String>::new());
}

/// Creates a run with telemetry that clients sent, sent again and saw accepted, that nodes
/// answered and accepted, and that a consumer handled.
fn with_telemetry(clients: [u64; 3], nodes: [u64; 2], handled: u64) -> TestRun {
    let mut run = counted();
    run.manifest.plan.telemetry.push(telemetry::load());
    for (name, count) in [
        (counter::TELEMETRY_SENT, clients[0]),
        (counter::TELEMETRY_RESENT, clients[1]),
        (counter::TELEMETRY_ACCEPTED, clients[2]),
    ] {
        run.add_count("w1", RAMP_S, name, count);
    }
    for node in 1..=NODES {
        set(&mut run, node, gauge::TELEMETRY_ANSWERED, nodes[0] / NODES);
        set(&mut run, node, gauge::TELEMETRY_ACCEPTED, nodes[1] / NODES);
    }
    for second in 0..=LAST {
        let reported = if second < RAMP_S { 0 } else { handled };
        let gauges = [
            (gauge::UP, 1.0),
            (gauge::STARTED_AT, 1.0),
            (gauge::TELEMETRY_HANDLED, reported as f64),
        ];
        let line = sample(SourceRole::Consumer, "c1", second as f64, 0.0, &gauges);
        run.intervals.push(line);
    }
    let journals = RecordEvent::Telemetry(JournalCounts {
        handled,
        duplicated: 0,
        redelivered: 0,
        unknown: 0,
        unreadable: 0,
        lost: Some(0),
    });
    run.add_event(LAST as f64, journals);
    run
}

const TELEMETRY: [&str; 4] = [
    "telemetry",
    "telemetry acceptances",
    "telemetry through the queue",
    "handled telemetry",
];

#[test]
fn telemetry_is_compared_at_every_step() {
    let summary = with_telemetry([500, 0, 500], [500, 500], 500).summary();
    for what in TELEMETRY {
        let line = line(&summary, what);
        assert_eq!(
            (line.difference, line.verdict),
            (Some(0), Agreement::Agrees),
            "{line:?}"
        );
    }
    // Ten records were rejected and sent again.
    let summary = with_telemetry([500, 10, 500], [510, 500], 500).summary();
    assert_eq!(line(&summary, "telemetry").difference, Some(0));

    // The queue lost four records.
    let summary = with_telemetry([500, 0, 500], [500, 500], 496).summary();
    let queue = line(&summary, "telemetry through the queue");
    assert_eq!(
        (queue.difference, queue.verdict),
        (Some(-4), Agreement::Differs)
    );
    // A record that was sent again may have been accepted twice.
    let summary = with_telemetry([500, 4, 500], [504, 504], 500).summary();
    let queue = line(&summary, "telemetry through the queue");
    assert_eq!((queue.unsure, queue.verdict), (4, Agreement::Agrees));
}

#[test]
fn consumer_journal_with_too_few_lines_is_a_difference() {
    let mut run = with_telemetry([500, 0, 500], [500, 500], 500);
    for second in RAMP_S..=LAST {
        let gauges = &mut run.line(SourceRole::Consumer, "c1", second).gauges;
        // The consumer counted three records that its journal lacks.
        gauges.insert(gauge::TELEMETRY_HANDLED.to_owned(), 503.0);
    }
    let summary = run.summary();
    let line = line(&summary, "handled telemetry");
    assert_eq!(
        (line.difference, line.verdict),
        (Some(-3), Agreement::Differs)
    );
}

#[test]
fn counts_of_a_dead_consumer_are_unknown_but_its_journal_counts() {
    let mut run = with_telemetry([500, 0, 500], [500, 500], 500);
    let killed = (RAMP_S + 3) as f64;
    run.intervals
        .retain(|line| line.source.id != "c1" || line.at < killed);
    let summary = run.summary();
    let verdicts = TELEMETRY.map(|what| line(&summary, what).verdict);
    let agrees = Agreement::Agrees;
    assert_eq!(verdicts, [agrees, agrees, agrees, Agreement::Unknown]);
}

/// Creates a run with a broker. The nodes sent `sent` messages, of which `control` are no
/// messages to the broker, and the broker counts `received`.
fn with_broker(sent: u64, control: u64, received: Option<u64>) -> TestRun {
    let mut run = counted();
    for second in 0..=LAST {
        let over = second >= RAMP_S;
        for node in 1..=NODES {
            // The nodes had sent some messages before the first sample.
            let count = 10 + if over { sent / NODES } else { 0 };
            let id = format!("n{node}");
            let gauges = &mut run.line(SourceRole::Node, &id, second).gauges;
            gauges.insert(gauge::BACKPLANE_SENT.to_owned(), count as f64);
            let messages = if over { (sent - control) / NODES } else { 0 };
            gauges.insert(gauge::UNICASTS_SENT.to_owned(), messages as f64);
            gauges.insert(gauge::UNICASTS_RECEIVED.to_owned(), messages as f64);
            gauges.insert(gauge::TOPICS_SENT.to_owned(), 0.0);
        }
        let mut gauges = vec![(gauge::UP, 1.0), (gauge::STARTED_AT, 1.0)];
        gauges.extend(received.map(|received| {
            // The broker ran before the cluster.
            let count = 70_000 + if over { received } else { 0 };
            (gauge::BROKER_PUBLISHED, count as f64)
        }));
        let line = sample(SourceRole::Broker, "broker", second as f64, 0.0, &gauges);
        run.intervals.push(line);
    }
    run
}

#[test]
fn broker_that_received_less_than_was_sent_is_a_problem() {
    for (received, verdict) in [
        (Some(200), Agreement::Agrees),
        // Ten of the 200 are control messages, which the broker may not count.
        (Some(190), Agreement::Agrees),
        (Some(189), Agreement::Differs),
        // Other users of the broker may have sent the surplus.
        (Some(5_000), Agreement::Unknown),
        (None, Agreement::Unmeasured),
    ] {
        let summary = with_broker(200, 10, received).summary();
        let line = line(&summary, "messages through the broker");
        assert_eq!(line.verdict, verdict, "{line:?}");
        assert_eq!((line.left.count, line.right.count), (Some(200), received));
    }
}

#[test]
fn nodes_without_counts_have_no_ledger() {
    let mut run = TestRun::clean();
    run.intervals
        .retain(|line| line.source.role != SourceRole::Node);
    assert_eq!(run.summary().ledger, []);
}
