//! Interrupted, killed and refused runs: what they leave, and what they print.

use std::process::Output;

use highwater_reports::record::RunEnd;
use nix::sys::signal::{Signal, kill};

use crate::{
    harness::{CliRun, child_pids, eventually, highwater, is_running},
    server::ServerProcess,
};

const LONG: &str = r#"
name = "long"
duration = "10m"
[cluster]
nodes = 2
[[devices]]
name = "home"
count = 100
ramp = "200/s"
heartbeat = "1s"
[[commands]]
name = "read"
rate = "20/s"
[[gates]]
check = "sockets.failed == 0"
"#;

fn output(arguments: &[&str]) -> (Option<i32>, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = highwater(arguments).output().expect("highwater starts");
    let text = [stdout, stderr].concat();
    (status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn interrupted_run_ends_in_order_and_is_reported() {
    let run = CliRun::start(LONG);
    run.wait_until_steady(1.0);
    run.signal(Signal::SIGINT);
    let run = run.finish();
    let summary = run.summary();
    assert_eq!(
        (summary.ended, run.code),
        (RunEnd::Interrupted, Some(130)),
        "{}",
        run.stderr
    );
    assert_eq!(summary.sockets.opened, 100);
    let commands = summary.commands.as_ref().unwrap();
    assert_eq!(commands.issued, commands.replied, "{commands:?}");
    assert!(run.record.join("report.html").exists());
    // In order: no socket was lost on the way.
    assert_eq!(run.counted("disconnect.reset"), 0);
}

/// A shell and the kernel both send SIGHUP when a terminal closes.
#[test]
fn closed_terminal_and_other_signals_end_a_run_in_order() {
    for signals in [
        [Signal::SIGHUP, Signal::SIGHUP].as_slice(),
        &[Signal::SIGQUIT],
        &[Signal::SIGUSR1],
    ] {
        // Under `nohup`, a run respects that its caller ignores SIGHUP.
        if signals.contains(&Signal::SIGHUP) && is_ignored(Signal::SIGHUP) {
            continue;
        }
        let run = CliRun::start(LONG);
        run.wait_until_steady(0.0);
        signals.iter().for_each(|signal| run.signal(*signal));
        let run = run.finish();
        let ended = (run.summary().ended, run.code);
        assert_eq!(ended, (RunEnd::Interrupted, Some(130)), "{}", run.stderr);
        assert!(run.record.join("report.html").exists());
    }
}

/// Whether this process, and so its children, ignore a signal.
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = u64::from_str_radix(mask.unwrap().trim(), 16).unwrap();
    mask & (1 << (signal as u32 - 1)) != 0
}

/// No gate watches the nodes.
#[test]
fn run_in_which_a_node_dies_unasked_fails() {
    let run = CliRun::start(
        r#"
        name = "unwatched"
        duration = "3s"
        [cluster]
        nodes = 2
        [[devices]]
        name = "home"
        count = 20
        ramp = "100/s"
        heartbeat = "1s"
        "#,
    );
    run.wait_until_steady(0.0);
    let node = run.children("serve node")[0];
    kill(node, Signal::SIGKILL).unwrap();
    let run = run.finish();
    let summary = run.summary();
    let ended = |failure: &String| failure.contains(" ended by itself at ");
    assert!(summary.target_failures.iter().any(ended), "{summary:?}");
    run.assert_failed();
}

#[test]
fn server_process_without_a_certificate_survives_hangup() {
    let broker = ["serve", "broker", "--listen", "127.0.0.1:0"];
    let node = ["serve", "node", "--id", "n1", "--listen", "127.0.0.1:0"];
    for arguments in [broker.as_slice(), &node] {
        let mut server = ServerProcess::start(arguments);
        server.signal(Signal::SIGHUP);
        server.wait_until_logged("there is no certificate to read anew");
        server.signal(Signal::SIGTERM);
        let ended = eventually("its end", || server.child.try_wait().unwrap());
        assert_eq!(ended.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn second_signal_ends_a_drain_at_once() {
    let mut node = ServerProcess::node_with("n1", &["--drain-delay", "10m"]);
    node.signal(Signal::SIGTERM);
    node.wait_until_logged("drain begins");
    node.signal(Signal::SIGTERM);
    let ended = eventually("its end", || node.child.try_wait().unwrap());
    assert_eq!(ended.code(), Some(130));
}

#[test]
fn killed_run_leaves_a_record_and_no_process() {
    let run = CliRun::start(LONG);
    run.wait_until_steady(2.0);
    let children = child_pids(run.pid());
    assert!(
        children.len() >= 4,
        "two nodes, a broker, a worker: {children:?}"
    );
    run.signal(Signal::SIGKILL);
    for child in children {
        eventually("the end of every process", || {
            (!is_running(child)).then_some(())
        });
    }

    let run = run.finish();
    assert_eq!(run.code, None);
    let record = run.record.to_str().unwrap();
    let (code, text) = output(&["report", record]);
    assert_eq!(code, Some(0), "{text}");
    let summary = run.summary();
    assert_eq!(summary.ended, RunEnd::Truncated);
    assert_eq!(summary.sockets.opened, 100);
    assert!(summary.heartbeats.acknowledged > 0);
    assert_eq!(output(&["gate", record]).0, Some(4));
}

#[test]
fn directory_with_content_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("precious"), "x").unwrap();
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/smoke.toml");
    let (code, text) = output(&["run", scenario, "--out", folder.path().to_str().unwrap()]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("--out"), "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
