//! Several runs of one scenario: their order, their comparison, and their end.

use std::{fs, path::Path};

use nix::sys::signal::Signal;

use crate::harness::{CliRun, FinishedRun, eventually};

/// Returns a scenario with few sockets through a gateway, and each of these policies.
fn scenario(policies: &str) -> String {
    format!(
        r#"
        name = "cells"
        duration = "2s"
        [cluster]
        nodes = 2
        balancer = "gateway"
        [[devices]]
        name = "home"
        count = 20
        ramp = "40/s"
        heartbeat = "1s"
        [[gates]]
        check = "sockets.open_at_end == 20"
        [matrix]
        policy = [{policies}]
        "#
    )
}

/// Returns the page of the comparison.
fn comparison(run: &FinishedRun) -> String {
    let page = run.record.join("comparison.html");
    fs::read_to_string(page).unwrap_or_else(|error| panic!("{error}: {}", run.stderr))
}

/// Whether the record of a run has its last line.
fn is_over(record: &Path) -> bool {
    let events = fs::read_to_string(record.join("events.jsonl"));
    events.is_ok_and(|events| events.contains("\"kind\":\"end\""))
}

#[test]
fn cells_are_run_in_turn_and_compared() {
    let run = CliRun::run_to_end(&scenario(r#""round-robin", "least-conn""#));
    assert!(
        // On a busy machine a run may be inconclusive.
        matches!(run.code, Some(0 | 4)),
        "{}{}",
        run.stdout,
        run.stderr
    );
    for cell in ["round-robin", "least-conn"] {
        let cell = run.record.join(cell);
        assert!(cell.join("report.html").exists(), "{}", cell.display());
        let manifest = fs::read_to_string(cell.join("manifest.json")).unwrap();
        assert!(manifest.contains("cluster.policy="), "{manifest}");
    }
    let page = comparison(&run);
    assert!(page.contains("least-conn") && page.contains("round-robin"));
}

#[test]
fn interrupt_between_two_runs_ends_all_of_them() {
    let run = CliRun::start(&scenario(r#""round-robin", "least-conn", "p2c""#));
    let second = run.record().join("least-conn");
    eventually("the end of the second run", || {
        is_over(&second).then_some(())
    });
    run.signal(Signal::SIGINT);
    let run = run.finish();
    assert_eq!(run.code, Some(130), "{}{}", run.stdout, run.stderr);
    assert!(comparison(&run).contains("least-conn"));
}

#[test]
fn impossible_run_leaves_a_comparison_of_the_runs_before_it() {
    let run = CliRun::start(&scenario(r#""round-robin", "least-conn", "p2c""#));
    let first = run.record().join("round-robin");
    eventually("the first run", || {
        first.join("manifest.json").exists().then_some(())
    });
    let third = run.record().join("p2c");
    fs::create_dir(&third).unwrap();
    // A run refuses a directory with content, so the third one cannot start.
    fs::write(third.join("notes"), "somebody else's").unwrap();
    let run = run.finish();
    assert_eq!(run.code, Some(2), "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("is not empty"), "{}", run.stderr);
    assert!(comparison(&run).contains("least-conn"));
}
