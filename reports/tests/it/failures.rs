//! Failures in the summary, on the page and in words, and runs that say nothing.

use highwater_reports::{
    record::{
        FailureExample, RecordEvent, SourceRole,
        names::{counter, gauge},
    },
    summary::{FailureOrigin, Summary, Verdict},
    verdict_text, write_report,
};
use highwater_scenarios::plan::{PhaseWindow, SystemSpec};

use crate::run::{RAMP_S, STEADY_S, TestRun};

fn example(run: &mut TestRun, counter: &str, worker: &str, example: FailureExample) {
    run.add_event(
        3.5,
        RecordEvent::Failure {
            counter: counter.to_owned(),
            worker: worker.to_owned(),
            example,
        },
    );
}

fn answer(status: &str, body: &str) -> FailureExample {
    FailureExample {
        status: Some(status.to_owned()),
        body: Some(body.to_owned()),
        ..FailureExample::default()
    }
}

/// Returns a run in which one worker's handshakes are refused and both lose sockets.
fn failing() -> TestRun {
    let mut run = TestRun::clean();
    let refused = "connect.failed.status_401";
    run.add_count("w2", 3, refused, 15);
    run.add_count("w2", 4, refused, 25);
    example(
        &mut run,
        refused,
        "w2",
        answer("401 Unauthorized", "token expired"),
    );
    example(
        &mut run,
        refused,
        "w2",
        answer("401 Unauthorized", "token <b>revoked</b>"),
    );
    run.add_count("w1", 9, "disconnect.reset", 2);
    run.add_count("w2", 11, "disconnect.reset", 3);
    run.add_count("w1", 9, counter::DISCONNECT_ASKED, 900);
    run
}

#[test]
fn summary_has_count_time_workers_and_examples_of_each_kind() {
    let failures = failing().summary().failures;
    let [asked, refused, reset] = failures.as_slice() else {
        panic!("{failures:?}");
    };
    assert_eq!(
        (asked.kind.as_str(), asked.count),
        ("disconnect.closed_1012", 900)
    );
    assert_eq!(
        (refused.kind.as_str(), refused.count),
        ("connect.failed.status_401", 40)
    );
    assert_eq!((refused.first_s, refused.last_s), (3.0, 5.0));
    assert_eq!(
        (refused.origin, &refused.workers),
        (FailureOrigin::Target, &vec!["w2".to_owned()])
    );
    let example = refused.example.as_ref().unwrap();
    assert_eq!(example.body.as_deref(), Some("token expired"));
    assert_eq!(refused.further_examples.len(), 1);
    assert_eq!((reset.first_s, reset.last_s, reset.count), (9.0, 12.0, 5));
    assert_eq!(
        (&reset.workers, &reset.example),
        (&vec!["w1".to_owned(), "w2".to_owned()], &None)
    );
}

#[test]
fn failures_are_told_in_sentences() {
    let dir = tempfile::tempdir().unwrap();
    failing().write(dir.path());
    let report = write_report(dir.path()).unwrap();
    let text = verdict_text(&report.summary);
    let lines = "failures:\n\
                 - 40 handshakes were refused with 401 Unauthorized: \"token expired\" (only\n\
                 \x20   worker w2)\n\
                 - 5 sockets broke without a close frame\n";
    assert!(text.contains(lines), "{text}");
    // A request to reconnect is not a failure.
    assert!(!text.contains("1012"), "{text}");

    let page = std::fs::read_to_string(report.html).unwrap();
    for part in [
        "What failed",
        "401 Unauthorized: &quot;token expired&quot; (only worker w2)",
        "; also: &quot;token &lt;b&gt;revoked&lt;",
        "<td>target</td>",
        "<td>all</td>",
    ] {
        assert!(page.contains(part), "no {part}");
    }
    let junit = std::fs::read_to_string(report.junit).unwrap();
    assert!(
        junit.contains("40 handshakes were refused with 401"),
        "{junit}"
    );
}

/// A case: its name, a change of the clean run, the verdict, and a problem.
type NothingCase = (&'static str, fn(&mut TestRun), Verdict, &'static str);

#[test]
fn run_in_which_nothing_happened_does_not_pass() {
    let table: [NothingCase; 8] = [
        (
            "no socket opened",
            |run| {
                without(run, &["sockets.opened", "heartbeats", "commands"]);
                run.add_count("w1", 3, "connect.failed.status_200", 9);
                example(
                    run,
                    "connect.failed.status_200",
                    "w1",
                    answer("200 OK", "hello"),
                );
            },
            Verdict::Failed,
            "none of 1,000 sockets opened: they got 200 OK and no WebSocket: \"hello\"",
        ),
        (
            "no socket due",
            |run| without(run, &["sockets", "heartbeats", "commands"]),
            Verdict::Inconclusive,
            "none of the 1,000 sockets became due",
        ),
        (
            "no heartbeat answered",
            |run| {
                without(run, &["heartbeats.acknowledged"]);
                run.add_count("w1", 9, counter::HEARTBEATS_MISSED, 4_000);
            },
            Verdict::Failed,
            "none of 4,000 heartbeats was answered",
        ),
        (
            "no heartbeat answered or missed yet",
            |run| {
                without(run, &["heartbeats.acknowledged"]);
                let last = run.line(SourceRole::Worker, "w1", RAMP_S + STEADY_S + 1);
                last.gauges
                    .insert(gauge::HEARTBEATS_PENDING.to_owned(), 4_000.0);
            },
            Verdict::Inconclusive,
            "the run ended before one of 4,000 heartbeats was answered or missed",
        ),
        (
            "no command answered",
            |run| {
                without(run, &["commands.replied"]);
                run.add_count("w1", 9, counter::COMMANDS_TIMED_OUT, 400);
            },
            Verdict::Failed,
            "none of 400 commands got a reply: 400 commands got no answer in time",
        ),
        (
            "no command due",
            |run| without(run, &["commands"]),
            Verdict::Inconclusive,
            "no command became due",
        ),
        (
            "twice as many sockets at the clients",
            |run| nodes_count(run, 0.5),
            Verdict::Failed,
            "the nodes counted 500 sockets where the clients had 1,000 open",
        ),
        (
            "twice as many sockets at the nodes",
            |run| nodes_count(run, 2.0),
            Verdict::Failed,
            "the nodes counted 2,000 sockets where the clients had 1,000 open",
        ),
    ];
    for (name, change, verdict, problem) in table {
        let mut run = TestRun::clean();
        change(&mut run);
        let summary = run.summary();
        assert_eq!(summary.verdict, verdict, "{name}: {:?}", summary.problems);
        assert_problem(&summary, problem);
        let first = verdict_text(&summary);
        let first = first.split("\n\n").next().unwrap();
        let words = first.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(problem), "{name}: {words}");
    }
}

