//! Ends that nobody asked for, and starts that fail.

use std::path::Path;

use highwater_loadgen::{error_chain::error_chain, testbed::Testbed};
use highwater_process::Spawner;
use highwater_scenarios::plan::Action;

use super::fixture::{TestbedFixture, plan};
use crate::process::{is_gone, until};

#[tokio::test]
async fn a_node_that_ends_by_itself_is_told_of_once() {
    let bed = TestbedFixture::start(2, &[]).await;
    bed.kill_externally("n2");
    let ended = std::cell::RefCell::new(Vec::new());
    until(|| {
        ended
            .borrow_mut()
            .extend(bed.testbed.take_unexpected_exits());
        !ended.borrow().is_empty()
    })
    .await;
    assert_eq!(
        ended.into_inner(),
        [("n2".to_owned(), "was killed by SIGKILL".to_owned())]
    );
    assert_eq!(bed.testbed.take_unexpected_exits(), []);
    assert_eq!(bed.http().len(), 2);
    bed.apply(Action::RestartNode, "n2").await;
    bed.kill_externally("broker");
    until(|| {
        bed.testbed
            .take_unexpected_exits()
            .iter()
            .any(|(id, _)| id == "broker")
    })
    .await;
    assert_eq!(bed.pid("broker"), None);
}

#[tokio::test]
async fn an_end_is_told_of_even_if_a_restart_comes_first() {
    let bed = TestbedFixture::start(1, &[]).await;
    let pid = bed.pid("n1").unwrap();
    bed.kill_externally("n1");
    until(|| is_gone(pid)).await;
    bed.apply(Action::RestartNode, "n1").await;
    assert_eq!(
        bed.testbed.take_unexpected_exits(),
        [("n1".to_owned(), "was killed by SIGKILL".to_owned())]
    );
}

#[tokio::test]
async fn nothing_lives_on_when_the_last_handle_is_dropped() {
    let bed = TestbedFixture::start(2, &[]).await;
    let pids = bed.pids();
    drop(bed);
    until(|| pids.iter().all(|pid| is_gone(*pid))).await;
}

#[tokio::test]
async fn a_node_that_does_not_start_says_why() {
    let logs = tempfile::tempdir().unwrap();
    let (plan, cluster) = plan(1, &[]);
    let spawner = Spawner::start().unwrap();
    // A shell knows no script called `serve`.
    let started = Testbed::start(&plan, &cluster, Path::new("sh"), spawner, logs.path()).await;
    let error = error_chain(&started.unwrap_err());
    assert!(
        error.starts_with("n1 did not start: sh exited with status"),
        "{error}"
    );
    assert!(error.contains("serve"), "{error}");
}
