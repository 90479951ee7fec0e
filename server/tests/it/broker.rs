//! The broker's own promises: a hung or greedy node harms nobody else.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use highwater_server::{
    BrokerConfig,
    backplane::{BackplaneConfig, Identity, JoinedBackplane, MemberRole, SendError, join},
};
use tokio::{
    runtime::Builder,
    sync::Notify,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::rig::{TEST_TIMEOUT, TestBroker, any_port};

fn joined(broker: &TestBroker, id: &str, boot: u64) -> JoinedBackplane {
    let identity = Identity {
        id: id.parse().unwrap(),
        incarnation: boot,
        address: None,
        role: MemberRole::Node,
    };
    let url = broker.url().parse().unwrap();
    join(
        &BackplaneConfig::for_url(Some(url)),
        identity,
        CancellationToken::new(),
    )
}

async fn sees(joined: &JoinedBackplane, count: usize) {
    let mut view = joined.backplane.view();
    let seen = view.wait_for(|view| view.connected && view.members.len() == count);
    timeout(TEST_TIMEOUT, seen)
        .await
        .expect("the members are not seen")
        .unwrap();
}

#[tokio::test]
async fn a_node_that_answers_no_ping_is_dead() {
    let config = BrokerConfig {
        ping_interval: Duration::from_millis(50),
        peer_timeout: Duration::from_millis(400),
        ..BrokerConfig::default()
    };
    let broker = TestBroker::start_at(any_port(), config);
    let alive = joined(&broker, "alive", 1);
    sees(&alive, 1).await;
    // On a runtime that stops being driven: connected, and hung.
    let hung = tokio::task::spawn_blocking({
        let url = broker.url().parse().unwrap();
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let identity = Identity {
                id: "hung".parse().unwrap(),
                incarnation: 1,
                address: None,
                role: MemberRole::Node,
            };
            let joined = runtime.block_on(async {
                let joined = join(
                    &BackplaneConfig::for_url(Some(url)),
                    identity,
                    CancellationToken::new(),
                );
                sees(&joined, 2).await;
                joined
            });
            (runtime, joined)
        }
    });
    let (runtime, _joined) = hung.await.unwrap();
    sees(&alive, 1).await;
    runtime.shutdown_background();
}

/// One that has nothing to say would not notice by saying it.
#[tokio::test]
async fn a_broker_that_hangs_is_given_up() {
    let config = BrokerConfig {
        ping_interval: Duration::from_millis(50),
        peer_timeout: Duration::from_millis(400),
        ..BrokerConfig::default()
    };
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let broker = {
        let _inside = runtime.enter();
        TestBroker::start_at(any_port(), config)
    };
    let hang = Arc::new(Notify::new());
    let driven = tokio::task::spawn_blocking({
        let hang = Arc::clone(&hang);
        move || {
            runtime.block_on(hang.notified());
            runtime
        }
    });
    let node = joined(&broker, "n", 1);
    sees(&node, 1).await;
    hang.notify_one();
    let runtime = driven.await.unwrap();
    // Its connection still stands.
    let mut view = node.backplane.view();
    let given_up = timeout(TEST_TIMEOUT, view.wait_for(|view| !view.connected));
    given_up.await.expect("it waits for ever").unwrap();
    runtime.shutdown_background();
}

#[tokio::test]
async fn a_node_that_does_not_read_stalls_nobody() {
    let config = BrokerConfig {
        queue_bytes: 64 * 1024,
        ..BrokerConfig::default()
    };
    let broker = TestBroker::start_at(any_port(), config);
    let sender = joined(&broker, "sender", 1);
    let mut good = joined(&broker, "good", 1);
    // Its inbox is never read, so it stops reading its connection.
    let greedy = joined(&broker, "greedy", 1);
    sees(&sender, 3).await;
    sees(&greedy, 3).await;
    let (to_greedy, to_good) = ("greedy".parse().unwrap(), "good".parse().unwrap());
    let big = Bytes::from(vec![0; 16 * 1024]);
    for _ in 0..2000 {
        while sender.backplane.send(&to_greedy, big.clone()) == Err(SendError::Full) {
            tokio::task::yield_now().await;
        }
    }
    while sender
        .backplane
        .send(&to_good, Bytes::from_static(b"through"))
        .is_err()
    {
        tokio::task::yield_now().await;
    }
    assert!(
        timeout(TEST_TIMEOUT, good.inbound.recv())
            .await
            .expect("stalled")
            .is_some()
    );
    let deadline = Instant::now() + Duration::from_millis(100);
    let lost = sender
        .backplane
        .request(&to_greedy, Bytes::new(), deadline)
        .await;
    assert!(lost.is_err(), "nobody answers there");
}
