//! A broker in memory, with faults that real brokers rarely show.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use highwater_types::BrokerUrl;
use parking_lot::{Mutex, MutexGuard};

use super::super::{
    ClusterAddress, Destination, InboundFrame, InboundSender, Inbox, OutboundFrame, StoredTable,
    Transport, TransportError,
};
use crate::id::Topic;

/// The brokers of the tests, by the name of the cluster on each.
static BROKERS: Mutex<BTreeMap<String, Arc<Mutex<FakeBroker>>>> = Mutex::new(BTreeMap::new());

#[derive(Default)]
pub(super) struct FakeBroker {
    pub(super) stored_table: Option<(u64, Bytes)>,
    stores: u64,
    inboxes: BTreeMap<String, FakeInbox>,
    /// Whether removing an inbox succeeds.
    pub(super) removes_inboxes: bool,
    /// Whether storing a table fails for lack of memory.
    pub(super) full: bool,
}

struct FakeInbox {
    inbound: InboundSender,
    topics: BTreeSet<Topic>,
}

pub(super) struct FakeTransport {
    broker: Arc<Mutex<FakeBroker>>,
    inbox: String,
}

/// Returns the broker of this cluster.
pub(super) fn broker(cluster: &str) -> Arc<Mutex<FakeBroker>> {
    let mut brokers = BROKERS.lock();
    Arc::clone(brokers.entry(cluster.to_owned()).or_insert_with(|| {
        Arc::new(Mutex::new(FakeBroker {
            removes_inboxes: true,
            ..FakeBroker::default()
        }))
    }))
}

pub(super) fn lock(broker: &Mutex<FakeBroker>) -> MutexGuard<'_, FakeBroker> {
    broker.lock()
}

impl FakeBroker {
    /// Returns the names of the inboxes.
    pub(super) fn inboxes(&self) -> Vec<String> {
        self.inboxes.keys().cloned().collect()
    }

    /// Returns the nodes that have inboxes.
    pub(super) fn nodes(&self) -> Vec<String> {
        let node = |inbox: &String| inbox.split('-').next().unwrap_or_default().to_owned();
        self.inboxes.keys().map(node).collect()
    }

    /// Ends the connections of a node. Its inbox stays, as a queue does.
    pub(super) fn disconnect(&self, node: &str) {
        for (inbox, connected) in &self.inboxes {
            if inbox.starts_with(&format!("{node}-")) {
                connected.inbound.close(TransportError::broken("cut"));
            }
        }
    }
}

impl FakeTransport {
    fn broker(&self) -> MutexGuard<'_, FakeBroker> {
        lock(&self.broker)
    }
}

impl Transport for FakeTransport {
    fn check_url(_: &BrokerUrl) -> Result<(), TransportError> {
        Ok(())
    }

    async fn connect(
        address: &ClusterAddress,
        inbox: &Inbox,
        inbound: InboundSender,
    ) -> Result<Self, TransportError> {
        let (broker, inbox) = (broker(address.cluster.as_str()), inbox.to_string());
        let connected = FakeInbox {
            inbound,
            topics: BTreeSet::new(),
        };
        lock(&broker).inboxes.insert(inbox.clone(), connected);
        Ok(Self { broker, inbox })
    }

    async fn send(&self, frames: Vec<OutboundFrame>) -> Result<(), TransportError> {
        let broker = self.broker();
        for OutboundFrame { to, frame } in frames {
            match to {
                Destination::Inbox(inbox) => {
                    if let Some(connected) = broker.inboxes.get(&inbox.to_string()) {
                        connected.inbound.push(InboundFrame::Inbox(frame));
                    }
                }
                Destination::Everyone => {
                    for connected in broker.inboxes.values() {
                        connected
                            .inbound
                            .push(InboundFrame::Everyone(frame.clone()));
                    }
                }
                Destination::Topic(topic) => {
                    let is_subscribed = |connected: &&FakeInbox| connected.topics.contains(&topic);
                    for connected in broker.inboxes.values().filter(is_subscribed) {
                        let frame = InboundFrame::Topic(topic.clone(), frame.clone());
                        connected.inbound.push(frame);
                    }
                }
            }
        }
        Ok(())
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), TransportError> {
        if let Some(connected) = self.broker().inboxes.get_mut(&self.inbox) {
            connected.topics.extend(topics.iter().cloned());
        }
        Ok(())
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), TransportError> {
        if let Some(connected) = self.broker().inboxes.get_mut(&self.inbox) {
            connected.topics.retain(|topic| !topics.contains(topic));
        }
        Ok(())
    }

    async fn load_table(&self) -> Result<Option<StoredTable>, TransportError> {
        let stored = self.broker().stored_table.clone();
        // Lets other members run between this load and the store after it.
        tokio::task::yield_now().await;
        Ok(stored.map(|(revision, table)| StoredTable { revision, table }))
    }

    async fn store_table(
        &self,
        expected_revision: Option<u64>,
        table: Bytes,
    ) -> Result<bool, TransportError> {
        let mut broker = self.broker();
        if broker.full {
            return Err(TransportError::Unsuitable {
                what: "full".to_owned(),
                hint: "free memory",
            });
        }
        if broker.stored_table.as_ref().map(|(revision, _)| *revision) != expected_revision {
            return Ok(false);
        }
        broker.stores += 1;
        broker.stored_table = Some((broker.stores, table));
        Ok(true)
    }

    async fn remove_inbox(&self, inbox: &Inbox) -> Result<(), TransportError> {
        let mut broker = self.broker();
        if !broker.removes_inboxes {
            return Err(TransportError::broken("the connection broke"));
        }
        broker.inboxes.remove(&inbox.to_string());
        Ok(())
    }

    async fn close(self) {
        self.broker().inboxes.remove(&self.inbox);
    }
}
