//! The brokers, and a node's end of a transport.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use highwater_services::Service;
use highwater_types::BrokerUrl;
use parking_lot::Mutex;
use tokio::time::timeout;

use super::super::{
    ClusterAddress, Destination, InboundFrame, Inbox, OutboundFrame, Transport, TransportError,
    inbound::{InboundReceiver, inbound_channel},
};
use crate::id::ClusterName;

/// The time after which a test fails. Nothing takes this long.
pub(in crate::backplane) const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A transport and its broker.
pub(in crate::backplane) trait ConformanceTarget: Transport {
    /// Starts a broker.
    fn start() -> Service;

    /// Returns the broker that tests share, if they do not kill it.
    fn shared() -> &'static Mutex<Weak<Service>>;

    fn server_url(url: &str) -> BrokerUrl;

    /// Deletes the cluster's membership table, as an operator would.
    fn delete_table(url: &str, cluster: &ClusterName) -> impl Future<Output = ()> + Send;
}

/// Returns the broker that tests share. The first of the tests that run at the same time
/// starts it, and the last one ends it.
pub(in crate::backplane) fn shared<K: ConformanceTarget>() -> Arc<Service> {
    let mut shared = K::shared().lock();
    if let Some(running) = shared.upgrade() {
        return running;
    }
    let started = Arc::new(K::start());
    *shared = Arc::downgrade(&started);
    started
}

/// Returns a cluster of its own at the broker.
pub(in crate::backplane) fn address<K: ConformanceTarget>(url: &str) -> ClusterAddress {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let cluster: ClusterName = format!("c{}", NEXT.fetch_add(1, Relaxed)).parse().unwrap();
    let server = K::server_url(url);
    ClusterAddress { server, cluster }
}

/// A node's end of a transport.
pub(in crate::backplane) struct TransportPeer<K> {
    pub(in crate::backplane) inbox: Inbox,
    pub(in crate::backplane) transport: K,
    pub(super) inbound: InboundReceiver,
}

impl<K: ConformanceTarget> TransportPeer<K> {
    pub(in crate::backplane) async fn connect(address: &ClusterAddress, node: &str) -> Self {
        let connected = timeout(TEST_TIMEOUT, Self::try_connect(address, node)).await;
        connected.unwrap().unwrap()
    }

    pub(in crate::backplane) async fn try_connect(
        address: &ClusterAddress,
        node: &str,
    ) -> Result<Self, TransportError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let inbox = Inbox {
            node: node.parse().unwrap(),
            incarnation: 1,
            connection: NEXT.fetch_add(1, Relaxed),
        };
        let (sender, inbound) = inbound_channel(&Arc::default());
        let transport = K::connect(address, &inbox, sender).await?;
        Ok(Self {
            inbox,
            transport,
            inbound,
        })
    }

    pub(in crate::backplane) async fn send(&self, to: Destination, frame: impl Into<Bytes>) {
        let frame = frame.into();
        self.transport
            .send(vec![OutboundFrame { to, frame }])
            .await
            .unwrap();
    }

    pub(in crate::backplane) async fn next(&mut self) -> InboundFrame {
        let next = timeout(TEST_TIMEOUT, self.inbound.next()).await;
        next.expect("no frame arrived").unwrap()
    }

    pub(in crate::backplane) async fn expect_next(&mut self, expected: &str) {
        let (InboundFrame::Inbox(frame)
        | InboundFrame::Everyone(frame)
        | InboundFrame::Topic(_, frame)) = self.next().await;
        assert_eq!(frame, expected.as_bytes());
    }

    /// Waits for the end of the connection and returns its reason.
    pub(in crate::backplane) async fn wait_closed(&mut self) -> TransportError {
        let ended = async {
            loop {
                if let Err(end) = self.inbound.next().await {
                    return end;
                }
            }
        };
        timeout(TEST_TIMEOUT, ended)
            .await
            .expect("the connection did not end")
    }

    pub(in crate::backplane) fn destination(&self) -> Destination {
        Destination::Inbox(self.inbox.clone())
    }
}

#[cfg(feature = "redis")]
impl ConformanceTarget for crate::backplane::redis::RedisTransport {
    fn start() -> Service {
        let persistent = highwater_services::RedisOptions { persistent: true };
        highwater_services::RedisService::start(persistent).unwrap()
    }

    fn shared() -> &'static Mutex<Weak<Service>> {
        static SHARED: Mutex<Weak<Service>> = Mutex::new(Weak::new());
        &SHARED
    }

    fn server_url(url: &str) -> BrokerUrl {
        match url.parse() {
            Ok(crate::backplane::BackplaneUrl::Redis(server)) => server,
            other => panic!("{other:?}"),
        }
    }

    async fn delete_table(url: &str, cluster: &ClusterName) {
        let client = redis::Client::open(url).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut delete = redis::cmd("DEL");
        delete.arg(format!("highwater:{cluster}:membership_table"));
        let deleted: u32 = delete.query_async(&mut connection).await.unwrap();
        assert_eq!(deleted, 1, "there was no table");
    }
}

#[cfg(feature = "nats")]
impl ConformanceTarget for crate::backplane::nats::NatsTransport {
    fn start() -> Service {
        highwater_services::NatsService::start().unwrap()
    }

    fn shared() -> &'static Mutex<Weak<Service>> {
        static SHARED: Mutex<Weak<Service>> = Mutex::new(Weak::new());
        &SHARED
    }

    fn server_url(url: &str) -> BrokerUrl {
        match url.parse() {
            Ok(crate::backplane::BackplaneUrl::Nats(server)) => server,
            other => panic!("{other:?}"),
        }
    }

    async fn delete_table(url: &str, cluster: &ClusterName) {
        let client = async_nats::connect(url).await.unwrap();
        let streams = async_nats::jetstream::new(client);
        let bucket = format!("highwater-{cluster}");
        streams.delete_key_value(bucket).await.unwrap();
    }
}

#[cfg(feature = "amqp")]
impl ConformanceTarget for crate::backplane::amqp::AmqpTransport {
    fn start() -> Service {
        highwater_services::RabbitMqService::start().unwrap()
    }

    fn shared() -> &'static Mutex<Weak<Service>> {
        static SHARED: Mutex<Weak<Service>> = Mutex::new(Weak::new());
        &SHARED
    }

    fn server_url(url: &str) -> BrokerUrl {
        match url.parse() {
            Ok(crate::backplane::BackplaneUrl::Amqp(server)) => server,
            other => panic!("{other:?}"),
        }
    }

    async fn delete_table(url: &str, cluster: &ClusterName) {
        let properties = lapin::ConnectionProperties::default();
        let connection = lapin::Connection::connect(url, properties).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let queue = format!("highwater.{cluster}.membership_table");
        let deleted = channel.queue_delete(queue.into(), Default::default()).await;
        assert_eq!(deleted.unwrap(), 1, "the queue had no table");
    }
}
