//! nginx and HAProxy in front of the nodes, and the changes that they receive.

use std::{
    cell::RefCell,
    fs, io,
    net::{SocketAddr, TcpListener, TcpStream},
};

use highwater_loadgen::testbed::TestbedError;
use highwater_process::Signal;
use highwater_scenarios::plan::{Action, BalancerKind, EventSpec, Join};

use super::fixture::{TestbedFixture, event, get};
use crate::process::{is_gone, until};

/// An event that adds a second node.
fn second_node() -> [EventSpec; 1] {
    [event(Action::AddNode, "n2")]
}

/// The address of a node in HAProxy's configuration.
fn address_of(fixture: &TestbedFixture, id: &str) -> SocketAddr {
    let configuration = fixture.testbed.balancer_configuration().unwrap();
    let server = format!("server {id} ");
    let (_, rest) = configuration.split_once(&server).expect("it is named");
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn predeclared_address_is_reserved_until_its_node_starts() {
    let fixture =
        TestbedFixture::start_behind(BalancerKind::Haproxy, Join::Predeclared, 1, &second_node())
            .await;
    let address = address_of(&fixture, "n2");
    let taken = TcpListener::bind(address).unwrap_err();
    assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    let refused = TcpStream::connect(address).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);

    fixture.apply(Action::AddNode, "n2").await;
    get(&format!("http://{address}/readyz")).await.unwrap();
    fixture.apply(Action::KillNode, "n2").await;
    fixture.apply(Action::RestartNode, "n2").await;
    get(&format!("http://{address}/readyz")).await.unwrap();
    assert_eq!(fixture.testbed.take_balancer_changes(), []);
    fixture.testbed.stop().await;
}

#[tokio::test]
async fn failed_change_is_sent_again_at_the_next_event() {
    let fixture =
        TestbedFixture::start_behind(BalancerKind::Haproxy, Join::Runtime, 1, &second_node()).await;
    fixture.signal_externally("b1", Signal::SIGSTOP);
    let error = fixture.apply_error(Action::AddNode, "n2").await;
    assert!(
        matches!(error, TestbedError::ChangeRejected { .. }),
        "{error}"
    );
    assert_eq!(fixture.pid("n2"), None, "no client would reach it");
    assert_eq!(fixture.testbed.take_balancer_changes(), []);

    fixture.signal_externally("b1", Signal::SIGCONT);
    fixture.apply(Action::RestartNode, "n2").await;
    let changes = fixture.testbed.take_balancer_changes();
    assert_eq!(changes.len(), 1);
    assert!(
        changes[0].text.starts_with("add server nodes/n2 "),
        "{changes:?}"
    );
    fixture.testbed.stop().await;
}

#[tokio::test]
async fn reload_sends_the_whole_configuration_at_each_change() {
    for balancer in [BalancerKind::Nginx, BalancerKind::Haproxy] {
        let fixture = TestbedFixture::start_behind(balancer, Join::Reload, 1, &second_node()).await;
        assert_eq!(fixture.testbed.take_balancer_changes(), []);
        fixture.apply(Action::AddNode, "n2").await;
        fixture.apply(Action::DrainNode, "n1").await;
        let changes = fixture.testbed.take_balancer_changes();
        let [added, drained] = &changes[..] else {
            panic!("{changes:?}");
        };
        for text in [&added.text, &drained.text] {
            assert!(text.contains("n1") && text.contains("n2"), "{text}");
        }
        let out_of_use = |text: &str| {
            let lines = text
                .lines()
                .filter(|line| line.trim().starts_with("server "));
            let out = lines.filter(|line| line.contains(" down;") || line.ends_with(" disabled"));
            out.count()
        };
        assert_eq!(
            [&added.text, &drained.text].map(|text| out_of_use(text)),
            [0, 1]
        );
        assert_eq!(
            fixture
                .testbed
                .balancer_configuration()
                .as_ref()
                .map(|text| out_of_use(text)),
            Some(1)
        );
        // The request goes through the balancer to the node that is left.
        let answer = get(&format!("{}/nodes", fixture.http()[0])).await.unwrap();
        assert!(answer.contains("n2"), "{answer}");
        fixture.testbed.stop().await;
    }
}

#[tokio::test]
async fn killed_master_leaves_no_worker_process() {
    for balancer in [BalancerKind::Nginx, BalancerKind::Haproxy] {
        let fixture = TestbedFixture::start_behind(balancer, Join::Reload, 1, &second_node()).await;
        let master = fixture.pid("b1").unwrap();
        let workers = fs::read_to_string(format!("/proc/{master}/task/{master}/children")).unwrap();
        let workers: Vec<u32> = workers
            .split_whitespace()
            .map(|pid| pid.parse().unwrap())
            .collect();
        assert!(!workers.is_empty());
        fixture.kill_externally("b1");
        let exits = RefCell::new(Vec::new());
        until(|| {
            exits
                .borrow_mut()
                .extend(fixture.testbed.take_unexpected_exits());
            !exits.borrow().is_empty()
        })
        .await;
        assert_eq!(exits.into_inner()[0].0, "b1");
        until(|| workers.iter().all(|pid| is_gone(*pid))).await;
        let error = fixture.apply_error(Action::AddNode, "n2").await;
        assert_eq!(error.to_string(), "cannot change b1: it is not running");
    }
}
