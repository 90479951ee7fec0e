//! The brokers, and a node's end of a transport.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use highwater_services::{Service, ServiceKind};
use highwater_types::BrokerUrl;
use parking_lot::Mutex;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{
    super::{
        ClusterAddress, Destination, InboundFrame, Inbox, OutboundFrame, StoredTable, Transport,
        TransportError, TransportResult,
        inbound::{InboundReceiver, inbound_channel},
    },
    tls_server::{TestAuthority, TlsServer, tls_proxy},
};
use crate::{
    backplane::{BackplaneConfig, Identity, Inbound, JoinedBackplane, TrafficCounters, View, join},
    id::{ClusterName, Topic},
};

/// The time after which a test fails. Nothing takes this long.
pub(in crate::backplane) const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A transport and the service that it is tested against.
pub(in crate::backplane) trait ConformanceTarget: Transport {
    /// The broker.
    const SERVICE: ServiceKind;
    /// Whether the broker keeps the membership table when it is killed.
    const KEEPS_FILES: bool = true;

    /// Deletes the cluster's membership table, as an operator would.
    fn delete_table(url: &str, cluster: &ClusterName) -> impl Future<Output = ()> + Send;

    /// Starts a server with the certificate that the authority has signed.
    fn start_tls(authority: &TestAuthority) -> impl Future<Output = TlsServer> + Send {
        tls_proxy(shared::<Self>(), authority)
    }
}

/// Starts a broker of its own for a test that kills or pauses it.
pub(super) fn start<K: ConformanceTarget>() -> Service {
    K::SERVICE.start().unwrap()
}

/// Returns the broker that tests share. The first of the tests that run at the same time
/// starts it, and the last one ends it.
pub(in crate::backplane) fn shared<K: ConformanceTarget>() -> Arc<Service> {
    type SharedService = Arc<Mutex<Weak<Service>>>;
    static SHARED: Mutex<BTreeMap<&str, SharedService>> = Mutex::new(BTreeMap::new());
    // One lock per service, so that a start does not block tests on other brokers.
    let service = Arc::clone(SHARED.lock().entry(K::SERVICE.name()).or_default());
    let mut service = service.lock();
    service.upgrade().unwrap_or_else(|| {
        let started = Arc::new(start::<K>());
        *service = Arc::downgrade(&started);
        started
    })
}

/// Returns the address of a cluster of its own at the broker.
pub(in crate::backplane) fn address(url: &str) -> ClusterAddress {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let cluster: ClusterName = format!("c{}", NEXT.fetch_add(1, Relaxed)).parse().unwrap();
    // Nothing arrives there without a filter. It ends with the test's runtime.
    #[cfg(feature = "aws")]
    if url.starts_with("dynamodb") {
        crate::backplane::aws::spawn_filter_for(url, &cluster);
    }
    ClusterAddress {
        server: BrokerUrl::parse(url).unwrap(),
        cluster,
    }
}

/// Returns the same cluster by way of another URL of its broker.
pub(super) fn address_through(address: &ClusterAddress, url: &str) -> ClusterAddress {
    ClusterAddress {
        server: BrokerUrl::parse(url).unwrap(),
        cluster: address.cluster.clone(),
    }
}

/// Joins a cluster at the broker as a node.
pub(in crate::backplane) fn join_member(
    url: &str,
    cluster: &ClusterName,
    id: &str,
) -> JoinedBackplane {
    let config = BackplaneConfig {
        cluster: cluster.clone(),
        ..BackplaneConfig::for_url(Some(url.parse().unwrap()))
    };
    join(&config, Identity::of_node(id, 1), CancellationToken::new())
}

/// Waits until a member's view fulfils a condition.
pub(in crate::backplane) async fn wait_for_view(
    member: &JoinedBackplane,
    what: &str,
    condition: impl FnMut(&Arc<View>) -> bool,
) {
    let mut views = member.backplane.view();
    let seen = timeout(TEST_TIMEOUT, views.wait_for(condition)).await;
    seen.unwrap_or_else(|_| panic!("{what} did not appear"))
        .unwrap();
}

