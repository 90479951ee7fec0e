//! Processes that end without a request, and starts that fail.

use std::path::Path;

use highwater_loadgen::{error_chain::error_chain, testbed::Testbed};
use highwater_process::Spawner;
use highwater_scenarios::plan::Action;

use super::fixture::{TestbedFixture, plan};
use crate::process::{is_gone, until};

#[tokio::test]
async fn unexpected_exit_is_reported_once() {
    let fixture = TestbedFixture::start(2, &[]).await;
    fixture.kill_externally("n2");
    let exits = std::cell::RefCell::new(Vec::new());
    until(|| {
        exits
            .borrow_mut()
            .extend(fixture.testbed.take_unexpected_exits());
        !exits.borrow().is_empty()
    })
    .await;
    assert_eq!(
        exits.into_inner(),
        [("n2".to_owned(), "was killed by SIGKILL".to_owned())]
    );
    assert_eq!(fixture.testbed.take_unexpected_exits(), []);
    assert_eq!(fixture.http().len(), 2);
    fixture.apply(Action::RestartNode, "n2").await;
    fixture.kill_externally("broker");
    until(|| {
        fixture
            .testbed
            .take_unexpected_exits()
            .iter()
            .any(|(id, _)| id == "broker")
    })
    .await;
    assert_eq!(fixture.pid("broker"), None);
}

#[tokio::test]
async fn unexpected_exit_is_reported_after_a_restart() {
    let fixture = TestbedFixture::start(1, &[]).await;
    let pid = fixture.pid("n1").unwrap();
    fixture.kill_externally("n1");
    until(|| is_gone(pid)).await;
    fixture.apply(Action::RestartNode, "n1").await;
    assert_eq!(
        fixture.testbed.take_unexpected_exits(),
        [("n1".to_owned(), "was killed by SIGKILL".to_owned())]
    );
}

#[tokio::test]
async fn processes_end_when_the_last_handle_is_dropped() {
    let fixture = TestbedFixture::start(2, &[]).await;
    let pids = fixture.pids();
    drop(fixture);
    until(|| pids.iter().all(|pid| is_gone(*pid))).await;
}

#[tokio::test]
async fn failed_start_reports_the_output_of_the_node() {
    let logs = tempfile::tempdir().unwrap();
    let (plan, cluster) = plan(1, &[]);
    let spawner = Spawner::start().unwrap();
    // A shell that is asked to run a script called `serve` fails.
    let started = Testbed::start(&plan, &cluster, Path::new("sh"), spawner, logs.path()).await;
    let error = error_chain(&started.unwrap_err());
    assert!(
        error.starts_with("cannot start n1: sh exited with status"),
        "{error}"
    );
    assert!(error.contains("serve"), "{error}");
}
