//! Faults of known size must be found, in full, and a clean run be clean.
//!
//! The runs are short and small: they show that the measuring is right, not
//! how fast anything is.

use highwater_reports::{
    record::Ended,
    summary::{Commands, Heartbeats, Summary, Verdict},
};
use nix::sys::signal::{Signal, kill};

use crate::harness::{Run, eventually, last_recorded};

fn commands(summary: &Summary) -> &Commands {
    summary
        .commands
        .as_ref()
        .expect("the scenario sends commands")
}

/// Every command has exactly one outcome, and none is lost.
fn assert_commands_add_up(commands: &Commands) {
    let outcomes = commands.replied
        + commands.timed_out
        + commands.not_connected
        + commands.rejected
        + commands.failed;
    assert_eq!(commands.issued, outcomes, "{commands:?}");
    assert_eq!(commands.lost, 0);
    assert_eq!(commands.due, commands.issued + commands.dropped);
}

/// Every heartbeat that was due was acknowledged, or missed, or still waited
/// when the sockets were closed: at most one for each socket.
fn assert_heartbeats_add_up(heartbeats: &Heartbeats, sockets: u64) {
    let ended = heartbeats.acknowledged + heartbeats.missed;
    assert!(heartbeats.due >= ended, "{heartbeats:?}");
    assert!(heartbeats.due - ended <= sockets, "{heartbeats:?}");
}

#[test]
fn a_clean_run_is_clean() {
    let run = Run::to_its_end(
        r#"
        name = "clean"
        duration = "6s"
        [cluster]
        nodes = 2
        [[devices]]
        name = "home"
        count = 200
        ramp = "100/s"
        heartbeat = "2s"
        [[commands]]
        name = "open"
        rate = "50/s"
        [[commands]]
        name = "closed"
        users = 20
        think = "1s"
        [[commands]]
        name = "stream"
        users = 10
        think = "1s"
        reply = "sse"
        [[gates]]
        check = "sockets.open_at_end == 200"
        [[gates]]
        check = "heartbeats.missed == 0"
        [[gates]]
        check = "commands.failed == 0"
        "#,
    );
    let summary = run.summary();
    run.assert_passed();
    assert_eq!(summary.ended, Ended::Completed);
    assert_eq!(summary.sockets.opened, 200);
    assert_eq!(summary.sockets.server_open_peak, Some(200));
    let at_end: Vec<_> = summary
        .nodes
        .iter()
        .map(|node| node.sockets_at_end)
        .collect();
    assert_eq!(at_end, [Some(100), Some(100)]);
    assert_heartbeats_add_up(&summary.heartbeats, 200);

    let commands = commands(&summary);
    assert_commands_add_up(commands);
    assert_eq!(commands.replied, commands.due, "{commands:?}");
    // The open model alone is 50/s for 6 s.
    assert!(commands.due > 300, "{commands:?}");
    let (same, cross) = (commands.same_node_ms.count, commands.cross_node_ms.count);
    assert_eq!(same + cross, commands.service_ms.count);
    // A fair coin lands this far from the middle once in a million runs.
    assert!(same.abs_diff(cross) < (same + cross) / 3, "{same} {cross}");
}

#[test]
fn a_stall_shows_in_full() {
    let run = Run::to_its_end(
        r#"
        name = "stall"
        duration = "8s"
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
        at = "3s"
        do = "fault"
        node = "n1"
        fault = "stall"
        length = "1500ms"
        "#,
    );
    let summary = run.summary();
    let commands = commands(&summary);
    assert_commands_add_up(commands);
    // 200 arrivals a second for 1.5 of 8 s wait out what is left of the stall:
    // the longest all of it, and a tenth of all commands half of it.
    let response = &commands.response_ms;
    assert!(response.max.unwrap() >= 1_400.0, "{response:?}");
    assert!(response.p99.unwrap() >= 1_200.0, "{response:?}");
    assert!(response.p90.unwrap() >= 500.0, "{response:?}");
    assert!(response.p50.unwrap() < 500.0, "{response:?}");
    // Heartbeats stand still as well.
    assert!(summary.heartbeats.response_ms.max.unwrap() >= 1_000.0);
    assert!(summary.heartbeats.late > 0);
    assert_eq!(summary.heartbeats.missed, 0);
}