/// Waits until two members see each other in a table newer than `version`, and `a` reaches
/// `b`, whose id is the greater one. Returns the version.
pub(in crate::backplane) async fn wait_until_joined(
    a: &JoinedBackplane,
    b: &mut JoinedBackplane,
    version: u64,
) -> u64 {
    for member in [a, &*b] {
        wait_for_view(member, "the other member", |view| {
            view.connected && view.members.len() == 2 && view.version > version
        })
        .await;
    }
    let view = a.backplane.view().borrow().clone();
    // The members are in the order of their ids.
    let to = view.members.last().unwrap().id.clone();
    let through = async {
        loop {
            let _ = a.backplane.send(&to, "through".into());
            if let Ok(Some(Inbound::Message { payload, .. })) =
                timeout(Duration::from_millis(100), b.inbound.recv()).await
            {
                return payload;
            }
        }
    };
    assert_eq!(timeout(TEST_TIMEOUT, through).await.unwrap(), "through");
    a.backplane.view().borrow().version
}

/// A node's end of a transport.
pub(in crate::backplane) struct TransportPeer<K> {
    pub(in crate::backplane) inbox: Inbox,
    pub(in crate::backplane) transport: K,
    pub(super) inbound: InboundReceiver,
    #[cfg_attr(
        not(feature = "aws"),
        expect(dead_code, reason = "no other broker bills its requests")
    )]
    pub(in crate::backplane) traffic: Arc<TrafficCounters>,
}

impl<K: ConformanceTarget> TransportPeer<K> {
    pub(in crate::backplane) async fn connect(address: &ClusterAddress, node: &str) -> Self {
        let connected = timeout(TEST_TIMEOUT, Self::try_connect(address, node)).await;
        connected.unwrap().unwrap()
    }

    pub(in crate::backplane) async fn try_connect(
        address: &ClusterAddress,
        node: &str,
    ) -> TransportResult<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let inbox = Inbox {
            node: node.parse().unwrap(),
            incarnation: 1,
            connection: NEXT.fetch_add(1, Relaxed),
        };
        let traffic = Arc::default();
        let (sender, inbound) = inbound_channel(&traffic);
        let transport = K::connect(address, &inbox, sender).await?;
        Ok(Self {
            inbox,
            transport,
            inbound,
            traffic,
        })
    }

    pub(in crate::backplane) async fn send(&self, to: Destination, frame: impl Into<Bytes>) {
        let frame = frame.into();
        let sent = self.transport.send(vec![OutboundFrame { to, frame }]);
        sent.await.unwrap();
    }

    pub(in crate::backplane) async fn subscribe(&self, topics: &[Topic]) {
        self.transport.subscribe(topics).await.unwrap();
    }

    pub(in crate::backplane) async fn unsubscribe(&self, topics: &[Topic]) {
        self.transport.unsubscribe(topics).await.unwrap();
    }

    pub(in crate::backplane) async fn load(&self) -> Option<StoredTable> {
        self.transport.load_table().await.unwrap()
    }

    /// Stores a table and returns whether the revision was the expected one.
    pub(in crate::backplane) async fn store(&self, expected: Option<u64>, table: &str) -> bool {
        let table = Bytes::copy_from_slice(table.as_bytes());
        let stored = self.transport.store_table(expected, table).await;
        stored.unwrap()
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
        let ended = timeout(TEST_TIMEOUT, async {
            loop {
                if let Err(end) = self.inbound.next().await {
                    return end;
                }
            }
        });
        ended.await.expect("the connection did not end")
    }

    pub(in crate::backplane) fn destination(&self) -> Destination {
        Destination::Inbox(self.inbox.clone())
    }
}
