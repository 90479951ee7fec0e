//! Faults of known size must be found, in full.
//!
//! The runs are short and small: they show that the measurement is right, and not that
//! anything is fast.

use highwater_reports::record::RunEnd;
use nix::sys::signal::{Signal, kill};

use crate::harness::{
    CliRun,
    checks::{
        assert_commands_add_up, assert_heartbeats_add_up, assert_no_command_lost, assert_problem,
        commands, was_late, was_only_late,
    },
    eventually, last_interval_at,
};

#[test]
fn stall_of_a_node_shows_in_full() {
    let run = CliRun::run_to_end(
        r#"
        name = "stall"
        duration = "6s"
        [cluster]
        nodes = 1
        [[devices]]
        name = "home"
        count = 50
        ramp = "100/s"
        heartbeat = "2s"
        [[commands]]
        name = "read"
        rate = "200/s"
        timeout = "10s"
        [[events]]
        at = "2s"
        do = "fault"
        node = "n1"
        fault = "stall"
        duration = "1500ms"
        "#,
    );
    let summary = run.summary();
    let late = was_only_late(&summary);
    let commands = commands(&summary);
    assert_no_command_lost(commands);
    // 200 arrivals a second for 1.5 of 6 s wait for the rest of the stall: the first of
    // them for all of it, and a tenth of all commands for more than half of it.
    let response = &commands.response_ms;
    assert!(response.max.unwrap() >= 1_400.0, "{response:?}");
    assert!(response.p99.unwrap() >= 1_200.0, "{response:?}");
    assert!(response.p90.unwrap() >= 700.0, "{response:?}");
    assert!(late || response.p50.unwrap() < 500.0, "{response:?}");
    // Heartbeats stand still as well.
    assert!(summary.heartbeats.response_ms.max.unwrap() >= 1_000.0);
    assert!(summary.heartbeats.late > 0);
    assert!(late || summary.heartbeats.missed == 0);
}

#[test]
fn unanswered_heartbeats_are_counted_and_sockets_come_back() {
    let run = CliRun::run_to_end(
        r#"
        name = "deaf"
        duration = "9s"
        [cluster]
        nodes = 1
        [[devices]]
        name = "home"
        count = 60
        ramp = "100/s"
        heartbeat = "1s"
        max_missed = 2
        reconnect = { first = "500ms", max = "1s", jitter = "full" }
        [[events]]
        at = "1s"
        do = "fault"
        node = "n1"
        fault = "ignore-pings"
        duration = "3s"
        [[gates]]
        check = "heartbeats.missed == 0"
        "#,
    );
    let summary = run.summary();
    run.assert_failed();
    // In 3 s without pongs every socket misses two beats and is given up.
    let heartbeats = &summary.heartbeats;
    assert!(heartbeats.missed >= 2 * 60, "{heartbeats:?}");
    let given_up = run.counted("disconnect.gave_up");
    assert!(given_up >= 60, "{given_up}");
    assert_heartbeats_add_up(heartbeats, 60);
    // A harness that is late itself gives sockets up until the end.
    if !was_late(&summary) {
        assert_eq!(run.counted("sockets.reopened"), given_up);
        assert_eq!(summary.sockets.open_at_end, Some(60));
    }
    assert!(run.counted("sockets.reopened") >= 60);
}

