//! Messages of devices: each one sent has one outcome, and what does not add up is a problem.

use highwater_reports::{
    record::names::{counter, latency},
    summary::ExchangeSummary,
    verdict_text,
};
use highwater_scenarios::plan::MessageLoad;

use crate::run::{RAMP_S, TestRun};

/// Returns a load of messages with answers.
fn load() -> MessageLoad {
    let text = r#"
        name = "m"
        duration = "1m"
        [target]
        ws = "ws://host"
        [[devices]]
        name = "home"
        count = 1
        ramp = "1/s"
        [[messages]]
        rate = "100/s"
        send = "{ref}"
        expect = { text = "{ref}" }
    "#;
    let plan = highwater_scenarios::parse("m.toml", text, &[]);
    let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
    plan.messages.into_iter().next().unwrap()
}

/// Creates a clean run with these counts of messages.
fn with_messages(counts: &[(&str, u64)]) -> TestRun {
    let mut run = TestRun::clean();
    run.manifest.plan.messages.push(load());
    for (name, count) in counts {
        run.add_count("w1", RAMP_S, name, *count);
    }
    run
}

fn exchanges(run: &TestRun) -> (ExchangeSummary, Vec<String>) {
    let summary = run.summary();
    (summary.exchanges.unwrap(), summary.problems)
}

#[test]
fn message_with_each_outcome_adds_up() {
    let run = with_messages(&[
        (counter::EXCHANGES_DUE, 2_000),
        (counter::EXCHANGES_DROPPED, 3),
        (counter::EXCHANGES_SENT, 1_997),
        (counter::EXCHANGES_ANSWERED, 1_900),
        (counter::EXCHANGES_REJECTED, 50),
        (counter::EXCHANGES_TIMED_OUT, 30),
        (counter::EXCHANGES_LOST, 10),
        (counter::EXCHANGES_ONE_WAY, 7),
    ]);
    let (section, problems) = exchanges(&run);
    assert_eq!(
        (section.due, section.answered, section.lost),
        (2_000, 1_900, 10)
    );
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(TestRun::clean().summary().exchanges, None);
    let text = verdict_text(&run.summary());
    let line = "\n  exchanges   due 2,000, answered 1,900\n";
    assert!(text.contains(line), "{text}");
}

#[test]
fn messages_of_a_dead_worker_are_lost() {
    let run = with_messages(&[
        (counter::EXCHANGES_DUE, 100),
        (counter::EXCHANGES_SENT, 100),
        (counter::EXCHANGES_ANSWERED, 60),
    ]);
    assert_eq!(exchanges(&run).0.lost, 40);
}

#[test]
fn more_outcomes_than_messages_are_a_problem() {
    let run = with_messages(&[
        (counter::EXCHANGES_DUE, 5),
        (counter::EXCHANGES_NO_DEVICE, 3),
        (counter::EXCHANGES_SENT, 2),
        (counter::EXCHANGES_ANSWERED, 4),
    ]);
    let (section, problems) = exchanges(&run);
    assert_eq!(section.lost, 0);
    for text in [
        "messages of devices do not add up: 2 sent, 4 outcomes",
        "3 of 5 messages due were not sent, because no device of their pool was connected",
    ] {
        assert!(
            problems.iter().any(|problem| problem == text),
            "{problems:?}"
        );
    }
}

#[test]
fn run_without_an_answer_fails() {
    let run = with_messages(&[
        (counter::EXCHANGES_DUE, 10),
        (counter::EXCHANGES_SENT, 10),
        (counter::EXCHANGES_ONE_WAY, 4),
        (counter::EXCHANGES_TIMED_OUT, 6),
    ]);
    let failures = run.summary().target_failures;
    assert_eq!(failures, ["none of 6 messages of devices was answered"]);
}

#[test]
fn answers_have_times_of_the_steady_phase() {
    let mut run = with_messages(&[
        (counter::EXCHANGES_DUE, 1),
        (counter::EXCHANGES_SENT, 1),
        (counter::EXCHANGES_ANSWERED, 1),
    ]);
    run.add_latency(latency::EXCHANGE_RESPONSE, (RAMP_S + 1) as f64, &[12]);
    let (section, _) = exchanges(&run);
    assert_eq!(section.response_ms.count, 1);
    assert_eq!(section.service_ms.count, 0);
}
