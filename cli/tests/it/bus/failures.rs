//! Processes and servers that die, stop and come back.

use std::fs;

use highwater_reports::{record::RunEnd, summary::Verdict};
use nix::sys::signal::Signal;

use super::harness::{BusTest, assert_ended_in_order};
use crate::harness::eventually;

fn assert_no_worker_lost(test: &BusTest) {
    let problems = test.summary().problems;
    assert!(
        !problems.iter().any(|problem| problem.contains("was lost")),
        "{problems:?}"
    );
}

#[test]
fn killed_coordinator_is_resumed_with_every_interval_and_none_twice() {
    let test = BusTest::start("15s");
    let workers = test.workers(4);
    let first = test.named_coordinator(4, &[]);
    test.wait_until_steady_for(2.0, 4);
    // While it lives, no other coordinator takes its run.
    let early = test.coordinator(4, &["--resume", "t"]).finish();
    assert_eq!(early.code, Some(5), "{}", early.text);
    assert!(
        early.text.contains("its coordinator is alive"),
        "{}",
        early.text
    );
    first.signal(Signal::SIGKILL);
    first.finish();
    let resumed = test.coordinator(4, &["--resume", "t"]).finish();
    let summary = test.summary();
    assert_eq!(summary.ended, RunEnd::Completed, "{}", resumed.text);
    assert_ended_in_order(workers);
    test.assert_each_second_once(4);
    assert_no_worker_lost(&test);
    let (opened, at_end) = (summary.sockets.opened, summary.sockets.open_at_end);
    assert_eq!((opened, at_end), (101, Some(101)));
    // The heartbeats of the time without a coordinator are in the record too.
    let beats = &summary.heartbeats;
    assert!(beats.due >= 101 * 14, "{beats:?}");
}

/// The coordinator lacks a variable once. The workers go on, and the run waits for the next one.
#[test]
fn failed_resumption_leaves_the_run_to_the_next_one() {
    let mut test = BusTest::start("20s");
    let file = test.folder.path().join("scenario.toml");
    let scenario = fs::read_to_string(&file).unwrap();
    let headers = "headers = { X-Key = \"${BUS_KEY}\" }\n[[devices]]";
    fs::write(&file, scenario.replace("[[devices]]", headers)).unwrap();
    test.set("BUS_KEY", "any");
    let workers = test.workers(2);
    let coordinator = test.named_coordinator(2, &[]);
    test.wait_until_steady_for(1.0, 2);
    coordinator.signal(Signal::SIGKILL);
    coordinator.finish();

    test.unset("BUS_KEY");
    let refused = test.coordinator(2, &["--resume", "t"]).finish();
    assert_eq!(refused.code, Some(2), "{}", refused.text);
    let reason = "the variable BUS_KEY is not set";
    assert!(refused.text.contains(reason), "{}", refused.text);

    test.set("BUS_KEY", "any");
    let resumed = test.coordinator(2, &["--resume", "t"]).finish();
    let summary = test.summary();
    assert_eq!(summary.ended, RunEnd::Completed, "{}", resumed.text);
    assert_ended_in_order(workers);
    test.assert_each_second_once(2);
    assert_no_worker_lost(&test);
    assert_eq!(summary.sockets.open_at_end, Some(101));
}

/// The coordinator comes back long after the end of the plan, and the workers are gone.
#[test]
fn run_that_is_resumed_late_has_every_interval() {
    let test = BusTest::start("5s");
    let workers = test.workers(2);
    let coordinator = test.named_coordinator(2, &[]);
    test.wait_until_steady_for(1.0, 2);
    coordinator.signal(Signal::SIGKILL);
    coordinator.finish();
    assert_ended_in_order(workers);
    let resumed = test.coordinator(2, &["--resume", "t"]).finish();
    let summary = test.summary();
    assert_eq!(summary.ended, RunEnd::Completed, "{}", resumed.text);
    test.assert_each_second_once(2);
    assert_no_worker_lost(&test);
}

