//! Topic messages: the counts of subscribers, and the metrics computed from them.

use highwater_reports::{record::names::counter, summary::MessageSummary};
use highwater_scenarios::plan::PublishLoad;

use crate::run::{RAMP_S, STEADY_S, TestRun, plan_with};

/// Creates a clean run in which every message was published and delivered.
fn publishing() -> TestRun {
    let mut run = TestRun::clean();
    run.manifest.plan.publish.push(load());
    for (name, count) in [
        (counter::MESSAGES_SCHEDULED, 100),
        (counter::MESSAGES_PUBLISHED, 100),
        // Each of 1,000 devices receives each message.
        (counter::MESSAGES_DELIVERED, 100_000),
    ] {
        run.add_count("w1", RAMP_S, name, count);
    }
    run
}

/// Returns a topic that every device of the clean run subscribes to.
pub(crate) fn load() -> PublishLoad {
    let plan = plan_with("[[publish]]\nname = \"news\"\nrate = \"5/s\"");
    plan.publish.into_iter().next().unwrap()
}

fn messages(run: &TestRun) -> (MessageSummary, Vec<String>) {
    let summary = run.summary();
    (summary.messages.unwrap(), summary.problems)
}

#[test]
fn message_that_arrives_is_delivered() {
    let (messages, problems) = messages(&publishing());
    assert_eq!((messages.due, messages.delivered), (100_000, 100_000));
    assert_eq!((messages.lost, messages.reordered), (0, 0));
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(
        TestRun::clean().summary().messages,
        None,
        "nothing was published"
    );
}

#[test]
fn gap_is_lost_unless_a_late_message_fills_it() {
    let mut run = publishing();
    run.add_count("w1", RAMP_S + 3, counter::MESSAGES_MISSING, 10);
    run.add_count("w2", RAMP_S + 4, counter::MESSAGES_REORDERED, 4);
    run.add_count("w1", RAMP_S + 5, counter::MESSAGES_DUPLICATED, 2);
    let (messages, _) = messages(&run);
    // Four of the ten missing messages came late.
    assert_eq!(
        (messages.lost, messages.reordered, messages.duplicated),
        (6, 4, 2)
    );
    assert_eq!(messages.due, messages.delivered + messages.lost);
}

#[test]
fn message_missing_at_the_end_is_lost_only_if_all_were_sent() {
    let mut run = publishing();
    run.add_count(
        "w1",
        RAMP_S + STEADY_S,
        counter::MESSAGES_MISSING_AT_END,
        1_500,
    );
    assert_eq!(messages(&run).0.lost, 1_500);

    // The missing deliveries may be those of the message that was never sent.
    run.add_count("w1", RAMP_S + 1, counter::MESSAGES_SCHEDULED, 1);
    run.add_count("w1", RAMP_S + 1, counter::MESSAGES_DROPPED, 1);
    let (messages, problems) = messages(&run);
    assert_eq!((messages.lost, messages.due), (0, 100_000));
    let found = problems
        .iter()
        .any(|p| p.starts_with("1,500 deliveries were missing at the end"));
    assert!(found, "{problems:?}");
}

#[test]
fn loss_beside_unconfirmed_messages_is_doubtful() {
    let mut run = publishing();
    run.add_count("w1", RAMP_S + 1, counter::MESSAGES_SCHEDULED, 2);
    run.add_count("w1", RAMP_S + 1, counter::MESSAGES_UNCONFIRMED, 2);
    run.add_count("w1", RAMP_S + 3, counter::MESSAGES_MISSING, 1_000);
    let (messages, problems) = messages(&run);
    assert_eq!((messages.lost, messages.unconfirmed), (1_000, 2));
    let problem = "some of the 1,000 lost deliveries may belong to the 2 messages";
    assert!(
        problems.iter().any(|found| found.contains(problem)),
        "{problems:?}"
    );
}