#[test]
fn killed_node_loses_no_command_and_its_sockets_come_back() {
    let run = CliRun::run_to_end(
        r#"
        name = "kill"
        duration = "12s"
        [cluster]
        nodes = 2
        [[devices]]
        name = "home"
        count = 200
        ramp = "200/s"
        heartbeat = "2s"
        reconnect = { first = "500ms", max = "2s", jitter = "full" }
        [[commands]]
        name = "read"
        rate = "100/s"
        timeout = "5s"
        [[events]]
        at = "2s"
        do = "kill-node"
        node = "n2"
        [[gates]]
        check = "sockets.open_at_end == 200"
        [[gates]]
        check = "commands.lost == 0"
        "#,
    );
    run.assert_passed();
    let summary = run.summary();
    assert_no_command_lost(commands(&summary));
    assert!(commands(&summary).due >= 900);
    assert_eq!(run.counted("disconnect.reset"), 100);
    assert_eq!(run.counted("sockets.reopened"), 100);
    let survivor = summary.nodes.iter().find(|node| node.id == "n1").unwrap();
    assert_eq!(survivor.sockets_at_end, Some(200));
    let after = &summary.balance.as_ref().unwrap().per_event[0];
    assert_eq!(
        (after.event.as_str(), after.node.as_str()),
        ("kill-node", "n2")
    );
    assert_eq!(after.new_sockets_by_node.get("n1"), Some(&100));
    assert!(after.settled_after_s.is_some());
    // The clients' own count, from the answers that opened their sockets.
    let arrived: u64 = after
        .arrivals
        .iter()
        .filter_map(|piece| piece.by_node.get("n1"))
        .sum();
    assert_eq!(arrived, 100);
    let storm = after.storm.as_ref().unwrap();
    assert_eq!((storm.lost, storm.back), (100, 100));
    assert!(storm.t99_s.is_some());
    assert_eq!(summary.sockets.reconnect_ms.count, 100);
    let detection = after.detection.as_ref().unwrap();
    let detected = detection.clients_s.zip(detection.nodes_s);
    assert!(detected.is_some(), "{detection:?}");
}

#[test]
fn paused_worker_makes_the_verdict_inconclusive() {
    let run = CliRun::start(
        r#"
        name = "paused-worker"
        duration = "10s"
        [cluster]
        nodes = 1
        [[devices]]
        name = "home"
        count = 100
        ramp = "200/s"
        heartbeat = "1s"
        max_missed = 10
        [[gates]]
        check = "sockets.failed == 0"
        "#,
    );
    run.wait_until_steady(1.0);
    let [worker] = run.children("worker")[..] else {
        panic!("one worker is enough for 100 sockets");
    };
    kill(worker, Signal::SIGSTOP).expect("the worker runs");
    let paused_at = last_interval_at(&run.record()).unwrap();
    let record = run.record();
    eventually("5 s without the worker", || {
        last_interval_at(&record).filter(|at| *at >= paused_at + 5.0)
    });
    kill(worker, Signal::SIGCONT).expect("the worker is there");

    let run = run.finish();
    let summary = run.summary();
    run.assert_inconclusive();
    assert_eq!(summary.ended, RunEnd::Completed);
    let lag = &summary.workers[0].send_lag_ms;
    assert!(lag.max.unwrap() >= 3_000.0, "{lag:?}");
    assert_problem(&summary, "w1");
}

#[test]
fn commands_of_a_dead_worker_are_lost_and_nothing_is_invented() {
    let run = CliRun::start_with(
        r#"
        name = "dead-worker"
        duration = "10s"
        [cluster]
        nodes = 1
        [[devices]]
        name = "home"
        count = 100
        ramp = "200/s"
        heartbeat = "1s"
        [[commands]]
        name = "read"
        rate = "100/s"
        [[events]]
        at = "1s"
        do = "fault"
        node = "n1"
        fault = "stall"
        duration = "3s"
        [[gates]]
        check = "sockets.failed == 0"
        "#,
        &["--workers", "2"],
    );
    // In the middle of the stall, so that commands are in flight that the worker has
    // reported.
    run.wait_until_steady(2.5);
    let [victim, _] = run.children("worker")[..] else {
        panic!("the run has two workers");
    };
    kill(victim, Signal::SIGKILL).expect("the worker runs");

    let run = run.finish();
    let summary = run.summary();
    run.assert_inconclusive();
    let commands = commands(&summary);
    assert_commands_add_up(commands);
    assert!(commands.lost > 0, "{commands:?}");
    assert_problem(&summary, "lost");
    // The other worker went on to the end.
    assert_eq!(summary.ended, RunEnd::Completed);
    assert_eq!(summary.sockets.open_at_end, Some(50));
}
