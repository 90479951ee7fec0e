//! Verdicts and their reasons.

use expect_test::expect;
use highwater_reports::{
    record::{
        RecordEvent, RunEnd, SourceRole,
        names::{counter, gauge},
    },
    summary::Verdict,
    verdict_text,
};

use crate::run::{LatencyLine, TestRun};

/// A case: its name, a change of the clean run, the verdict, and a problem.
type VerdictCase = (&'static str, fn(&mut TestRun), Verdict, &'static str);

#[test]
fn verdict_is_the_first_that_applies() {
    let table: [VerdictCase; 16] = [
        ("clean", |_| {}, Verdict::Passed, ""),
        (
            "a gate that holds",
            |run| {
                run.add_gate("heartbeats.response.p99 <= 100", None);
            },
            Verdict::Passed,
            "",
        ),
        (
            "a gate that does not",
            |run| {
                run.add_gate("heartbeats.response.p99 <= 50", None);
            },
            Verdict::Failed,
            "",
        ),
        (
            "a gate without a measurement",
            |run| {
                run.add_gate("commands.service.p99 <= 50", None);
                run.latencies.clear();
            },
            Verdict::Inconclusive,
            "was not measured",
        ),
        (
            "late harness",
            late,
            Verdict::Inconclusive,
            "worker w1 was late",
        ),
        (
            "late harness, and a target that is far too slow",
            |run| {
                late(run);
                run.add_latency("heartbeats.response", 12.0, &[9_000; 100]);
                run.add_gate("heartbeats.response.max <= 50", None);
            },
            Verdict::Failed,
            "worker w1 was late",
        ),
        (
            "late harness that explains the whole excess",
            |run| {
                late(run);
                run.add_gate("heartbeats.response.p99 <= 50", None);
            },
            Verdict::Inconclusive,
            "could account for all",
        ),
        (
            "worker stalled once in a long run",
            |run| {
                // So many short lags that the p99 does not show the two long ones.
                run.add_latency("send_lag@w2", 8.0, &[1; 1000]);
                run.add_latency("send_lag@w2", 9.0, &[4_000, 2_000]);
            },
            Verdict::Inconclusive,
            "worker w2 was late: send lag p99 1 ms, longest 4 s",
        ),
        (
            "many late workers",
            |run| {
                add_workers(run);
                for number in 1..=5 {
                    let tag = format!("send_lag@w{number}");
                    run.latencies.retain(|line| line.tag != tag);
                    run.add_latency(&tag, 12.0, &[1, 1, 1, 60, 70 + number]);
                }
            },
            Verdict::Inconclusive,
            "5 of 6 workers were late: send lag p99 up to 75 ms on w5, longest 75 ms on w5",
        ),
        (
            "many silent workers",
            |run| {
                add_workers(run);
                run.intervals
                    .retain(|line| line.source.id == "w6" || !(8.0..14.0).contains(&line.at));
            },
            Verdict::Inconclusive,
            "5 of 6 workers were silent, w5 longest: for 6 s from 8 s",
        ),
        (
            "silent worker",
            |run| {
                run.intervals
                    .retain(|line| line.source.id != "w1" || !(8.0..14.0).contains(&line.at));
                run.add_gate("heartbeats.missed == 0", None);
                run.add_count("w2", 14, counter::HEARTBEATS_MISSED, 3);
            },
            Verdict::Inconclusive,
            "worker w1 was silent for 6 s from 8 s",
        ),
        (
            "worker lost",
            |run| {
                run.intervals
                    .retain(|line| line.source.id != "w2" || line.at < 12.0);
                run.add_count("w2", 11, counter::COMMANDS_ISSUED, 6);
                run.add_event(
                    12.0,
                    RecordEvent::WorkerLost {
                        id: "w2".to_owned(),
                        reason: "connection closed".to_owned(),
                    },
                );
            },
            Verdict::Inconclusive,
            "worker w2 was lost at 12 s: connection closed",
        ),
        (
            "no ports",
            |run| {
                run.add_count("w1", 3, counter::SOCKETS_DUE, 50);
                run.add_count("w1", 3, "connect.failed.no_port", 50);
                run.add_gate("sockets.failed == 0", None);
            },
            Verdict::Inconclusive,
            "no free port or file",
        ),
        (
            "target refuses connections",
            |run| {
                run.add_count("w1", 3, counter::SOCKETS_DUE, 50);
                run.add_count("w1", 3, "connect.failed.refused", 50);
                run.add_gate("sockets.failed == 0", None);
            },
            Verdict::Failed,
            "",
        ),
        (
            "arrivals dropped",
            |run| {
                run.add_count("w1", 9, counter::COMMANDS_DUE, 50);
                run.add_count("w1", 9, counter::COMMANDS_DROPPED, 50);
            },
            Verdict::Inconclusive,
            "400 of 450 commands due were issued",
        ),
        (
            "interrupted",
            |run| {
                run.events.pop();
                run.add_event(
                    27.0,
                    RecordEvent::End {
                        ended: RunEnd::Interrupted,
                    },
                );
                run.add_gate("heartbeats.due >= 100000", None);
            },
            Verdict::Inconclusive,
            "the run was interrupted",
        ),
    ];
    for (name, change, expected, reason) in table {
        let mut run = TestRun::clean();
        change(&mut run);
        let summary = run.summary();
        assert_eq!(summary.verdict, expected, "{name}: {:?}", summary.problems);
        let found = summary
            .problems
            .iter()
            .any(|problem| problem.contains(reason));
        assert!(found || reason.is_empty(), "{name}: {:?}", summary.problems);
    }
}