#[test]
fn gate_without_a_basis_is_inconclusive_with_its_reason() {
    let mut run = TestRun::clean();
    without(&mut run, &["commands"]);
    run.latencies
        .retain(|line| !line.tag.starts_with("commands"));
    run.add_gate("commands.failed == 0", None);
    run.add_gate("commands.response.p99 <= 50", None);
    run.add_gate("heartbeats.missed == 0", Some(PhaseWindow::Ramp));
    run.add_gate("heartbeats.missed == 0", None);
    run.add_gate("commands.issued >= 1", None);
    let summary = run.summary();
    let verdicts: Vec<_> = summary.gates.iter().map(|gate| gate.verdict).collect();
    use Verdict::{Inconclusive, Passed};
    assert_eq!(
        verdicts,
        [
            Inconclusive,
            Inconclusive,
            Inconclusive,
            Passed,
            Inconclusive
        ]
    );
    for reason in [
        "gate `commands.failed == 0`: commands.failed says nothing, because commands.issued is 0",
        "commands.response.p99 was not measured: nothing was timed",
        "heartbeats.missed says nothing, because heartbeats.due is 0",
    ] {
        assert_problem(&summary, reason);
    }
    let dir = tempfile::tempdir().unwrap();
    run.write(dir.path());
    let junit = write_report(dir.path()).unwrap().junit;
    let junit = std::fs::read_to_string(junit).unwrap();
    let error = "commands.failed == 0: is 0, limit 0: commands.failed says nothing, because \
                 commands.issued is 0";
    assert!(junit.contains(error), "{junit}");
}

#[test]
fn observed_process_that_goes_away_leaves_the_run_inconclusive() {
    let scenario = |observe: &str| {
        format!(
            "name = \"known\"\nduration = \"{STEADY_S}s\"\n[target]\n\
             ws = \"ws://h/ws?device={{device}}\"\nobserve = [{observe}]\n[[devices]]\n\
             name = \"home\"\ncount = 1000\nramp = \"200/s\"\nheartbeat = \"5s\"\n"
        )
    };
    let observed = |observe: &str| {
        let mut run = TestRun::clean();
        let plan = highwater_scenarios::parse("known.toml", &scenario(observe), &[]).unwrap();
        assert!(matches!(plan.system, SystemSpec::Target(_)));
        run.manifest.plan = plan;
        run
    };
    let by_pid = "{ name = \"n1\", pid = 7 }, { name = \"n2\", pid = 8 }";
    let mut run = observed(by_pid);
    assert_eq!(
        run.summary().verdict,
        Verdict::Passed,
        "{:?}",
        run.summary().problems
    );
    for second in RAMP_S + STEADY_S - 5..RAMP_S + STEADY_S + 2 {
        let line = run.line(SourceRole::Node, "n2", second);
        line.gauges = [(gauge::UP.to_owned(), 0.0)].into();
    }
    let summary = run.summary();
    assert_problem(
        &summary,
        "the observed process n2 was not found with the process id 8 at the end of the steady \
         phase",
    );
    let mut run =
        observed("{ name = \"n1\", prometheus = \"http://h/m\", sockets_metric = \"open\" }");
    run.intervals.retain(|line| line.source.id != "n2");
    for line in &mut run.intervals {
        if line.source.role == SourceRole::Node {
            line.gauges.remove(gauge::SOCKETS_OPEN);
        }
    }
    let summary = run.summary();
    assert_eq!(
        summary.verdict,
        Verdict::Inconclusive,
        "{:?}",
        summary.problems
    );
    assert_problem(
        &summary,
        "the observed process n1 did not show the metric `open` at http://h/m",
    );
}

/// Removes the counters whose names begin so.
fn without(run: &mut TestRun, counters: &[&str]) {
    let is_removed = |name: &str| counters.iter().any(|counter| name.starts_with(counter));
    for line in &mut run.intervals {
        line.counters.retain(|name, _| !is_removed(name));
        let is_open = |name: &str| name == gauge::SOCKETS_OPEN && is_removed("sockets.opened");
        line.gauges.retain(|name, _| !is_open(name));
    }
}

/// Multiplies the sockets that each node counts.
fn nodes_count(run: &mut TestRun, factor: f64) {
    for line in &mut run.intervals {
        if line.source.role == SourceRole::Node {
            let open = line.gauges.get_mut(gauge::SOCKETS_OPEN).unwrap();
            *open = (*open * factor).floor();
        }
    }
}

fn assert_problem(summary: &Summary, text: &str) {
    let problems = &summary.problems;
    assert!(
        problems.iter().any(|problem| problem.contains(text)),
        "{text}: {problems:?}"
    );
}
