//! The embedded broker against peers that hang or do not read.

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

/// Limits under which a silent peer is removed soon.
fn impatient() -> BrokerConfig {
    BrokerConfig {
        ping_interval: Duration::from_millis(50),
        peer_timeout: Duration::from_millis(400),
        ..BrokerConfig::default()
    }
}

fn join_at(url: &str, id: &str) -> JoinedBackplane {
    let identity = Identity {
        id: id.parse().unwrap(),
        incarnation: 1,
        address: None,
        role: MemberRole::Node,
    };
    join(
        &BackplaneConfig::for_url(Some(url.parse().unwrap())),
        identity,
        CancellationToken::new(),
    )
}

async fn wait_for_members(joined: &JoinedBackplane, count: usize) {
    let mut view = joined.backplane.view();
    let seen = view.wait_for(|view| view.connected && view.members.len() == count);
    timeout(TEST_TIMEOUT, seen)
        .await
        .expect("the members do not appear")
        .unwrap();
}

#[tokio::test]
async fn node_that_answers_no_ping_is_removed() {
    let broker = TestBroker::start_at(any_port(), impatient());
    let alive = join_at(&broker.url(), "alive");
    wait_for_members(&alive, 1).await;
    // On a runtime that is no longer driven: connected, and hung.
    let hung = tokio::task::spawn_blocking({
        let url = broker.url();
        move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let joined = runtime.block_on(async {
                let joined = join_at(&url, "hung");
                wait_for_members(&joined, 2).await;
                joined
            });
            (runtime, joined)
        }
    });
    let (runtime, _joined) = hung.await.unwrap();
    wait_for_members(&alive, 1).await;
    runtime.shutdown_background();
}

/// The node sends nothing, so a failed write cannot reveal the hang.
#[tokio::test]
async fn hung_broker_is_given_up() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let broker = {
        let _inside = runtime.enter();
        TestBroker::start_at(any_port(), impatient())
    };
    let hang = Arc::new(Notify::new());
    // On a thread of its own, because a runtime cannot block inside another one.
    let driven = tokio::task::spawn_blocking({
        let hang = Arc::clone(&hang);
        move || {
            runtime.block_on(hang.notified());
            runtime
        }
    });
    let node = join_at(&broker.url(), "n");
    wait_for_members(&node, 1).await;
    hang.notify_one();
    let runtime = driven.await.unwrap();
    // Its connection is still open.
    let mut view = node.backplane.view();
    let given_up = timeout(TEST_TIMEOUT, view.wait_for(|view| !view.connected));
    given_up.await.expect("the node waits forever").unwrap();
    runtime.shutdown_background();
}

#[tokio::test]
async fn node_that_does_not_read_stalls_no_other_node() {
    let config = BrokerConfig {
        queue_bytes: 64 * 1024,
        ..BrokerConfig::default()
    };
    let broker = TestBroker::start_at(any_port(), config);
    let sender = join_at(&broker.url(), "sender");
    let mut reading = join_at(&broker.url(), "reading");
    // Its inbound channel is never read, so it stops reading its connection.
    let stalled = join_at(&broker.url(), "stalled");
    wait_for_members(&sender, 3).await;
    wait_for_members(&stalled, 3).await;
    let (to_stalled, to_reading) = ("stalled".parse().unwrap(), "reading".parse().unwrap());
    let big = Bytes::from(vec![0; 16 * 1024]);
    // 31 MiB, far more than the broker queues for a node.
    for _ in 0..2000 {
        while sender.backplane.send(&to_stalled, big.clone()) == Err(SendError::Full) {
            tokio::task::yield_now().await;
        }
    }
    while sender
        .backplane
        .send(&to_reading, Bytes::from_static(b"through"))
        .is_err()
    {
        tokio::task::yield_now().await;
    }
    assert!(
        timeout(TEST_TIMEOUT, reading.inbound.recv())
            .await
            .expect("stalled")
            .is_some()
    );
    let deadline = Instant::now() + Duration::from_millis(100);
    let lost = sender
        .backplane
        .request(&to_stalled, Bytes::new(), deadline)
        .await;
    assert!(lost.is_err(), "the stalled node answers");
}