#[test]
fn commands_of_a_lost_worker_are_lost() {
    let mut run = TestRun::clean();
    run.intervals
        .retain(|line| line.source.id != "w2" || line.at < 12.0);
    run.add_count("w2", 11, counter::COMMANDS_ISSUED, 6);
    let summary = run.summary();
    let commands = summary.commands.as_ref().unwrap();
    assert_eq!(commands.lost, 6);
    assert_eq!(commands.issued, commands.replied + commands.lost);
    assert_eq!(summary.verdict, Verdict::Inconclusive);
}

#[test]
fn rows_of_ten_seconds_are_no_silence() {
    let mut run = TestRun::clean();
    run.intervals
        .retain(|line| line.source.role != SourceRole::Worker || line.at < 5.0);
    let mut line = run.line(SourceRole::Worker, "w1", 4).clone();
    // The harness writes rows of ten seconds late in a run.
    for at in [5.0, 15.0] {
        (line.at, line.length) = (at, 10.0);
        run.intervals.push(line.clone());
    }
    let problems = run.summary().problems;
    assert!(
        !problems.iter().any(|p| p.contains("w1 was silent")),
        "{problems:?}"
    );
}

#[test]
fn text_fits_a_screen() {
    let mut run = TestRun::clean();
    run.add_gate("heartbeats.response.p99 <= 50", None);
    run.add_gate("cost_per_socket.node_rss <= 4096", None);
    run.add_gate("commands.failed == 0", None);
    run.manifest.plan.gates[2].name = "no command fails".to_owned();
    run.manifest.plan.gates[2].during = Some(highwater_scenarios::plan::PhaseWindow::Steady);
    expect![[r#"
        known failed: 1 of 3 gates does not hold (27 s).

          sockets     opened 1,000, failed 0, connect time p50 2 ms, p99 4 ms
          heartbeats  due 4,000, missed 0, response time p50 50 ms, p99 99 ms
          commands    due 400, replied 400, response time p50 5 ms, p99 7 ms
          node n1     peak sockets 500, RSS 9.54 MiB, heap 2.34 MiB, open files 512
          node n2     peak sockets 500, RSS 18.1 MiB, heap 4.24 MiB, open files 512
          per socket  node memory (RSS) 1.95 KiB ±0 B, node heap 900 B ±0 B

          failed  heartbeats.response.p99           99 ms  <= 50 ms
          passed  cost_per_socket.node_rss       1.95 KiB  <= 4 KiB
          passed  commands.failed during steady         0  == 0      no command fails
    "#]]
    .assert_eq(&verdict_text(&run.summary()));

    late(&mut run);
    for second in 4..25 {
        let gauges = &mut run.line(SourceRole::Node, "n1", second).gauges;
        gauges.insert(gauge::SOCKETS_OPEN.to_owned(), 470.0);
    }
    run.manifest.plan.gates.truncate(1);
    expect![[r#"
        known is inconclusive: worker w1 was late: send lag p99 80.1 ms, longest 80.1
          ms (limit 10 ms) (27 s).

          sockets     opened 1,000, failed 0, connect time p50 2 ms, p99 4 ms
          heartbeats  due 4,000, missed 0, response time p50 50 ms, p99 99 ms
          commands    due 400, replied 400, response time p50 5 ms, p99 7 ms
          node n1     peak sockets 470, RSS 9.54 MiB, heap 2.34 MiB, open files 512
          node n2     peak sockets 500, RSS 18.1 MiB, heap 4.24 MiB, open files 512
          per socket  node memory (RSS) 2.01 KiB ±186 B, node heap 925 B ±83.6 B

          inconclusive  heartbeats.response.p99  99 ms  <= 50 ms
        problems:
        - gate `heartbeats.response.p99 <= 50`: a worker's own stall of 80.1 ms could
            account for all of the 49 ms too much
        - at the end of the steady phase the clients had 1,000 sockets open and the
            nodes 970
    "#]]
    .assert_eq(&verdict_text(&run.summary()));
}

/// Makes one worker up to 80 ms late.
/// Adds four workers that report as often as the first one, and have nothing to count.
fn add_workers(run: &mut TestRun) {
    let of_first: Vec<_> = run
        .intervals
        .iter()
        .filter(|line| line.source.id == "w1")
        .cloned()
        .collect();
    for number in 3..=6 {
        run.intervals
            .extend(of_first.iter().cloned().map(|mut line| {
                line.source.id = format!("w{number}");
                line.counters.clear();
                line.gauges.clear();
                line
            }));
    }
}

fn late(run: &mut TestRun) {
    run.latencies
        .retain(|line: &LatencyLine| line.tag != "send_lag@w1");
    run.add_latency("send_lag@w1", 12.0, &[1, 1, 1, 60, 80]);
}
