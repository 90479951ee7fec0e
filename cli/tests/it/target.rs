//! A target that is already running: the inputs are addresses and process ids.

use highwater_reports::summary::Summary;

use crate::{harness::CliRun, server::ServerProcess};

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

/// Sockets of each worker.
fn peaks(summary: &Summary) -> Vec<u64> {
    let workers = summary.workers.iter();
    workers.map(|worker| worker.sockets_peak).collect()
}
