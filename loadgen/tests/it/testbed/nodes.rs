//! Nodes come, go, hang and come back.

use std::{cell::RefCell, net::TcpListener, time::Duration};

use highwater_loadgen::testbed::{NodeExit, TestbedError};
use highwater_process::ChildExit;
use highwater_reports::record::SourceRole;
use highwater_scenarios::plan::{Action, FaultSpec};

use super::fixture::{TestbedFixture, address, event, get};
use crate::process::{is_gone, state, until};

#[tokio::test]
async fn nodes_come_and_go_as_the_events_say() {
    let bed = TestbedFixture::start(2, &[event(Action::AddNode, "n3")]).await;
    let at_start = bed.http();
    assert_eq!(at_start.len(), 2);
    assert!(bed.testbed.endpoints().ws[0].starts_with("ws://127.0.0.1:"));
    assert_eq!(bed.sampled("broker").source.role, SourceRole::Broker);
    let first = bed.pid("n1").unwrap();

    bed.apply(Action::KillNode, "n1").await;
    assert!(is_gone(first));
    assert_eq!(bed.http(), at_start, "clients meet the refusal");
    assert_eq!(bed.pid("n1"), None);
    assert!(get(&format!("{}/readyz", at_start[0])).await.is_err());
    let refusal = bed.apply_error(Action::KillNode, "n1").await;
    assert!(matches!(refusal, TestbedError::NotRunning { .. }));

    bed.apply(Action::RestartNode, "n1").await;
    assert_eq!(bed.http(), at_start, "on its old address");
    assert_ne!(bed.pid("n1").unwrap(), first);
    get(&format!("{}/readyz", at_start[0])).await.unwrap();

    bed.apply(Action::AddNode, "n3").await;
    let with_third = bed.http();
    assert_eq!(with_third[..2], at_start);
    for http in &with_third {
        assert!(get(&format!("{http}/nodes")).await.unwrap().contains("n3"));
    }
    let refusal = bed.apply_error(Action::AddNode, "n3").await;
    assert!(matches!(refusal, TestbedError::AlreadyRunning { .. }));

    bed.apply(Action::DrainNode, "n2").await;
    assert_eq!(bed.http(), [&with_third[0][..], &with_third[2][..]]);
    let left = RefCell::new(Vec::new());
    until(|| {
        left.borrow_mut().extend(bed.testbed.take_node_exits());
        !left.borrow().is_empty()
    })
    .await;
    assert_eq!(left.into_inner(), [left_in_order("n2")]);
    assert_eq!(bed.pid("n2"), None);
    bed.apply(Action::RestartNode, "n2").await;
    assert_eq!(bed.http(), with_third, "a drained node returns");

    assert_eq!(
        bed.testbed.take_unexpected_exits(),
        [],
        "each end was asked for"
    );
    let pids = bed.pids();
    assert_eq!(pids.len(), 4);
    bed.testbed.stop().await;
    assert!(pids.into_iter().all(is_gone));
    assert_eq!(bed.http(), [""; 0]);
    let refusal = bed.apply_error(Action::AddNode, "n4").await;
    assert!(matches!(refusal, TestbedError::Stopping));
}

fn left_in_order(id: &str) -> NodeExit {
    NodeExit {
        id: id.to_owned(),
        exit: ChildExit::Status(0),
    }
}

#[tokio::test]
async fn a_paused_node_is_resumed_or_ended() {
    let bed = TestbedFixture::start(2, &[]).await;
    let at_start = bed.http();
    let [first, second] = ["n1", "n2"].map(|id| bed.pid(id).unwrap());

    bed.apply(Action::PauseNode, "n1").await;
    until(|| state(first) == Some('T')).await;
    assert_eq!(bed.http(), at_start);
    assert_eq!(bed.testbed.take_unexpected_exits(), []);
    bed.apply(Action::ResumeNode, "n1").await;
    get(&format!("{}/readyz", at_start[0])).await.unwrap();

    bed.apply(Action::PauseNode, "n2").await;
    until(|| state(second) == Some('T')).await;
    bed.testbed.stop().await;
    assert!(is_gone(first) && is_gone(second));
}

#[tokio::test]
async fn a_running_node_is_restarted_and_gets_no_clients_meanwhile() {
    let bed = TestbedFixture::start(2, &[]).await;
    let at_start = bed.http();
    let first = bed.pid("n1").unwrap();
    let mut changes = bed.testbed.watch_endpoints();
    let seen = tokio::spawn(async move {
        changes.changed().await.unwrap();
        changes.borrow_and_update().http.clone()
    });
    bed.apply(Action::RestartNode, "n1").await;
    assert_eq!(seen.await.unwrap(), [&at_start[1][..]]);
    assert_eq!(bed.http(), at_start);
    assert_ne!(bed.pid("n1").unwrap(), first);
    assert_eq!(
        bed.testbed.take_unexpected_exits(),
        [],
        "its end was asked for"
    );
    assert_eq!(bed.testbed.take_node_exits(), [left_in_order("n1")]);
    assert_eq!(bed.testbed.take_node_exits(), []);
    bed.testbed.stop().await;
}

#[tokio::test]
async fn a_restarted_node_waits_for_its_port() {
    let bed = TestbedFixture::start(1, &[]).await;
    bed.apply(Action::KillNode, "n1").await;
    let taken = TcpListener::bind(address(&bed.http()[0])).unwrap();
    let other = bed.testbed.clone();
    let restart = tokio::spawn(async move { other.apply(&event(Action::RestartNode, "n1")).await });
    tokio::task::yield_now().await;
    assert!(!restart.is_finished());
    drop(taken);
    restart.await.unwrap().unwrap();
    get(&format!("{}/readyz", bed.http()[0])).await.unwrap();
}

#[tokio::test]
async fn a_node_takes_each_fault() {
    let bed = TestbedFixture::start(1, &[]).await;
    assert_eq!(
        bed.testbed.sample_targets().len(),
        1,
        "a node alone has no broker"
    );
    let duration = Duration::from_millis(50);
    for fault in [
        FaultSpec::Stall { duration },
        FaultSpec::IgnorePings { duration },
    ] {
        bed.apply(Action::Fault { fault }, "n1").await;
    }
    bed.testbed.stop().await;
}

#[tokio::test]
async fn an_event_for_an_unknown_node_is_refused() {
    let bed = TestbedFixture::start(1, &[]).await;
    for action in [Action::KillNode, Action::RestartNode, Action::DrainNode] {
        let refusal = bed.apply_error(action, "n7").await;
        assert_eq!(refusal.to_string(), "there is no node n7");
    }
}
