//! A system that is running already, and workers that somebody starts: nothing
//! but addresses, process ids and a token.

use std::{fs, process::Stdio};

use crate::{
    harness::{Finished, Run, eventually, highwater},
    server::Server,
};

#[test]
fn a_running_system_is_loaded_and_observed() {
    let node = Server::node("theirs");
    let run = Run::to_its_end(&format!(
        r#"
        name = "target"
        duration = "4s"
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

#[test]
fn a_dialect_of_pings_needs_no_json() {
    let node = Server::node("theirs");
    let run = Run::to_its_end(&format!(
        r#"
        name = "plain"
        duration = "3s"
        [target]
        ws = "ws://{address}/ws?device={{device}}"
        dialect = "plain"
        [[devices]]
        name = "home"
        count = 20
        ramp = "100/s"
        heartbeat = "1s"
        [[gates]]
        check = "heartbeats.missed == 0"
        "#,
        address = node.address,
    ));
    let summary = run.summary();
    run.assert_passed();
    assert_eq!(summary.commands, None);
    assert_eq!(summary.sockets.server_open_peak, None);
    assert!(summary.heartbeats.acknowledged >= 40);
}

#[test]
fn workers_join_over_tcp_with_the_token_only() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("scenario.toml");
    let out = folder.path().join("run");
    let text = r#"
        name = "distributed"
        duration = "4s"
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
    fs::write(&scenario, text).unwrap();
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let coordinator = highwater(&["coordinator", "--no-progress", "--workers", "3"])
        .args(["--listen", &address])
        .arg(&scenario)
        .arg("--out")
        .arg(&out)
        .env("HIGHWATER_TOKEN", "right")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let worker = |token| {
        let mut worker = highwater(&["worker", "--connect", &address]);
        worker.env("HIGHWATER_TOKEN", token);
        worker.stderr(Stdio::piped());
        worker
    };
    // Until somebody listens there.
    let refused = eventually("the coordinator", || {
        let output = worker("wrong").output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        text.contains("token").then_some(output)
    });
    assert_eq!(refused.status.code(), Some(5));
    let workers: Vec<_> = (0..3).map(|_| worker("right").spawn().unwrap()).collect();

    let output = coordinator.wait_with_output().unwrap();
    for worker in workers {
        assert!(worker.wait_with_output().unwrap().status.success());
    }
    let run = Finished::of(folder, out, output);
    run.assert_passed();
    let peaks = run
        .summary()
        .workers
        .into_iter()
        .map(|worker| worker.sockets_peak);
    assert_eq!(peaks.collect::<Vec<_>>(), [34, 34, 33]);
}

#[test]
fn a_worker_without_a_share_waits_for_the_others() {
    let run = Run::start_with(
        r#"
        name = "idle-worker"
        duration = "2s"
        [cluster]
        nodes = 1
        [[devices]]
        name = "home"
        count = 2
        ramp = "100/s"
        heartbeat = "1s"
        [[gates]]
        check = "sockets.open_at_end == 2"
        "#,
        &["--workers", "3"],
    );
    let run = run.finish();
    run.assert_passed();
    let peaks = run.summary().workers.into_iter();
    let peaks: Vec<_> = peaks.map(|worker| worker.sockets_peak).collect();
    assert_eq!(peaks, [1, 1, 0]);
}
