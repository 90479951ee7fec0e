//! A target that is already running, and workers started by hand: the inputs are
//! addresses, process ids and a token.

use std::{net::TcpListener, process::Stdio};

use highwater_reports::summary::Summary;

use crate::{
    harness::{CliRun, eventually, highwater},
    server::ServerProcess,
};

#[test]
fn running_system_is_loaded_and_observed() {
    let node = ServerProcess::node("theirs");
    let run = CliRun::run_to_end(&format!(
        r#"
        name = "target"
        duration = "3s"
        [target]
        ws = "ws://{address}/ws?device={{device}}"
        http = "http://{address}"
        observe = [
            {{ name = "by-endpoint", prometheus = "http://{address}/metrics" }},
            {{ name = "by-pid", pid = {pid} }},
        ]
        [[devices]]
        name = "home"
        count = 150
        ramp = "100/s"
        heartbeat = "1s"
        [[commands]]
        name = "read"
        rate = "50/s"
        [[gates]]
        check = "commands.failed == 0"
        [[gates]]
        check = "sockets.open_at_end == 150"
        "#,
        address = node.address,
        pid = node.child.id(),
    ));
    let summary = run.summary();
    run.assert_passed();
    let observed = |id| summary.nodes.iter().find(|node| node.id == id).unwrap();
    let (endpoint, pid) = (observed("by-endpoint"), observed("by-pid"));
    assert_eq!(endpoint.sockets_peak, Some(150));
    assert!(endpoint.heap_peak.is_some());
    // The kernel counts files and memory, and knows no sockets and no heap.
    assert_eq!((pid.sockets_peak, pid.heap_peak), (None, None));
    assert!(pid.open_files_peak >= Some(150));
    assert_eq!(pid.rss_peak.is_some(), endpoint.rss_peak.is_some());
}

/// Three workers share two devices: one has nothing to do, and waits for the others.
#[test]
fn ping_dialect_needs_no_json_and_spare_worker_gets_no_share() {
    let node = ServerProcess::node("theirs");
    let scenario = format!(
        r#"
        name = "plain"
        duration = "3s"
        [target]
        ws = "ws://{address}/ws?device={{device}}"
        dialect = "plain"
        [[devices]]
        name = "home"
        count = 2
        ramp = "100/s"
        heartbeat = "1s"
        [[gates]]
        check = "heartbeats.missed == 0"
        [[gates]]
        check = "sockets.open_at_end == 2"
        "#,
        address = node.address,
    );
    let run = CliRun::start_with(&scenario, &["--workers", "3"]).finish();
    run.assert_passed();
    let summary = run.summary();
    assert_eq!(summary.commands, None);
    assert_eq!(summary.sockets.server_open_peak, None);
    assert!(summary.heartbeats.acknowledged >= 2 * 2);
    assert_eq!(peaks(&summary), [1, 1, 0]);
}

/// The token of a run.
const RIGHT: &str = "the-token-of-this-run";

#[test]
fn workers_join_over_tcp_with_the_token_only() {
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let scenario = r#"
        name = "distributed"
        duration = "3s"
        [cluster]
        nodes = 2
        [[devices]]
        name = "home"
        count = 101
        ramp = "100/s"
        heartbeat = "1s"
        [[commands]]
        name = "read"
        users = 7
        think = "500ms"
        [[gates]]
        check = "sockets.open_at_end == 101"
    "#;
    let run = CliRun::launch("coordinator", scenario, |command| {
        command.args(["--workers", "3", "--listen", &address]);
        command.env("HIGHWATER_TOKEN", RIGHT)
    });
    let worker = |token| {
        let mut worker = highwater(&["worker", "--connect", &address]);
        worker.env("HIGHWATER_TOKEN", token);
        worker.stderr(Stdio::piped());
        worker
    };
    // Until the coordinator listens, the worker fails with another error.
    let refused = eventually("the coordinator", || {
        let output = worker("the-token-of-another-run").output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        text.contains("token").then_some(output)
    });
    assert_eq!(refused.status.code(), Some(5));
    let workers: Vec<_> = (0..3).map(|_| worker(RIGHT).spawn().unwrap()).collect();

    let run = run.finish();
    // The coordinator shows the rejected worker.
    let rejected = "a worker from 127.0.0.1 was rejected: the token is not this run's";
    assert!(run.stderr.contains(rejected), "{}", run.stderr);
    for worker in workers {
        assert!(worker.wait_with_output().unwrap().status.success());
    }
    run.assert_passed();
    assert_eq!(peaks(&run.summary()), [34, 34, 33]);
}

/// Sockets of each worker.
fn peaks(summary: &Summary) -> Vec<u64> {
    let workers = summary.workers.iter();
    workers.map(|worker| worker.sockets_peak).collect()
}