#[test]
fn every_unanswered_heartbeat_is_counted_and_sockets_come_back() {
    let run = Run::to_its_end(
        r#"
        name = "deaf"
        duration = "14s"
        [cluster]
        nodes = 1
        [[devices]]
        name = "home"
        count = 60
        ramp = "100/s"
        heartbeat = "1s"
        give_up_after = 2
        reconnect = { first = "500ms", max = "1s", jitter = "full" }
        [[events]]
        at = "3s"
        do = "fault"
        node = "n1"
        fault = "ignore-pings"
        length = "4s"
        [[gates]]
        check = "heartbeats.missed == 0"
        "#,
    );
    let summary = run.summary();
    assert_eq!(
        (summary.verdict, run.code),
        (Verdict::Failed, Some(3)),
        "{}",
        run.stdout
    );
    // In 4 s without pongs every socket misses two beats and is given up.
    assert!(
        summary.heartbeats.missed >= 2 * 60,
        "{:?}",
        summary.heartbeats
    );
    assert!(run.counted("disconnect.gave-up") >= 60);
    assert_eq!(
        run.counted("sockets.reopened"),
        run.counted("disconnect.gave-up")
    );
    assert_heartbeats_add_up(&summary.heartbeats, 60);
    assert_eq!(summary.sockets.open_at_end, Some(60));
}

#[test]
fn a_killed_node_loses_no_command_and_its_sockets_come_back() {
    let run = Run::to_its_end(
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
        at = "4s"
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
    assert_commands_add_up(commands(&summary));
    assert!(commands(&summary).due >= 1_200);
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
    assert!(detection.clients_s.is_some() && detection.nodes_s.is_some());
}

#[test]
fn a_worker_that_stood_still_makes_the_verdict_inconclusive() {
    let run = Run::start(
        r#"
        name = "paused-worker"
        duration = "14s"
        [cluster]
        nodes = 1
        [[devices]]
        name = "home"
        count = 100
        ramp = "200/s"
        heartbeat = "1s"
        give_up_after = 10
        [[gates]]
        check = "sockets.failed == 0"
        "#,
    );
    run.until_steady(2.0);
    let [worker] = run.children("worker")[..] else {
        panic!("one worker is enough for 100 sockets");
    };
    kill(worker, Signal::SIGSTOP).expect("the worker runs");
    let paused_at = last_recorded(&run.record()).unwrap();
    let record = run.record();
    eventually("4 s without the worker", || {
        last_recorded(&record).filter(|at| *at >= paused_at + 4.0)
    });
    kill(worker, Signal::SIGCONT).expect("the worker is there");

    let run = run.finish();
    let summary = run.summary();
    assert_eq!(
        (summary.verdict, run.code),
        (Verdict::Inconclusive, Some(4)),
        "{}",
        run.stdout
    );
    assert_eq!(summary.ended, Ended::Completed);
    let lag = &summary.workers[0].send_lag_ms;
    assert!(lag.max.unwrap() >= 3_000.0, "{lag:?}");
    assert!(
        summary
            .problems
            .iter()
            .any(|problem| problem.contains("w1")),
        "{:?}",
        summary.problems
    );
}

#[test]
fn a_dead_worker_s_commands_are_lost_and_nothing_is_made_up() {
    let run = Run::start_with(
        r#"
        name = "dead-worker"
        duration = "8s"
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
        at = "2s"
        do = "fault"
        node = "n1"
        fault = "stall"
        length = "3s"
        [[gates]]
        check = "sockets.failed == 0"
        "#,
        &["--workers", "2"],
    );
    // In the middle of the stall, with commands in flight that were told of.
    run.until_steady(3.5);
    let [victim, _] = run.children("worker")[..] else {
        panic!("two workers were asked for");
    };
    kill(victim, Signal::SIGKILL).expect("the worker runs");

    let run = run.finish();
    let summary = run.summary();
    assert_eq!(
        (summary.verdict, run.code),
        (Verdict::Inconclusive, Some(4)),
        "{}",
        run.stdout
    );
    let commands = commands(&summary);
    let outcomes = commands.replied
        + commands.timed_out
        + commands.not_connected
        + commands.rejected
        + commands.failed
        + commands.lost;
    assert_eq!(commands.issued, outcomes, "{commands:?}");
    assert!(commands.lost > 0, "{commands:?}");
    assert!(
        summary
            .problems
            .iter()
            .any(|problem| problem.contains("lost")),
        "{:?}",
        summary.problems
    );
    // The other worker went on to the end.
    assert_eq!(summary.ended, Ended::Completed);
    assert_eq!(summary.sockets.open_at_end, Some(50));
}
