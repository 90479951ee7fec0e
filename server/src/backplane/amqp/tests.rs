//! What is true of RabbitMQ alone.

use std::{process::Command, sync::Arc, time::Duration};

use highwater_services::{RabbitMqService, Service};
use lapin::{
    Connection, ConnectionProperties,
    options::QueueDeclareOptions,
    types::{FieldTable, ShortString},
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{AmqpTransport, names::AmqpNames};
use crate::backplane::{
    BackplaneConfig, Identity, Inbound, JoinedBackplane, MemberRole, View, join,
    remote::{
        ClusterAddress, Destination, OutboundFrame, Transport, TransportError,
        conformance::{TEST_TIMEOUT, TransportPeer, address, shared},
    },
};

type AmqpPeer = TransportPeer<AmqpTransport>;

/// Somebody who looks into the broker from outside.
struct QueueInspector {
    connection: Connection,
    names: AmqpNames,
}

impl QueueInspector {
    async fn of(url: &str, address: &ClusterAddress) -> Self {
        let properties = ConnectionProperties::default();
        Self {
            connection: Connection::connect(url, properties).await.unwrap(),
            names: AmqpNames::new(&address.cluster),
        }
    }

    /// Messages that wait in a node's queue; `None` when there is no queue.
    async fn queued_messages(&self, queue: &ShortString) -> Option<u32> {
        let passive = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        let channel = self.connection.create_channel().await.unwrap();
        let found = channel
            .queue_declare(queue.clone(), passive, FieldTable::default())
            .await;
        found.ok().map(|queue| queue.message_count())
    }

    /// Waits until that many messages wait in the queue.
    async fn wait_for_queued(&self, queue: &ShortString, expected: Option<u32>) {
        let seen = timeout(TEST_TIMEOUT, async {
            while self.queued_messages(queue).await != expected {
                sleep(Duration::from_millis(20)).await;
            }
        });
        let found = seen.await.is_ok();
        assert!(
            found,
            "{:?} instead of {expected:?}",
            self.queued_messages(queue).await
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_ends_with_a_clean_stop_or_by_a_survivor() {
    let broker = shared::<AmqpTransport>();
    let address = address::<AmqpTransport>(&broker.url());
    let witness = QueueInspector::of(&broker.url(), &address).await;
    let survivor = AmqpPeer::connect(&address, "s").await;

    let leaver = AmqpPeer::connect(&address, "l").await;
    let queue = witness.names.inbox(&leaver.inbox);
    assert_eq!(witness.queued_messages(&queue).await, Some(0));
    leaver.transport.close().await;
    assert_eq!(witness.queued_messages(&queue).await, None, "left behind");

    let killed = AmqpPeer::connect(&address, "k").await;
    let (inbox, queue) = (killed.inbox.clone(), witness.names.inbox(&killed.inbox));
    drop(killed);
    survivor
        .send(Destination::Inbox(inbox.clone()), "late")
        .await;
    witness.wait_for_queued(&queue, Some(1)).await;
    survivor.transport.remove_inbox(&inbox).await.unwrap();
    assert_eq!(witness.queued_messages(&queue).await, None, "not removed");

    // One that only seemed dead is told.
    let mut paused = AmqpPeer::connect(&address, "p").await;
    survivor
        .transport
        .remove_inbox(&paused.inbox)
        .await
        .unwrap();
    let end = paused.wait_closed().await.to_string();
    assert!(end.contains("queue is gone"), "{end}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_nobody_reads_is_bounded() {
    let broker = shared::<AmqpTransport>();
    let address = address::<AmqpTransport>(&broker.url());
    let witness = QueueInspector::of(&broker.url(), &address).await;
    let sender = AmqpPeer::connect(&address, "s").await;
    for (frames, bytes, kept) in [(17_000, 10, 16_384), (20, 1024 * 1024, 16)] {
        let slow = AmqpPeer::connect(&address, "slow").await;
        let (inbox, queue) = (slow.inbox.clone(), witness.names.inbox(&slow.inbox));
        drop(slow);
        let frames = (0..frames).map(|_| OutboundFrame {
            to: Destination::Inbox(inbox.clone()),
            frame: vec![0; bytes].into(),
        });
        sender.transport.send(frames.collect()).await.unwrap();
        witness.wait_for_queued(&queue, Some(kept)).await;
        sender.transport.remove_inbox(&inbox).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_refuses_says_what_to_do() {
    let broker = shared::<AmqpTransport>();
    let url = broker.url();
    for (url, to_do) in [
        (url.replace("guest:guest", "guest:wrong"), "USER:PASSWORD@"),
        (url.replace("%2f", "nowhere"), "add_vhost"),
    ] {
        match AmqpPeer::try_connect(&address::<AmqpTransport>(&url), "n")
            .await
            .map(drop)
        {
            Err(TransportError::Unsuitable { hint, .. }) => assert!(hint.contains(to_do), "{hint}"),
            other => panic!("{url}: {other:?}"),
        }
    }
}

/// Has the broker find that it has no memory left, or that it has.
async fn alarm(broker: &Arc<Service>, watermark: &'static str) {
    let broker = Arc::clone(broker);
    let done = tokio::task::spawn_blocking(move || {
        broker.control(&["set_vm_memory_high_watermark", watermark])
    });
    done.await.unwrap().unwrap();
}

/// The names that connections to the broker go by.
fn connections(broker: &Service) -> Vec<String> {
    let url = format!("{}/api/connections", broker.admin_url().unwrap());
    let output = Command::new("curl").args(["-sSf", &url]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let all: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let name = |it: &serde_json::Value| {
        let name = it["client_properties"]["connection_name"].as_str();
        name.map(str::to_owned)
    };
    all.iter().filter_map(name).collect()
}

async fn member(broker: &Service, id: &str) -> JoinedBackplane {
    let identity = Identity {
        id: id.parse().unwrap(),
        incarnation: 1,
        address: None,
        role: MemberRole::Node,
    };
    let config = BackplaneConfig::for_url(Some(broker.url().parse().unwrap()));
    join(&config, identity, CancellationToken::new())
}

/// Waits until these are so; the broker counts them every five seconds.
async fn connections_are(
    broker: &Service,
    what: &str,
    so: impl Fn(&[String]) -> bool,
) -> Vec<String> {
    let counted = timeout(TEST_TIMEOUT, async {
        loop {
            let found = connections(broker);
            if so(&found) {
                return found;
            }
            sleep(Duration::from_millis(100)).await;
        }
    });
    let found = counted.await;
    found.unwrap_or_else(|_| panic!("in vain: {what}: {:?}", connections(broker)))
}

async fn sees(member: &JoinedBackplane, what: &str, so: impl FnMut(&Arc<View>) -> bool) {
    let mut views = member.backplane.view();
    let seen = timeout(TEST_TIMEOUT, views.wait_for(so)).await;
    seen.unwrap_or_else(|_| panic!("in vain: {what}")).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_memory_alarm_ends_membership_leaves_nothing_and_passes() {
    let broker = Arc::new(RabbitMqService::start().unwrap());
    let [a, mut b] = [member(&broker, "a").await, member(&broker, "b").await];
    let both = |view: &Arc<View>| view.connected && view.members.len() == 2;
    for member in [&a, &b] {
        sees(member, "each other", both).await;
    }
    let before = connections_are(&broker, "two for each", |found| found.len() == 4).await;

    alarm(&broker, "0").await;
    for member in [&a, &b] {
        sees(member, "that nothing goes through", |view| !view.connected).await;
    }
    // While it lasts: the client library would wait for its end.
    let gone = |found: &[String]| !found.iter().any(|it| before.contains(it));
    connections_are(&broker, "the end of the first ones", gone).await;

    alarm(&broker, "0.4").await;
    for member in [&a, &b] {
        sees(member, "each other again", both).await;
    }
    // One may still have seen the other's seat of before: what is sent there is lost.
    let to = "b".parse().unwrap();
    let through = async {
        loop {
            a.backplane.send(&to, "through".into()).unwrap();
            if let Ok(arrived) = timeout(Duration::from_millis(100), b.inbound.recv()).await {
                return arrived;
            }
        }
    };
    let arrived = timeout(TEST_TIMEOUT, through).await.unwrap();
    assert!(
        matches!(&arrived, Some(Inbound::Message { payload, .. }) if payload == "through"),
        "{arrived:?}"
    );
}
