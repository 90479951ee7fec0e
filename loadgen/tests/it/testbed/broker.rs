//! The broker that joins the nodes.

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

/// Whether each node says that it is connected to the broker.
async fn connected(fixture: &TestbedFixture) -> Vec<bool> {
    let mut connected = Vec::new();
    for http in fixture.http() {
        let nodes = get(&format!("{http}/nodes")).await.unwrap();
        connected.push(nodes.contains(r#""connected":true"#));
    }
    connected
}

#[tokio::test]
async fn broker_restarts_at_its_old_address_and_nodes_reconnect() {
    let fixture = TestbedFixture::start(2, &[]).await;
    let first = fixture.pid(BROKER_NAME).unwrap();
    assert_eq!(connected(&fixture).await, [true, true]);

    fixture.apply(Action::KillBroker, BROKER_NAME).await;
    assert!(is_gone(first));
    assert_eq!(fixture.pid(BROKER_NAME), None);
    for action in [Action::KillBroker, Action::PauseBroker] {
        let error = fixture.apply_error(action, BROKER_NAME).await;
        assert!(matches!(error, TestbedError::NotRunning(_)));
    }
    fixture.apply(Action::RestartBroker, BROKER_NAME).await;
    assert_eq!(
        connected(&fixture).await,
        [true, true],
        "the nodes are joined again"
    );
    let second = fixture.pid(BROKER_NAME).unwrap();
    assert_ne!(second, first);

    fixture.apply(Action::PauseBroker, BROKER_NAME).await;
    until(|| state(second) == Some('T')).await;
    fixture.apply(Action::ResumeBroker, BROKER_NAME).await;
    assert_eq!(connected(&fixture).await, [true, true]);
    fixture.apply(Action::RestartBroker, BROKER_NAME).await;
    assert!(is_gone(second));
    assert_eq!(
        fixture.testbed.take_unexpected_exits(),
        [],
        "every exit was requested"
    );
    assert_eq!(
        fixture.testbed.take_node_exits(),
        [],
        "the broker is not a node"
    );
    fixture.testbed.stop().await;
}

#[tokio::test]
async fn broker_event_without_a_broker_is_an_error() {
    let fixture = TestbedFixture::start(1, &[]).await;
    let error = fixture.apply_error(Action::KillBroker, BROKER_NAME).await;
    assert!(matches!(error, TestbedError::NoBroker));
}

#[tokio::test]
async fn unreachable_broker_fails_the_start_before_any_process_starts() {
    // Bound and closed again, so no process listens there.
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
            ca: None,
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