#[test]
fn interrupted_start_ends_its_worker_and_can_be_repeated() {
    let test = BusTest::start("1s");
    let early = test.worker(0);
    let coordinator = test.named_coordinator(2, &[]);
    coordinator.wait_for("1 of 2 are ready");
    coordinator.signal(Signal::SIGINT);
    let coordinator = coordinator.finish();
    assert_eq!(coordinator.code, Some(130), "{}", coordinator.text);
    let early = early.finish();
    assert_eq!(early.code, Some(5), "{}", early.text);
    let reason = "interrupted before the load started";
    assert!(early.text.contains(reason), "{}", early.text);

    let workers = test.workers(2);
    let again = test.named_coordinator(2, &[]).finish();
    assert_ended_in_order(workers);
    assert_eq!(test.summary().ended, RunEnd::Completed, "{}", again.text);
}

#[test]
fn killed_bus_comes_back_with_every_interval_and_none_twice() {
    let mut test = BusTest::start("12s");
    let workers = test.workers(4);
    let coordinator = test.named_coordinator(4, &[]);
    test.wait_until_steady_for(2.0, 4);
    test.nats.kill();
    coordinator.wait_for("steady   sockets");
    test.nats.restart().expect("NATS restarts");
    let coordinator = coordinator.finish();
    let summary = test.summary();
    assert_eq!(summary.ended, RunEnd::Completed, "{}", coordinator.text);
    assert_ended_in_order(workers);
    test.assert_each_second_once(4);
    assert_no_worker_lost(&test);
    assert_eq!(summary.sockets.open_at_end, Some(101));
}

#[test]
fn share_of_a_killed_worker_is_missing_from_then_on() {
    let test = BusTest::start("12s");
    let mut workers = test.workers(4);
    let coordinator = test.named_coordinator(4, &[]);
    test.wait_until_steady_for(1.0, 4);
    let victim = workers.remove(1);
    victim.signal(Signal::SIGKILL);
    coordinator.wait_for("worker w2 is silent since");
    let coordinator = coordinator.finish();
    assert_ended_in_order(workers);
    assert_eq!(coordinator.code, Some(4), "{}", coordinator.text);
    let summary = test.summary();
    assert_eq!(summary.verdict, Verdict::Inconclusive);
    let problem = summary
        .problems
        .iter()
        .find(|text| text.contains("w2 was lost at"));
    let problem = problem.unwrap_or_else(|| panic!("{:?}", summary.problems));
    assert!(
        problem.contains("its share 2 of 4 (25 of 101 sockets) was missing from"),
        "{problem}"
    );
    assert!(problem.ends_with(" on"), "{problem}");
}

#[test]
fn restarted_worker_takes_its_share_again() {
    let test = BusTest::start("20s");
    let mut workers = test.workers(2);
    let coordinator = test.named_coordinator(2, &[]);
    test.wait_until_steady_for(1.0, 2);
    let victim = workers.remove(1);
    victim.signal(Signal::SIGKILL);
    workers.push(test.worker(1));
    coordinator.wait_for("another process has taken the share of worker w2");
    let coordinator = coordinator.finish();
    assert_ended_in_order(workers);
    let summary = test.summary();
    assert_eq!(
        summary.sockets.open_at_end,
        Some(101),
        "{}",
        coordinator.text
    );
    assert_eq!(summary.verdict, Verdict::Inconclusive);
    let problems = &summary.problems;
    assert!(
        problems
            .iter()
            .any(|text| text.contains("when another process took it")),
        "{problems:?}"
    );
}

#[test]
fn spare_worker_takes_the_share_of_a_lost_one() {
    let test = BusTest::start("20s");
    let mut workers = test.workers(2);
    let coordinator = test.named_coordinator(2, &["--on-worker-loss", "replace"]);
    test.wait_until_steady_for(1.0, 2);
    let spare = test.worker_with(&["--index", "auto"]);
    let victim = workers.remove(0);
    victim.signal(Signal::SIGKILL);
    coordinator.wait_for("another process has taken the share of worker w1");
    let coordinator = coordinator.finish();
    workers.push(spare);
    assert_ended_in_order(workers);
    assert_eq!(
        test.summary().sockets.open_at_end,
        Some(101),
        "{}",
        coordinator.text
    );
    assert_eq!(coordinator.code, Some(4), "{}", coordinator.text);
}

