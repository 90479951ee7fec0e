//! Failed, inconclusive or passed, and why.

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

/// A run, what is wrong with it, and what must be made of it.
type VerdictCase = (&'static str, fn(&mut TestRun), Verdict, &'static str);

#[test]
fn the_verdict_is_the_first_that_applies() {
    let table: [VerdictCase; 14] = [
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
            "nothing to measure it by",
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
            "late harness, target far too slow",
            |run| {
                late(run);
                run.add_latency("heartbeats.response", 12.0, &[9_000; 100]);
                run.add_gate("heartbeats.response.max <= 50", None);
            },
            Verdict::Failed,
            "worker w1 was late",
        ),
        (
            "late harness, its own lateness would do",
            |run| {
                late(run);
                run.add_gate("heartbeats.response.p99 <= 50", None);
            },
            Verdict::Inconclusive,
            "could account for all",
        ),
        (
            "stopped once in a long run",
            |run| {
                run.add_latency("send_lag@w2", 8.0, &[1; 1000]);
                run.add_latency("send_lag@w2", 9.0, &[4_000, 2_000]);
            },
            Verdict::Inconclusive,
            "worker w2 was late: send lag p99 1 ms, longest 4 s",
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
            "found no free port or file",
        ),
        (
            "the target refuses",
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
fn lines_of_ten_seconds_are_no_silence() {
    let mut run = TestRun::clean();
    run.intervals
        .retain(|line| line.source.role != SourceRole::Worker || line.at < 5.0);
    let mut line = run.line(SourceRole::Worker, "w1", 4).clone();
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
fn the_text_fits_a_screen() {
    let mut run = TestRun::clean();
    run.add_gate("heartbeats.response.p99 <= 50", None);
    run.add_gate("cost_per_socket.node_rss <= 4096", None);
    run.add_gate("commands.failed == 0", None);
    run.manifest.plan.gates[2].name = "no command fails".to_owned();
    run.manifest.plan.gates[2].during = Some(highwater_scenarios::plan::PhaseWindow::Steady);
    expect![[r#"
        known failed: 1 of 3 gates does not hold (27 s).

          sockets     1,000 of 1,000 opened, 200/s; connect p50 2 ms, p99 4 ms
          heartbeats  4,000 due, 0 missed; response p50 50 ms, p99 99 ms
          commands    400 of 400 replied; response p50 5 ms, p99 7 ms
          node n1     500 sockets, 9.54 MiB resident, 2.34 MiB heap, 512 files
          node n2     500 sockets, 18.1 MiB resident, 4.24 MiB heap, 512 files
          a socket    costs 1.95 KiB of node memory (1.95 KiB to 1.95 KiB), 900 B of h…

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

          sockets     1,000 of 1,000 opened, 200/s; connect p50 2 ms, p99 4 ms
          heartbeats  4,000 due, 0 missed; response p50 50 ms, p99 99 ms
          commands    400 of 400 replied; response p50 5 ms, p99 7 ms
          node n1     470 sockets, 9.54 MiB resident, 2.34 MiB heap, 512 files
          node n2     500 sockets, 18.1 MiB resident, 4.24 MiB heap, 512 files
          a socket    costs 2.01 KiB of node memory (1.83 KiB to 2.19 KiB), 925 B of h…

          inconclusive  heartbeats.response.p99  99 ms  <= 50 ms
        problems:
        - gate `heartbeats.response.p99 <= 50`: a worker's own stall of 80.1 ms could
            account for all of the 49 ms too much
        - at the end of the steady phase the clients had 1,000 sockets open and the
            nodes 970
    "#]]
    .assert_eq(&verdict_text(&run.summary()));
}

/// One worker was up to 80 ms late.
fn late(run: &mut TestRun) {
    run.latencies
        .retain(|line: &LatencyLine| line.tag != "send_lag@w1");
    run.add_latency("send_lag@w1", 12.0, &[1, 1, 1, 60, 80]);
}
