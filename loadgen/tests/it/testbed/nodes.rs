//! Nodes that start, end, pause and start again.

use std::{cell::RefCell, net::TcpListener, time::Duration};

use highwater_loadgen::testbed::{NodeExit, TestbedError};
use highwater_process::ChildExit;
use highwater_reports::record::SourceRole;
use highwater_scenarios::plan::{Action, FaultSpec};

use super::fixture::{TestbedFixture, address, event, get};
use crate::process::{is_gone, state, until};

#[tokio::test]
async fn events_start_kill_restart_and_drain_nodes() {
    let fixture = TestbedFixture::start(2, &[event(Action::AddNode, "n3")]).await;
    let at_start = fixture.http();
    assert_eq!(at_start.len(), 2);
    assert!(fixture.testbed.endpoints().ws[0].starts_with("ws://127.0.0.1:"));
    assert_eq!(
        fixture.sample_target("broker").source.role,
        SourceRole::Broker
    );
    let first = fixture.pid("n1").unwrap();

    fixture.apply(Action::KillNode, "n1").await;
    assert!(is_gone(first));
    assert_eq!(fixture.http(), at_start, "a killed node stays routed");
    assert_eq!(fixture.pid("n1"), None);
    assert!(get(&format!("{}/readyz", at_start[0])).await.is_err());
    let error = fixture.apply_error(Action::KillNode, "n1").await;
    assert!(matches!(error, TestbedError::NotRunning(_)));

    fixture.apply(Action::RestartNode, "n1").await;
    assert_eq!(fixture.http(), at_start, "at its old address");
    assert_ne!(fixture.pid("n1").unwrap(), first);
    get(&format!("{}/readyz", at_start[0])).await.unwrap();

    fixture.apply(Action::AddNode, "n3").await;
    let with_third = fixture.http();
    assert_eq!(with_third[..2], at_start);
    for http in &with_third {
        assert!(get(&format!("{http}/nodes")).await.unwrap().contains("n3"));
    }
    let error = fixture.apply_error(Action::AddNode, "n3").await;
    assert!(matches!(error, TestbedError::AlreadyRunning(_)));

    fixture.apply(Action::DrainNode, "n2").await;
    assert_eq!(fixture.http(), [&with_third[0][..], &with_third[2][..]]);
    let exits = RefCell::new(Vec::new());
    until(|| {
        exits.borrow_mut().extend(fixture.testbed.take_node_exits());
        !exits.borrow().is_empty()
    })
    .await;
    assert_eq!(exits.into_inner(), [ordered_exit("n2")]);
    assert_eq!(fixture.pid("n2"), None);
    fixture.apply(Action::RestartNode, "n2").await;
    assert_eq!(fixture.http(), with_third, "a drained node is routed again");

    assert_eq!(
        fixture.testbed.take_unexpected_exits(),
        [],
        "every exit was requested"
    );
    let pids = fixture.pids();
    assert_eq!(pids.len(), 4);
    fixture.testbed.stop().await;
    assert!(pids.into_iter().all(is_gone));
    assert_eq!(fixture.http(), [""; 0]);
    let error = fixture.apply_error(Action::AddNode, "n4").await;
    assert!(matches!(error, TestbedError::Stopping));
}

fn ordered_exit(id: &str) -> NodeExit {
    NodeExit {
        id: id.to_owned(),
        exit: ChildExit::Status(0),
    }
}

#[tokio::test]
async fn paused_node_is_resumed_or_stopped() {
    let fixture = TestbedFixture::start(2, &[]).await;
    let at_start = fixture.http();
    let [first, second] = ["n1", "n2"].map(|id| fixture.pid(id).unwrap());

    fixture.apply(Action::PauseNode, "n1").await;
    until(|| state(first) == Some('T')).await;
    assert_eq!(fixture.http(), at_start);
    assert_eq!(fixture.testbed.take_unexpected_exits(), []);
    fixture.apply(Action::ResumeNode, "n1").await;
    get(&format!("{}/readyz", at_start[0])).await.unwrap();

    fixture.apply(Action::PauseNode, "n2").await;
    until(|| state(second) == Some('T')).await;
    fixture.testbed.stop().await;
    assert!(is_gone(first) && is_gone(second));
}

#[tokio::test]
async fn restarting_node_gets_no_clients_until_it_is_ready() {
    let fixture = TestbedFixture::start(2, &[]).await;
    let at_start = fixture.http();
    let first = fixture.pid("n1").unwrap();
    let mut changes = fixture.testbed.watch_endpoints();
    let first_change = tokio::spawn(async move {
        changes.changed().await.unwrap();
        changes.borrow_and_update().http.clone()
    });
    fixture.apply(Action::RestartNode, "n1").await;
    assert_eq!(first_change.await.unwrap(), [&at_start[1][..]]);
    assert_eq!(fixture.http(), at_start);
    assert_ne!(fixture.pid("n1").unwrap(), first);
    assert_eq!(
        fixture.testbed.take_unexpected_exits(),
        [],
        "its exit was requested"
    );
    assert_eq!(fixture.testbed.take_node_exits(), [ordered_exit("n1")]);
    assert_eq!(fixture.testbed.take_node_exits(), []);
    fixture.testbed.stop().await;
}

#[tokio::test]
async fn restarted_node_waits_for_its_port() {
    let fixture = TestbedFixture::start(1, &[]).await;
    fixture.apply(Action::KillNode, "n1").await;
    let taken = TcpListener::bind(address(&fixture.http()[0])).unwrap();
    let other = fixture.testbed.clone();
    let restart = tokio::spawn(async move { other.apply(&event(Action::RestartNode, "n1")).await });
    tokio::task::yield_now().await;
    assert!(!restart.is_finished());
    drop(taken);
    restart.await.unwrap().unwrap();
    get(&format!("{}/readyz", fixture.http()[0])).await.unwrap();
}

#[tokio::test]
async fn node_accepts_each_fault() {
    let fixture = TestbedFixture::start(1, &[]).await;
    assert_eq!(
        fixture.testbed.sample_targets().len(),
        1,
        "a single node has no broker"
    );
    let duration = Duration::from_millis(50);
    for fault in [
        FaultSpec::Stall { duration },
        FaultSpec::IgnorePings { duration },
    ] {
        fixture.apply(Action::Fault { fault }, "n1").await;
    }
    fixture.testbed.stop().await;
}

#[tokio::test]
async fn event_for_an_unknown_node_is_an_error() {
    let fixture = TestbedFixture::start(1, &[]).await;
    for action in [Action::KillNode, Action::RestartNode, Action::DrainNode] {
        let error = fixture.apply_error(action, "n7").await;
        assert_eq!(error.to_string(), "cannot find n7 in the cluster");
    }
}
