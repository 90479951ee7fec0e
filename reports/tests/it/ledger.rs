//! What both ends counted agrees, differs, or cannot be told.

use highwater_reports::{
    record::{
        Occurrence, Role,
        names::{counter, gauge},
    },
    summary::{Agreement, LedgerLine, Summary},
};

use crate::run::{COMMANDS_PER_S, DRAIN_S, NODES, RAMP_S, Run, STEADY_S, WORKERS, action};

const LAST: u64 = RAMP_S + STEADY_S + DRAIN_S - 1;
const COMMANDS: u64 = COMMANDS_PER_S * WORKERS * STEADY_S;

/// Both nodes have taken their half of the commands.
fn counted() -> Run {
    let mut run = Run::clean();
    for node in 1..=NODES {
        set(&mut run, node, gauge::COMMANDS_TAKEN, COMMANDS / NODES);
        set(&mut run, node, gauge::COMMANDS_ANSWERED, COMMANDS / NODES);
        set(&mut run, node, gauge::UNICASTS_SENT, 100);
        set(&mut run, node, gauge::UNICASTS_RECEIVED, 100);
    }
    run
}

fn set(run: &mut Run, node: u64, name: &str, count: u64) {
    let id = format!("n{node}");
    let gauges = &mut run.line(Role::Node, &id, LAST).gauges;
    gauges.insert(name.to_owned(), count as f64);
}

fn line<'s>(summary: &'s Summary, what: &str) -> &'s LedgerLine {
    let line = summary.ledger.iter().find(|line| line.what == what);
    line.unwrap_or_else(|| panic!("no {what} in {:?}", summary.ledger))
}

#[test]
fn what_agrees_is_no_problem() {
    let summary = counted().summary();
    let whats: Vec<&str> = summary
        .ledger
        .iter()
        .map(|line| line.what.as_str())
        .collect();
    assert_eq!(
        whats,
        ["sockets", "commands", "replies", "messages between nodes"]
    );
    for line in &summary.ledger {
        assert_eq!(line.verdict, Agreement::Agrees, "{line:?}");
        assert_eq!((line.difference, line.unsure), (0, 0), "{line:?}");
    }
    assert_eq!(line(&summary, "commands").left.count, COMMANDS);
    assert_eq!(summary.problems, Vec::<String>::new());
}

#[test]
fn a_difference_is_a_problem_with_both_counts() {
    let mut run = counted();
    set(&mut run, 2, gauge::COMMANDS_TAKEN, COMMANDS / NODES - 3);
    let summary = run.summary();
    let line = line(&summary, "commands");
    assert_eq!((line.difference, line.verdict), (-3, Agreement::Differs));
    let problem = format!(
        "the ledger does not agree on commands: clients issued {COMMANDS}, nodes took {} (at most 0 can be explained)",
        COMMANDS - 3
    );
    assert!(
        summary.problems.contains(&problem),
        "{:?}",
        summary.problems
    );
}

/// A node may or may not have had what the client gave up on.
#[test]
fn what_was_given_up_explains_as_much_and_no_more() {
    for (given_up, verdict) in [(3, Agreement::Agrees), (2, Agreement::Differs)] {
        let mut run = counted();
        run.count("w1", RAMP_S, counter::COMMANDS_ISSUED, given_up);
        run.count("w1", RAMP_S, counter::COMMANDS_TIMED_OUT, given_up);
        set(
            &mut run,
            1,
            gauge::COMMANDS_TAKEN,
            COMMANDS / NODES - 3 + given_up,
        );
        assert_eq!(line(&run.summary(), "commands").verdict, verdict);
    }
}

#[test]
fn a_message_that_one_node_sent_and_none_received_shows() {
    let mut run = counted();
    set(&mut run, 1, gauge::UNICASTS_RECEIVED, 99);
    let summary = run.summary();
    let line = line(&summary, "messages between nodes");
    assert_eq!((line.difference, line.verdict), (-1, Agreement::Differs));
}

#[test]
fn what_a_dead_node_counted_last_is_not_known() {
    let mut run = counted();
    run.event((RAMP_S + 3) as f64, action("kill-node", "n2"));
    run.intervals
        .retain(|line| line.source.id != "n2" || line.at < (RAMP_S + 3) as f64);
    let summary = run.summary();
    for line in &summary.ledger {
        assert_eq!(line.verdict, Agreement::Unknown, "{line:?}");
        assert!(line.note.as_ref().unwrap().contains("n2"), "{line:?}");
    }
    assert!(!summary.problems.iter().any(|text| text.contains("ledger")));
}

#[test]
fn nor_is_what_a_lost_worker_counted() {
    let mut run = counted();
    let lost = Occurrence::WorkerLost {
        id: "w2".to_owned(),
        reason: "gone".to_owned(),
    };
    run.event((RAMP_S + 3) as f64, lost);
    let summary = run.summary();
    assert_eq!(line(&summary, "commands").verdict, Agreement::Unknown);
}

/// The clients' counts are of all nodes: without one of them nothing can be compared.
#[test]
fn a_node_that_does_not_count_leaves_nothing_to_compare() {
    let mut run = counted();
    for line in &mut run.intervals {
        if line.source.id == "n2" {
            line.gauges.remove(gauge::SOCKETS_ACCEPTED);
            line.gauges.remove(gauge::SOCKETS_OPEN);
        }
    }
    let summary = run.summary();
    let sockets = summary.ledger.iter().find(|line| line.what == "sockets");
    assert_eq!(sockets, None);
    assert_eq!(line(&summary, "commands").verdict, Agreement::Agrees);
    assert_eq!(summary.problems, Vec::<String>::new());
}

#[test]
fn nodes_that_count_nothing_have_no_ledger() {
    let mut run = Run::clean();
    run.intervals.retain(|line| line.source.role != Role::Node);
    assert_eq!(run.summary().ledger, []);
}
