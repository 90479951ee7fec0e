//! A broker in memory, with the faults that real ones show seldom.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use super::super::{
    Address, Arrived, Carrier, CarrierError, Destination, Inbox, Intake, Outgoing, Stored,
};
use crate::id::Topic;

/// All brokers of the tests, by the cluster that meets there.
static BROKERS: Mutex<BTreeMap<String, Arc<Mutex<Broker>>>> = Mutex::new(BTreeMap::new());

#[derive(Default)]
pub(super) struct Broker {
    pub(super) roster: Option<(u64, Bytes)>,
    stores: u64,
    inboxes: BTreeMap<String, Connected>,
    /// Whether inboxes are removed when they should be.
    pub(super) removes: bool,
    /// Whether it has no room for another roster.
    pub(super) full: bool,
}

struct Connected {
    intake: Intake,
    topics: BTreeSet<Topic>,
}

pub(super) struct InMemory {
    broker: Arc<Mutex<Broker>>,
    me: String,
}

/// The broker where that cluster meets.
pub(super) fn broker(cluster: &str) -> Arc<Mutex<Broker>> {
    let mut brokers = BROKERS.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(brokers.entry(cluster.to_owned()).or_insert_with(|| {
        Arc::new(Mutex::new(Broker {
            removes: true,
            ..Broker::default()
        }))
    }))
}

pub(super) fn lock(broker: &Mutex<Broker>) -> MutexGuard<'_, Broker> {
    broker.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Broker {
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
                let reason = CarrierError::Broken("cut".to_owned());
                connected.intake.broke(reason);
            }
        }
    }
}

impl InMemory {
    fn broker(&self) -> MutexGuard<'_, Broker> {
        lock(&self.broker)
    }
}

impl Carrier for InMemory {
    async fn connect(
        address: &Address,
        me: &Inbox,
        arrivals: Intake,
    ) -> Result<Self, CarrierError> {
        let (broker, me) = (broker(address.cluster.as_str()), me.to_string());
        let connected = Connected {
            intake: arrivals,
            topics: BTreeSet::new(),
        };
        lock(&broker).inboxes.insert(me.clone(), connected);
        Ok(Self { broker, me })
    }

    async fn send(&self, frames: Vec<Outgoing>) -> Result<(), CarrierError> {
        let broker = self.broker();
        for Outgoing { to, frame } in frames {
            match to {
                Destination::Inbox(inbox) => {
                    if let Some(connected) = broker.inboxes.get(&inbox.to_string()) {
                        connected.intake.offer(Arrived::Inbox(frame));
                    }
                }
                Destination::Everyone => {
                    for connected in broker.inboxes.values() {
                        connected.intake.offer(Arrived::Everyone(frame.clone()));
                    }
                }
                Destination::Topic(topic) => {
                    let hears = |connected: &&Connected| connected.topics.contains(&topic);
                    for connected in broker.inboxes.values().filter(hears) {
                        let arrived = Arrived::Topic(topic.clone(), frame.clone());
                        connected.intake.offer(arrived);
                    }
                }
            }
        }
        Ok(())
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), CarrierError> {
        if let Some(connected) = self.broker().inboxes.get_mut(&self.me) {
            connected.topics.extend(topics.iter().cloned());
        }
        Ok(())
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), CarrierError> {
        if let Some(connected) = self.broker().inboxes.get_mut(&self.me) {
            connected.topics.retain(|topic| !topics.contains(topic));
        }
        Ok(())
    }

    async fn load(&self) -> Result<Option<Stored>, CarrierError> {
        let stored = self.broker().roster.clone();
        // Others run between a load and the store after it.
        tokio::task::yield_now().await;
        Ok(stored.map(|(revision, roster)| Stored { revision, roster }))
    }

    async fn store(&self, instead_of: Option<u64>, roster: Bytes) -> Result<bool, CarrierError> {
        let mut broker = self.broker();
        if broker.full {
            return Err(CarrierError::Unsuitable {
                what: "full".to_owned(),
                hint: "make room",
            });
        }
        if broker.roster.as_ref().map(|(revision, _)| *revision) != instead_of {
            return Ok(false);
        }
        broker.stores += 1;
        broker.roster = Some((broker.stores, roster));
        Ok(true)
    }

    async fn remove_inbox(&self, inbox: &Inbox) -> Result<(), CarrierError> {
        let mut broker = self.broker();
        if !broker.removes {
            return Err(CarrierError::Broken("dies while it removes".to_owned()));
        }
        broker.inboxes.remove(&inbox.to_string());
        Ok(())
    }

    async fn close(self) {
        self.broker().inboxes.remove(&self.me);
    }
}
