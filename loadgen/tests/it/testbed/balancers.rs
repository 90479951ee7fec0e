//! Balancers of somebody else's in front of the nodes, as they are told of them.

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

/// A second node that is to come.
fn second() -> [EventSpec; 1] {
    [event(Action::AddNode, "n2")]
}

/// The address that the configuration gives a node; in HAProxy's words.
fn address_of(bed: &TestbedFixture, id: &str) -> SocketAddr {
    let configuration = bed.testbed.balancer_configuration().unwrap();
    let server = format!("server {id} ");
    let (_, rest) = configuration.split_once(&server).expect("it is named");
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_address_that_is_named_from_the_start_is_kept_for_its_node() {
    let bed =
        TestbedFixture::start_behind(BalancerKind::Haproxy, Join::Predeclared, 1, &second()).await;
    let address = address_of(&bed, "n2");
    let taken = TcpListener::bind(address).unwrap_err();
    assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    let refused = TcpStream::connect(address).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);

    bed.apply(Action::AddNode, "n2").await;
    get(&format!("http://{address}/readyz")).await.unwrap();
    bed.apply(Action::KillNode, "n2").await;
    bed.apply(Action::RestartNode, "n2").await;
    get(&format!("http://{address}/readyz")).await.unwrap();
    assert_eq!(bed.testbed.take_balancer_changes(), []);
    bed.testbed.stop().await;
}

#[tokio::test]
async fn what_could_not_be_told_is_told_the_next_time() {
    let bed =
        TestbedFixture::start_behind(BalancerKind::Haproxy, Join::Runtime, 1, &second()).await;
    bed.signal_externally("b1", Signal::SIGSTOP);
    let refusal = bed.apply_error(Action::AddNode, "n2").await;
    assert!(
        matches!(refusal, TestbedError::ChangeRejected { .. }),
        "{refusal}"
    );
    assert_eq!(bed.pid("n2"), None, "nobody would come to it");
    assert_eq!(bed.testbed.take_balancer_changes(), []);

    bed.signal_externally("b1", Signal::SIGCONT);
    bed.apply(Action::RestartNode, "n2").await;
    let told = bed.testbed.take_balancer_changes();
    assert_eq!(told.len(), 1);
    assert!(told[0].text.starts_with("add server nodes/n2 "), "{told:?}");
    bed.testbed.stop().await;
}

#[tokio::test]
async fn each_change_is_a_new_configuration_where_that_is_the_way() {
    for balancer in [BalancerKind::Nginx, BalancerKind::Haproxy] {
        let bed = TestbedFixture::start_behind(balancer, Join::Reload, 1, &second()).await;
        assert_eq!(bed.testbed.take_balancer_changes(), []);
        bed.apply(Action::AddNode, "n2").await;
        bed.apply(Action::DrainNode, "n1").await;
        let told = bed.testbed.take_balancer_changes();
        let [added, drained] = &told[..] else {
            panic!("{told:?}");
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
            bed.testbed
                .balancer_configuration()
                .as_ref()
                .map(|text| out_of_use(text)),
            Some(1)
        );
        // Through the balancer, to the one that is left.
        let answer = get(&format!("{}/nodes", bed.http()[0])).await.unwrap();
        assert!(answer.contains("n2"), "{answer}");
        bed.testbed.stop().await;
    }
}

#[tokio::test]
async fn a_balancer_that_loses_its_master_leaves_no_process() {
    for balancer in [BalancerKind::Nginx, BalancerKind::Haproxy] {
        let bed = TestbedFixture::start_behind(balancer, Join::Reload, 1, &second()).await;
        let master = bed.pid("b1").unwrap();
        let workers = fs::read_to_string(format!("/proc/{master}/task/{master}/children")).unwrap();
        let workers: Vec<u32> = workers
            .split_whitespace()
            .map(|pid| pid.parse().unwrap())
            .collect();
        assert!(!workers.is_empty());
        bed.kill_externally("b1");
        let ended = RefCell::new(Vec::new());
        until(|| {
            ended
                .borrow_mut()
                .extend(bed.testbed.take_unexpected_exits());
            !ended.borrow().is_empty()
        })
        .await;
        assert_eq!(ended.into_inner()[0].0, "b1");
        until(|| workers.iter().all(|pid| is_gone(*pid))).await;
        let refusal = bed.apply_error(Action::AddNode, "n2").await;
        assert_eq!(refusal.to_string(), "b1 is not running");
    }
}