#[test]
fn run_ends_with_a_lost_worker_where_it_is_to() {
    let test = BusTest::start("10m");
    let mut workers = test.workers(2);
    let coordinator = test.named_coordinator(2, &["--on-worker-loss", "stop"]);
    test.wait_until_steady_for(1.0, 2);
    let victim = workers.remove(1);
    victim.signal(Signal::SIGKILL);
    let coordinator = coordinator.finish();
    assert_eq!(coordinator.code, Some(4), "{}", coordinator.text);
    assert_ended_in_order(workers);
    assert_eq!(test.summary().ended, RunEnd::Aborted);
}

#[test]
fn run_without_any_worker_left_ends() {
    let test = BusTest::start("10m");
    let workers = test.workers(2);
    let coordinator = test.named_coordinator(2, &["--resume-within", "10s"]);
    test.wait_until_steady_for(1.0, 2);
    for worker in workers {
        worker.signal(Signal::SIGKILL);
        worker.finish();
    }
    let coordinator = coordinator.finish();
    let summary = test.summary();
    assert_eq!(summary.ended, RunEnd::Aborted, "{}", coordinator.text);
    for lost in ["w1 was lost at", "w2 was lost at"] {
        let mut problems = summary.problems.iter();
        assert!(
            problems.any(|text| text.contains(lost)),
            "{:?}",
            summary.problems
        );
    }
}

#[test]
fn paused_worker_is_noticed_and_its_counts_arrive_later() {
    let test = BusTest::start("20s");
    let workers = test.workers(2);
    let coordinator = test.named_coordinator(2, &[]);
    test.wait_until_steady_for(1.0, 2);
    workers[1].signal(Signal::SIGSTOP);
    coordinator.wait_for("worker w2 is silent since");
    workers[1].signal(Signal::SIGCONT);
    coordinator.wait_for("worker w2 is back after");
    let coordinator = coordinator.finish();
    assert_ended_in_order(workers);
    test.assert_each_second_once(2);
    assert_eq!(
        test.summary().verdict,
        Verdict::Inconclusive,
        "{}",
        coordinator.text
    );
}

#[test]
fn workers_end_in_order_without_a_coordinator() {
    let test = BusTest::start("10m");
    let workers = test.workers(2);
    let coordinator = test.named_coordinator(2, &["--resume-within", "10s"]);
    test.wait_until_steady_for(1.0, 2);
    coordinator.signal(Signal::SIGKILL);
    coordinator.finish();
    assert_ended_in_order(workers);
}

/// One of three servers is lost for good, and with it a copy of stream and bucket.
#[test]
fn lost_server_of_a_cluster_costs_nothing() {
    let mut test = BusTest::with_cluster("15s");
    let workers = test.workers(2);
    let coordinator = test.named_coordinator(2, &[]);
    test.wait_until_steady_for(1.0, 2);
    // The one that the processes connected to.
    let victim = test.nats.pid().expect("it runs");
    test.nats.kill_one(victim);
    let coordinator = coordinator.finish();
    let summary = test.summary();
    assert_eq!(summary.ended, RunEnd::Completed, "{}", coordinator.text);
    assert_ended_in_order(workers);
    test.assert_each_second_once(2);
    assert_no_worker_lost(&test);
    assert_eq!(summary.sockets.open_at_end, Some(101));
}

/// A bus that hangs takes every sign of life along, and no worker is blamed for it.
#[test]
fn hanging_bus_silences_nobody() {
    let test = BusTest::start("20s");
    let workers = test.workers(2);
    let coordinator = test.named_coordinator(2, &[]);
    test.wait_until_steady_for(1.0, 2);
    let before = coordinator.text().matches("steady   sockets").count();
    test.nats.pause().expect("it runs");
    // Lines come each 5 s: two of them are longer than a silence.
    eventually("two lines of progress", || {
        let lines = coordinator.text().matches("steady   sockets").count();
        (lines >= before + 2).then_some(())
    });
    test.nats.resume().expect("it runs");
    let coordinator = coordinator.finish();
    assert_ended_in_order(workers);
    let text = &coordinator.text;
    assert!(!text.contains("is silent"), "{text}");
    test.assert_each_second_once(2);
    assert_no_worker_lost(&test);
}
