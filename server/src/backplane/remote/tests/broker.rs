//! A broker in memory, with faults that real brokers rarely show.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use highwater_types::BrokerUrl;
use parking_lot::Mutex;

use super::super::{
    ClusterAddress, Destination, InboundFrame, InboundSender, Inbox, OutboundFrame, StoredTable,
    Transport, TransportError, TransportResult,
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

impl FakeBroker {
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

impl Transport for FakeTransport {
    fn check_url(_: &BrokerUrl) -> TransportResult<()> {
        Ok(())
    }

    async fn connect(
        address: &ClusterAddress,
        inbox: &Inbox,
        inbound: InboundSender,
    ) -> TransportResult<Self> {
        let (broker, inbox) = (broker(address.cluster.as_str()), inbox.to_string());
        let connected = FakeInbox {
            inbound,
            topics: BTreeSet::new(),
        };
        broker.lock().inboxes.insert(inbox.clone(), connected);
        Ok(Self { broker, inbox })
    }

    async fn send(&self, frames: Vec<OutboundFrame>) -> TransportResult<()> {
        let broker = self.broker.lock();
        for OutboundFrame { to, frame } in frames {
            for (inbox, FakeInbox { inbound, topics }) in &broker.inboxes {
                let frame = frame.clone();
                match &to {
                    Destination::Inbox(to) if to.to_string() == *inbox => {
                        inbound.push(InboundFrame::Inbox(frame));
                    }
                    Destination::Everyone => inbound.push(InboundFrame::Everyone(frame)),
                    Destination::Topic(topic) if topics.contains(topic) => {
                        inbound.push(InboundFrame::Topic(topic.clone(), frame));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    async fn subscribe(&self, topics: &[Topic]) -> TransportResult<()> {
        if let Some(connected) = self.broker.lock().inboxes.get_mut(&self.inbox) {
            connected.topics.extend(topics.iter().cloned());
        }
        Ok(())
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> TransportResult<()> {
        if let Some(connected) = self.broker.lock().inboxes.get_mut(&self.inbox) {
            connected.topics.retain(|topic| !topics.contains(topic));
        }
        Ok(())
    }

    async fn load_table(&self) -> TransportResult<Option<StoredTable>> {
        let stored = self.broker.lock().stored_table.clone();
        // Lets other members run between this load and the store after it.
        tokio::task::yield_now().await;
        Ok(stored.map(|(revision, table)| StoredTable { revision, table }))
    }

    async fn store_table(
        &self,
        expected_revision: Option<u64>,
        table: Bytes,
    ) -> TransportResult<bool> {
        let mut broker = self.broker.lock();
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

    async fn remove_inbox(&self, inbox: &Inbox) -> TransportResult<()> {
        let mut broker = self.broker.lock();
        if !broker.removes_inboxes {
            return Err(TransportError::broken("the connection broke"));
        }
        broker.inboxes.remove(&inbox.to_string());
        Ok(())
    }

    async fn close(self) {
        self.broker.lock().inboxes.remove(&self.inbox);
    }
}
