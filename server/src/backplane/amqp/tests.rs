//! Tests of behaviour that only RabbitMQ has.

use std::{process::Command, sync::Arc, time::Duration};

use highwater_services::{RabbitMqClusterService, RabbitMqService, Service, ServiceKind};
use lapin::{
    Connection, ConnectionProperties,
    options::QueueDeclareOptions,
    types::{FieldTable, ShortString},
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{AmqpTransport, names::AmqpNames};
use crate::{
    backplane::{
        BackplaneConfig, Identity, Inbound, JoinedBackplane, View, join,
        remote::{
            ClusterAddress, Destination, OutboundFrame, Transport, TransportError,
            conformance::{
                ConformanceTarget, TEST_TIMEOUT, TransportPeer, address, join_member, shared,
                wait_for_view, wait_until_joined,
            },
        },
    },
    id::ClusterName,
};

type AmqpPeer = TransportPeer<AmqpTransport>;

impl ConformanceTarget for AmqpTransport {
    const SERVICE: ServiceKind = ServiceKind::RabbitMq;

    async fn delete_table(url: &str, cluster: &ClusterName) {
        let properties = ConnectionProperties::default();
        let connection = Connection::connect(url, properties).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let queue = format!("highwater.{cluster}.membership_table");
        let deleted = channel.queue_delete(queue.into(), Default::default()).await;
        assert_eq!(deleted.unwrap(), 1, "the queue had no table");
    }
}

/// A client that inspects queues at the broker.
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

    /// Returns the messages that wait in a node's queue, or `None` without a queue.
    async fn queued_messages(&self, queue: &ShortString) -> Option<u32> {
        let passive = QueueDeclareOptions::default().passive();
        let channel = self.connection.create_channel().await.unwrap();
        let found = channel.queue_declare(queue.clone(), passive, FieldTable::default());
        Some(found.await.ok()?.message_count())
    }

    /// Waits until that many messages wait in the queue.
    async fn wait_for_queued(&self, queue: &ShortString, expected: Option<u32>) {
        let seen = timeout(TEST_TIMEOUT, async {
            while self.queued_messages(queue).await != expected {
                sleep(Duration::from_millis(20)).await;
            }
        });
        if seen.await.is_err() {
            let found = self.queued_messages(queue).await;
            panic!("{found:?} instead of {expected:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queue_is_deleted_by_leaving_in_order_or_by_a_survivor() {
    let broker = shared::<AmqpTransport>();
    let address = address(&broker.url());
    let inspector = QueueInspector::of(&broker.url(), &address).await;
    let survivor = AmqpPeer::connect(&address, "s").await;

    let leaver = AmqpPeer::connect(&address, "l").await;
    let queue = inspector.names.inbox(&leaver.inbox);
    assert_eq!(inspector.queued_messages(&queue).await, Some(0));
    leaver.transport.close().await;
    assert_eq!(
        inspector.queued_messages(&queue).await,
        None,
        "the queue was left behind"
    );

    let killed = AmqpPeer::connect(&address, "k").await;
    let (inbox, queue) = (killed.inbox.clone(), inspector.names.inbox(&killed.inbox));
    drop(killed);
    survivor
        .send(Destination::Inbox(inbox.clone()), "late")
        .await;
    inspector.wait_for_queued(&queue, Some(1)).await;
    survivor.transport.remove_inbox(&inbox).await.unwrap();
    assert_eq!(
        inspector.queued_messages(&queue).await,
        None,
        "the queue was not removed"
    );

    // A node that was only paused detects it.
    let mut paused = AmqpPeer::connect(&address, "p").await;
    survivor
        .transport
        .remove_inbox(&paused.inbox)
        .await
        .unwrap();
    let end = paused.wait_closed().await.to_string();
    assert!(end.contains("queue was deleted"), "{end}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queue_without_a_reader_is_bounded() {
    let broker = shared::<AmqpTransport>();
    let address = address(&broker.url());
    let inspector = QueueInspector::of(&broker.url(), &address).await;
    let sender = AmqpPeer::connect(&address, "s").await;
    for (frames, bytes, kept) in [(17_000, 10, 16_384), (20, 1024 * 1024, 16)] {
        let slow = AmqpPeer::connect(&address, "slow").await;
        let (inbox, queue) = (slow.inbox.clone(), inspector.names.inbox(&slow.inbox));
        drop(slow);
        let frames = (0..frames).map(|_| OutboundFrame {
            to: Destination::Inbox(inbox.clone()),
            frame: vec![0; bytes].into(),
        });
        sender.transport.send(frames.collect()).await.unwrap();
        inspector.wait_for_queued(&queue, Some(kept)).await;
        sender.transport.remove_inbox(&inbox).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejected_credentials_and_virtual_host_have_a_hint() {
    let broker = shared::<AmqpTransport>();
    let url = broker.url();
    for (url, expected_hint) in [
        (url.replace("guest:guest", "guest:wrong"), "USER:PASSWORD@"),
        (url.replace("%2f", "nowhere"), "add_vhost"),
    ] {
        let error = AmqpPeer::try_connect(&address(&url), "n")
            .await
            .err()
            .unwrap();
        let TransportError::Unsuitable { hint, .. } = error else {
            panic!("{url}: {error:?}")
        };
        assert!(hint.contains(expected_hint), "{hint}");
    }
}

/// Sets the broker's memory watermark: `0` raises an alarm, `0.4` ends it.
async fn set_watermark(broker: &Arc<Service>, watermark: &'static str) {
    let broker = Arc::clone(broker);
    let set = tokio::task::spawn_blocking(move || {
        broker.control(&["set_vm_memory_high_watermark", watermark])
    });
    set.await.unwrap().unwrap();
}

/// Returns the names of the connections at the broker.
fn connections(broker: &Service) -> Vec<String> {
    let url = format!("{}/api/connections", broker.admin_url().unwrap());
    let output = Command::new("curl").args(["-sSf", &url]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let all: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let name = |connection: &serde_json::Value| {
        let name = connection["client_properties"]["connection_name"].as_str();
        name.map(str::to_owned)
    };
    all.iter().filter_map(name).collect()
}

async fn member(broker: &Service, id: &str) -> JoinedBackplane {
    let config = BackplaneConfig::for_url(Some(broker.url().parse().unwrap()));
    join(&config, Identity::of_node(id, 1), CancellationToken::new())
}

/// Waits for a condition on the connections. The broker counts them every five seconds.
async fn wait_for_connections(
    broker: &Service,
    what: &str,
    condition: impl Fn(&[String]) -> bool,
) -> Vec<String> {
    let counted = timeout(TEST_TIMEOUT, async {
        loop {
            let found = connections(broker);
            if condition(&found) {
                return found;
            }
            sleep(Duration::from_millis(100)).await;
        }
    });
    let found = counted.await;
    found.unwrap_or_else(|_| panic!("{what} did not appear: {:?}", connections(broker)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_alarm_ends_memberships_until_it_is_over() {
    let broker = Arc::new(RabbitMqService::start().unwrap());
    let [a, mut b] = [member(&broker, "a").await, member(&broker, "b").await];
    let both = |view: &Arc<View>| view.connected && view.members.len() == 2;
    for member in [&a, &b] {
        wait_for_view(member, "the other node", both).await;
    }
    let before = wait_for_connections(&broker, "two connections per node", |found| {
        found.len() == 4
    })
    .await;

    set_watermark(&broker, "0").await;
    for member in [&a, &b] {
        wait_for_view(member, "the loss", |view| !view.connected).await;
    }
    // During the alarm, for whose end the client library would wait.
    let have_ended = |found: &[String]| !found.iter().any(|name| before.contains(name));
    wait_for_connections(&broker, "the end of the first connections", have_ended).await;

    set_watermark(&broker, "0.4").await;
    for member in [&a, &b] {
        wait_for_view(member, "the other node again", both).await;
    }
    // A join that took longer than the lease, because of the alarm, is lost at once and
    // repeated. `a` may also still see the former entry of `b`. Neither lasts.
    let to = "b".parse().unwrap();
    let through = async {
        loop {
            let _ = a.backplane.send(&to, "through".into());
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

/// Two of three servers die, one after the other, and with each the inboxes that it stored. A
/// policy mirrors the membership table alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loss_of_servers_of_a_cluster_is_survived() {
    let mut servers = RabbitMqClusterService::start().unwrap();
    let mirrored = [
        "set_policy",
        "highwater",
        r"^highwater\..*\.membership_table$",
        r#"{"ha-mode":"all"}"#,
    ];
    servers.control(&mirrored).unwrap();
    let (url, cluster) = (servers.url(), address(&servers.url()).cluster);
    let [a, mut b] = ["a", "b"].map(|id| join_member(&url, &cluster, id));
    wait_until_joined(&a, &mut b, 0).await;
    let pids = servers.pids();
    for (pid, text) in pids[1..].iter().zip(["first", "second"]) {
        servers.kill_one(*pid);
        // A new text for each loss: an earlier message may still be on its way.
        wait_until_delivered(&a, &mut b, text).await;
    }
}

/// Waits until a message of `a` reaches `b`.
async fn wait_until_delivered(a: &JoinedBackplane, b: &mut JoinedBackplane, text: &'static str) {
    let to = "b".parse().unwrap();
    let delivered = timeout(TEST_TIMEOUT, async {
        loop {
            // Lost while one of them is not connected.
            let _ = a.backplane.send(&to, text.into());
            let received = timeout(Duration::from_millis(100), b.inbound.recv()).await;
            if let Ok(Some(Inbound::Message { payload, .. })) = received
                && payload == text
            {
                return;
            }
        }
    });
    let delivered = delivered.await;
    delivered.unwrap_or_else(|_| panic!("the message after the {text} loss did not arrive"));
}
