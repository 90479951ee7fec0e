//! What is true of RabbitMQ alone.

use lapin::{
    Connection, ConnectionProperties,
    options::QueueDeclareOptions,
    types::{FieldTable, ShortString},
};
use tokio::time::{sleep, timeout};

use super::{Amqp, names::Names};
use crate::backplane::remote::{
    Address, Carrier, CarrierError, Destination, Outgoing,
    conformance::{PATIENCE, Peer, address, shared},
};

type Node = Peer<Amqp>;

/// Somebody who looks into the broker from outside.
struct Witness {
    connection: Connection,
    names: Names,
}

impl Witness {
    async fn of(url: &str, address: &Address) -> Self {
        let properties = ConnectionProperties::default();
        Self {
            connection: Connection::connect(url, properties).await.unwrap(),
            names: Names::of(&address.cluster),
        }
    }

    /// Messages that wait in a node's queue; `None` when there is no queue.
    async fn waiting(&self, queue: &ShortString) -> Option<u32> {
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
    async fn sees(&self, queue: &ShortString, expected: Option<u32>) {
        let seen = timeout(PATIENCE, async {
            while self.waiting(queue).await != expected {
                sleep(std::time::Duration::from_millis(20)).await;
            }
        });
        let found = seen.await.is_ok();
        assert!(
            found,
            "{:?} instead of {expected:?}",
            self.waiting(queue).await
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_ends_with_a_clean_stop_or_by_a_survivor() {
    let broker = shared::<Amqp>();
    let address = address::<Amqp>(&broker.url());
    let witness = Witness::of(&broker.url(), &address).await;
    let survivor = Node::connect(&address, "s").await;

    let leaver = Node::connect(&address, "l").await;
    let queue = witness.names.inbox(&leaver.inbox);
    assert_eq!(witness.waiting(&queue).await, Some(0));
    leaver.carrier.close().await;
    assert_eq!(witness.waiting(&queue).await, None, "left behind");

    let killed = Node::connect(&address, "k").await;
    let (inbox, queue) = (killed.inbox.clone(), witness.names.inbox(&killed.inbox));
    drop(killed);
    survivor
        .send(Destination::Inbox(inbox.clone()), "late")
        .await;
    witness.sees(&queue, Some(1)).await;
    survivor.carrier.remove_inbox(&inbox).await.unwrap();
    assert_eq!(witness.waiting(&queue).await, None, "not removed");

    // One that only seemed dead is told.
    let mut paused = Node::connect(&address, "p").await;
    survivor.carrier.remove_inbox(&paused.inbox).await.unwrap();
    let end = paused.broken().await.to_string();
    assert!(end.contains("queue is gone"), "{end}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_nobody_reads_is_bounded() {
    let broker = shared::<Amqp>();
    let address = address::<Amqp>(&broker.url());
    let witness = Witness::of(&broker.url(), &address).await;
    let sender = Node::connect(&address, "s").await;
    for (frames, bytes, kept) in [(17_000, 10, 16_384), (20, 1024 * 1024, 16)] {
        let slow = Node::connect(&address, "slow").await;
        let (inbox, queue) = (slow.inbox.clone(), witness.names.inbox(&slow.inbox));
        drop(slow);
        let frames = (0..frames).map(|_| Outgoing {
            to: Destination::Inbox(inbox.clone()),
            frame: vec![0; bytes].into(),
        });
        sender.carrier.send(frames.collect()).await.unwrap();
        witness.sees(&queue, Some(kept)).await;
        sender.carrier.remove_inbox(&inbox).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_refuses_says_what_to_do() {
    let broker = shared::<Amqp>();
    let url = broker.url();
    for (url, to_do) in [
        (url.replace("guest:guest", "guest:wrong"), "USER:PASSWORD@"),
        (url.replace("%2f", "nowhere"), "add_vhost"),
    ] {
        match Node::try_connect(&address::<Amqp>(&url), "n")
            .await
            .map(drop)
        {
            Err(CarrierError::Unsuitable { hint, .. }) => assert!(hint.contains(to_do), "{hint}"),
            other => panic!("{url}: {other:?}"),
        }
    }
}
