//! Interrupted, killed and refused runs: what they leave, and what they print.

use std::process::Output;

use highwater_reports::record::RunEnd;
use nix::sys::signal::Signal;

use crate::harness::{CliRun, child_pids, eventually, highwater, is_running};

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
