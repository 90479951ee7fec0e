//! A broker in memory, with the faults that real ones show seldom.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};

use super::super::{
    ClusterAddress, Destination, InboundFrame, InboundSender, Inbox, OutboundFrame, StoredTable,
    Transport, TransportError,
};
use crate::id::Topic;

/// All brokers of the tests, by the cluster that meets there.
static BROKERS: Mutex<BTreeMap<String, Arc<Mutex<FakeBroker>>>> = Mutex::new(BTreeMap::new());

#[derive(Default)]
pub(super) struct FakeBroker {
    pub(super) stored_table: Option<(u64, Bytes)>,
    stores: u64,
    inboxes: BTreeMap<String, FakeInbox>,
    /// Whether inboxes are removed when they should be.
    pub(super) removes_inboxes: bool,
    /// Whether it has no room for another roster.
    pub(super) full: bool,
}

struct FakeInbox {
    inbound: InboundSender,
    topics: BTreeSet<Topic>,
}

pub(super) struct FakeTransport {
    broker: Arc<Mutex<FakeBroker>>,
    me: String,
}

/// The broker where that cluster meets.
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
    /// The names of the inboxes there are.
    pub(super) fn inboxes(&self) -> Vec<String> {
        self.inboxes.keys().cloned().collect()
    }

    /// The nodes whose inboxes there are.
    pub(super) fn nodes(&self) -> Vec<String> {
        let node = |inbox: &String| inbox.split('-').next().unwrap_or_default().to_owned();
        self.inboxes.keys().map(node).collect()
    }

    /// Ends the connections of a node; its inbox stays, as a queue does.
    pub(super) fn cut(&self, node: &str) {
        for (inbox, connected) in &self.inboxes {
            if inbox.starts_with(&format!("{node}-")) {
                let reason = TransportError::Broken("cut".to_owned());
                connected.inbound.close(reason);
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
    async fn connect(
        address: &ClusterAddress,
        me: &Inbox,
        arrivals: InboundSender,
    ) -> Result<Self, TransportError> {
        let (broker, me) = (broker(address.cluster.as_str()), me.to_string());
        let connected = FakeInbox {
            inbound: arrivals,
            topics: BTreeSet::new(),
        };
        lock(&broker).inboxes.insert(me.clone(), connected);
        Ok(Self { broker, me })
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
                    let hears = |connected: &&FakeInbox| connected.topics.contains(&topic);
                    for connected in broker.inboxes.values().filter(hears) {
                        let arrived = InboundFrame::Topic(topic.clone(), frame.clone());
                        connected.inbound.push(arrived);
                    }
                }
            }
        }
        Ok(())
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), TransportError> {
        if let Some(connected) = self.broker().inboxes.get_mut(&self.me) {
            connected.topics.extend(topics.iter().cloned());
        }
        Ok(())
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), TransportError> {
        if let Some(connected) = self.broker().inboxes.get_mut(&self.me) {
            connected.topics.retain(|topic| !topics.contains(topic));
        }
        Ok(())
    }

    async fn load_table(&self) -> Result<Option<StoredTable>, TransportError> {
        let stored = self.broker().stored_table.clone();
        // Others run between a load and the store after it.
        tokio::task::yield_now().await;
        Ok(stored.map(|(revision, roster)| StoredTable {
            revision,
            table: roster,
        }))
    }

    async fn store_table(
        &self,
        instead_of: Option<u64>,
        roster: Bytes,
    ) -> Result<bool, TransportError> {
        let mut broker = self.broker();
        if broker.full {
            return Err(TransportError::Unsuitable {
                what: "full".to_owned(),
                hint: "make room",
            });
        }
        if broker.stored_table.as_ref().map(|(revision, _)| *revision) != instead_of {
            return Ok(false);
        }
        broker.stores += 1;
        broker.stored_table = Some((broker.stores, roster));
        Ok(true)
    }

    async fn remove_inbox(&self, inbox: &Inbox) -> Result<(), TransportError> {
        let mut broker = self.broker();
        if !broker.removes_inboxes {
            return Err(TransportError::Broken("dies while it removes".to_owned()));
        }
        broker.inboxes.remove(&inbox.to_string());
        Ok(())
    }

    async fn close(self) {
        self.broker().inboxes.remove(&self.me);
    }
}
