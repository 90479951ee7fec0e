//! The metrics of a run whose metrics are known.

use highwater_reports::{
    record::{
        SourceRole,
        names::{counter, gauge},
    },
    summary::{Distribution, Verdict},
};
use highwater_scenarios::plan::PhaseWindow;

use crate::run::{self, TestRun};

#[test]
fn clean_run_has_the_counters_and_peaks_of_its_record() {
    let summary = TestRun::clean().summary();
    assert_eq!(summary.problems, Vec::<String>::new());
    assert_eq!(summary.verdict, Verdict::Passed);
    assert_eq!(summary.duration_s, 27.0);

    let sockets = &summary.sockets;
    assert_eq!(
        (sockets.requested, sockets.opened, sockets.failed),
        (1000, 1000, 0)
    );
    assert_eq!(sockets.open_peak, 1000);
    assert_eq!(sockets.open_at_end, Some(1000), "before the drain");
    assert_eq!(sockets.server_open_peak, Some(1000));
    assert_eq!(sockets.connect_rate_per_s, Some(200.0));
    // Four durations in each second of the ramp.
    assert_eq!(sockets.connect_ms.count, 20);

    let heartbeats = &summary.heartbeats;
    // 1,000 sockets with a heartbeat every 5 s, for 20 s.
    assert_eq!((heartbeats.due, heartbeats.acknowledged), (4000, 4000));
    assert_eq!((heartbeats.missed, heartbeats.late), (0, 0));

    let commands = summary.commands.unwrap();
    assert_eq!(
        (commands.issued, commands.replied, commands.lost),
        (400, 400, 0)
    );
    assert_eq!(commands.same_node_ms.count, 40);

    let node = &summary.nodes[1];
    assert_eq!((node.id.as_str(), node.sockets_peak), ("n2", Some(500)));
    // 18 MB without sockets, and 2,000 bytes for each of 500.
    assert_eq!(node.rss_peak, Some(19_000_000));
    assert_eq!(node.restarts, Some(0));
    assert!((node.cpu_s.unwrap() - 26.0 * 0.2).abs() < 1e-9, "{node:?}");
    assert_eq!(summary.workers[0].send_lag_ms.count, 20);
    assert_eq!(summary.balance.unwrap().jain_at_end, Some(1.0));
}

#[test]
fn percentiles_have_three_exact_digits() {
    let summary = TestRun::clean().summary();
    let times = summary.heartbeats.response_ms;
    assert_eq!(times.count, 2000);
    for (found, expected) in [
        (times.mean, 50.5),
        (times.p50, 50.0),
        (times.p90, 90.0),
        (times.p99, 99.0),
        (times.p999, 100.0),
        (times.max, 100.0),
    ] {
        assert!(
            (found.unwrap() / expected - 1.0).abs() < 1e-3,
            "{found:?} {expected}"
        );
    }
}

#[test]
fn unmeasured_metric_is_null() {
    let mut run = TestRun::clean();
    for line in &mut run.intervals {
        line.gauges.remove(gauge::HEAP);
        line.gauges.remove(gauge::STARTED_AT);
    }
    run.manifest.plan.commands.clear();
    run.latencies.clear();
    let summary = run.summary();
    assert_eq!(summary.commands, None);
    assert_eq!(summary.nodes[0].heap_peak, None);
    assert_eq!(summary.nodes[0].restarts, None);
    assert_eq!(summary.cost_per_socket.node_heap, None);
    assert_eq!(summary.heartbeats.response_ms, Distribution::default());
}

#[test]
fn distribution_covers_the_steady_phase_and_connects_the_run() {
    let mut run = TestRun::clean();
    // A heartbeat in the ramp does not count, a connect in the steady phase does.
    run.add_latency("heartbeats.response", 2.0, &[60_000]);
    run.add_latency("connect", 20.0, &[500]);
    let summary = run.summary();
    assert_eq!(summary.heartbeats.response_ms.count, 2000);
    assert_eq!(summary.sockets.connect_ms.count, 21);
}

#[test]
fn gate_with_during_covers_only_its_window() {
    let mut run = TestRun::clean();
    run.add_count("w1", 2, counter::HEARTBEATS_MISSED, 3);
    run.add_count("w1", 2, counter::HEARTBEATS_DUE, 3);
    run.add_count("w1", 10, counter::HEARTBEATS_MISSED, 4);
    run.add_count("w1", 10, counter::HEARTBEATS_DUE, 4);
    run.add_gate("heartbeats.missed <= 7", None);
    run.add_gate("heartbeats.missed <= 7", Some(PhaseWindow::Ramp));
    run.add_gate("heartbeats.missed <= 7", Some(PhaseWindow::Steady));
    run.add_gate("sockets.connect.count <= 7", Some(PhaseWindow::Steady));
    let found: Vec<_> = run.summary().gates.iter().map(|gate| gate.actual).collect();
    assert_eq!(found, [Some(7.0), Some(3.0), Some(4.0), Some(0.0)]);
}

#[test]
fn cpu_time_is_summed_over_a_restart() {
    let mut run = TestRun::clean();
    for second in 15..27 {
        let gauges = &mut run.line(SourceRole::Node, "n1", second).gauges;
        gauges.insert(gauge::STARTED_AT.to_owned(), 1.8e9 + 15.0);
        gauges.insert(gauge::CPU.to_owned(), (second - 15) as f64 * 0.2 + 0.1);
    }
    let node = run.summary().nodes[0].clone();
    assert_eq!(node.restarts, Some(1));
    // 0.5 to 3.3 before, then from 0 to 2.3.
    assert!((node.cpu_s.unwrap() - (2.8 + 2.3)).abs() < 1e-9, "{node:?}");
}

#[test]
fn different_socket_counts_of_both_ends_are_a_problem() {
    let mut run = TestRun::clean();
    // 30 of its 500 sockets are unknown to n1.
    for second in 4..25 {
        let gauges = &mut run.line(SourceRole::Node, "n1", second).gauges;
        gauges.insert(gauge::SOCKETS_OPEN.to_owned(), 470.0);
    }
    let problems = run.summary().problems;
    assert!(
        problems
            .iter()
            .any(|p| p.contains("1,000 sockets open and the nodes 970")),
        "{problems:?}"
    );
}

#[test]
fn heartbeats_without_an_outcome_are_a_problem_unless_pending() {
    let mut run = TestRun::clean();
    run.add_count("w1", 24, counter::HEARTBEATS_DUE, 5);
    let problems = run.summary().problems;
    assert!(
        problems[0].starts_with("heartbeats do not add up"),
        "{problems:?}"
    );
    let last = run::RAMP_S + run::STEADY_S + run::DRAIN_S - 1;
    let gauges = &mut run.line(SourceRole::Worker, "w1", last).gauges;
    gauges.insert(gauge::HEARTBEATS_PENDING.to_owned(), 5.0);
    assert_eq!(run.summary().problems, Vec::<String>::new());
}
