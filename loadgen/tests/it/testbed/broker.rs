//! The broker between the nodes.

use std::net::TcpListener;

use highwater_loadgen::{
    error_chain::error_chain,
    testbed::{Testbed, TestbedError},
};
use highwater_process::Spawner;
use highwater_scenarios::plan::{Action, BROKER_NAME, BackplaneSpec, BrokerSpec};
use highwater_types::BrokerUrl;

use super::fixture::{TestbedFixture, exe, get, plan};
use crate::process::{is_gone, state, until};

/// Whether the nodes are connected to the broker, each by its own word.
async fn connected(bed: &TestbedFixture) -> Vec<bool> {
    let mut connected = Vec::new();
    for http in bed.http() {
        let nodes = get(&format!("{http}/nodes")).await.unwrap();
        connected.push(nodes.contains(r#""connected":true"#));
    }
    connected
}

#[tokio::test]
async fn the_broker_goes_and_comes_back_on_its_old_address() {
    let bed = TestbedFixture::start(2, &[]).await;
    let first = bed.pid(BROKER_NAME).unwrap();
    assert_eq!(connected(&bed).await, [true, true]);

    bed.apply(Action::KillBroker, BROKER_NAME).await;
    assert!(is_gone(first));
    assert_eq!(bed.pid(BROKER_NAME), None);
    for action in [Action::KillBroker, Action::PauseBroker] {
        let refusal = bed.apply_error(action, BROKER_NAME).await;
        assert!(matches!(refusal, TestbedError::NotRunning { .. }));
    }
    bed.apply(Action::RestartBroker, BROKER_NAME).await;
    assert_eq!(connected(&bed).await, [true, true], "they have met again");
    let second = bed.pid(BROKER_NAME).unwrap();
    assert_ne!(second, first);

    bed.apply(Action::PauseBroker, BROKER_NAME).await;
    until(|| state(second) == Some('T')).await;
    bed.apply(Action::ResumeBroker, BROKER_NAME).await;
    assert_eq!(connected(&bed).await, [true, true]);
    bed.apply(Action::RestartBroker, BROKER_NAME).await;
    assert!(is_gone(second));
    assert_eq!(
        bed.testbed.take_unexpected_exits(),
        [],
        "each end was asked for"
    );
    assert_eq!(
        bed.testbed.take_node_exits(),
        [],
        "and the broker is no node"
    );
    bed.testbed.stop().await;
}

#[tokio::test]
async fn nothing_is_done_to_a_broker_that_is_not_there() {
    let bed = TestbedFixture::start(1, &[]).await;
    let refusal = bed.apply_error(Action::KillBroker, BROKER_NAME).await;
    assert!(matches!(refusal, TestbedError::NoBroker));
}

#[tokio::test]
async fn a_broker_that_does_not_answer_is_told_of_before_anything_starts() {
    // Bound and closed again: nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .unwrap()
        .port();
    for (url, name) in [
        (format!("redis://me:s3cret@127.0.0.1:{port}"), "Redis"),
        (format!("nats://me:s3cret@127.0.0.1:{port}"), "NATS"),
        (format!("amqp://me:s3cret@127.0.0.1:{port}/%2f"), "RabbitMQ"),
    ] {
        let logs = tempfile::tempdir().unwrap();
        let (plan, mut cluster) = plan(2, &[]);
        cluster.backplane = BackplaneSpec::Broker(BrokerSpec {
            url: BrokerUrl::parse(&url).unwrap(),
            monitor: None,
            pid: None,
        });
        let spawner = Spawner::start().unwrap();
        let started = Testbed::start(&plan, &cluster, &exe(), spawner, logs.path()).await;
        let error = started.unwrap_err();
        let text = error_chain(&error);
        assert!(
            matches!(&error, TestbedError::BrokerUnreachable { name: found, .. } if *found == name),
            "{text}"
        );
        assert!(
            !text.contains("s3cret") && text.contains("***@127.0.0.1"),
            "{text}"
        );
        assert_eq!(std::fs::read_dir(logs.path()).unwrap().count(), 0);
    }
}
