//! Brokers, and a node's end of a carrier.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use highwater_services::Service;
use tokio::time::timeout;

use super::super::{
    Address, Arrived, Carrier, CarrierError, Destination, Inbox, Outgoing,
    inbound::{Arrivals, arrivals},
};
use crate::{backplane::ServerUrl, id::ClusterName};

/// Nothing here takes this long; a test that waits for it has failed.
pub(in crate::backplane) const PATIENCE: Duration = Duration::from_secs(60);

/// A carrier and the broker it is for.
pub(in crate::backplane) trait Kind: Carrier {
    /// Starts a broker.
    fn start() -> Service;

    /// The broker that tests share which leave it in one piece, while there are any.
    fn shared() -> &'static Mutex<Weak<Service>>;

    fn server_url(url: &str) -> ServerUrl;

    /// Removes the cluster's roster behind everybody's back.
    fn delete_roster(url: &str, cluster: &ClusterName) -> impl Future<Output = ()> + Send;
}

/// The broker that tests share: started by the first, ended by the last of those
/// that run at the same time.
pub(in crate::backplane) fn shared<K: Kind>() -> Arc<Service> {
    let mut shared = K::shared().lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(running) = shared.upgrade() {
        return running;
    }
    let started = Arc::new(K::start());
    *shared = Arc::downgrade(&started);
    started
}

/// A place of its own at the broker.
pub(in crate::backplane) fn address<K: Kind>(url: &str) -> Address {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let cluster: ClusterName = format!("c{}", NEXT.fetch_add(1, Relaxed)).parse().unwrap();
    let server = K::server_url(url);
    Address { server, cluster }
}

/// A node's end.
pub(in crate::backplane) struct Peer<K> {
    pub(in crate::backplane) inbox: Inbox,
    pub(in crate::backplane) carrier: K,
    pub(super) arrivals: Arrivals,
}

impl<K: Kind> Peer<K> {
    pub(in crate::backplane) async fn connect(address: &Address, node: &str) -> Self {
        let connected = timeout(PATIENCE, Self::try_connect(address, node)).await;
        connected.unwrap().unwrap()
    }

    pub(in crate::backplane) async fn try_connect(
        address: &Address,
        node: &str,
    ) -> Result<Self, CarrierError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let inbox = Inbox {
            node: node.parse().unwrap(),
            boot: 1,
            connection: NEXT.fetch_add(1, Relaxed),
        };
        let (intake, arrivals) = arrivals(&Arc::default());
        let carrier = K::connect(address, &inbox, intake).await?;
        Ok(Self {
            inbox,
            carrier,
            arrivals,
        })
    }

    pub(in crate::backplane) async fn send(&self, to: Destination, frame: impl Into<Bytes>) {
        let frame = frame.into();
        self.carrier
            .send(vec![Outgoing { to, frame }])
            .await
            .unwrap();
    }

    pub(in crate::backplane) async fn next(&mut self) -> Arrived {
        let next = timeout(PATIENCE, self.arrivals.next()).await;
        next.expect("nothing came").unwrap()
    }

    pub(in crate::backplane) async fn next_is(&mut self, expected: &str) {
        let (Arrived::Inbox(frame) | Arrived::Everyone(frame) | Arrived::Topic(_, frame)) =
            self.next().await;
        assert_eq!(frame, expected.as_bytes());
    }

    /// Waits until the connection is over.
    pub(in crate::backplane) async fn broken(&mut self) -> CarrierError {
        let ended = async {
            loop {
                if let Err(end) = self.arrivals.next().await {
                    return end;
                }
            }
        };
        timeout(PATIENCE, ended).await.expect("nobody told")
    }

    pub(in crate::backplane) fn to(&self) -> Destination {
        Destination::Inbox(self.inbox.clone())
    }
}

#[cfg(feature = "redis")]
impl Kind for crate::backplane::redis::Redis {
    fn start() -> Service {
        let persistent = highwater_services::RedisOptions { persistent: true };
        highwater_services::Redis::start(persistent).unwrap()
    }

    fn shared() -> &'static Mutex<Weak<Service>> {
        static SHARED: Mutex<Weak<Service>> = Mutex::new(Weak::new());
        &SHARED
    }

    fn server_url(url: &str) -> ServerUrl {
        match url.parse() {
            Ok(crate::backplane::BackplaneUrl::Redis(server)) => server,
            other => panic!("{other:?}"),
        }
    }

    async fn delete_roster(url: &str, cluster: &ClusterName) {
        let client = redis::Client::open(url).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut delete = redis::cmd("DEL");
        delete.arg(format!("highwater:{cluster}:roster"));
        let deleted: u32 = delete.query_async(&mut connection).await.unwrap();
        assert_eq!(deleted, 1, "one roster");
    }
}

#[cfg(feature = "nats")]
impl Kind for crate::backplane::nats::Nats {
    fn start() -> Service {
        highwater_services::Nats::start().unwrap()
    }

    fn shared() -> &'static Mutex<Weak<Service>> {
        static SHARED: Mutex<Weak<Service>> = Mutex::new(Weak::new());
        &SHARED
    }

    fn server_url(url: &str) -> ServerUrl {
        match url.parse() {
            Ok(crate::backplane::BackplaneUrl::Nats(server)) => server,
            other => panic!("{other:?}"),
        }
    }

    async fn delete_roster(url: &str, cluster: &ClusterName) {
        let client = async_nats::connect(url).await.unwrap();
        let streams = async_nats::jetstream::new(client);
        let bucket = format!("highwater-{cluster}");
        streams.delete_key_value(bucket).await.unwrap();
    }
}

#[cfg(feature = "amqp")]
impl Kind for crate::backplane::amqp::Amqp {
    fn start() -> Service {
        highwater_services::RabbitMq::start().unwrap()
    }

    fn shared() -> &'static Mutex<Weak<Service>> {
        static SHARED: Mutex<Weak<Service>> = Mutex::new(Weak::new());
        &SHARED
    }

    fn server_url(url: &str) -> ServerUrl {
        match url.parse() {
            Ok(crate::backplane::BackplaneUrl::Amqp(server)) => server,
            other => panic!("{other:?}"),
        }
    }

    async fn delete_roster(url: &str, cluster: &ClusterName) {
        let properties = lapin::ConnectionProperties::default();
        let connection = lapin::Connection::connect(url, properties).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let queue = format!("highwater.{cluster}.roster");
        let deleted = channel.queue_delete(queue.into(), Default::default()).await;
        assert_eq!(deleted.unwrap(), 1, "one message");
    }
}
