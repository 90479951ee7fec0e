//! One consumer group: its ready records, and the unacknowledged ones of its consumers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use tokio::time::Instant;

use super::store::TelemetryStore;
use crate::{
    backplane::encode_frame, ingest::local_protocol::ToConsumer, net::bounded_queue::BoundedSender,
};

/// The records and consumers of one group.
#[derive(Default)]
pub(super) struct GroupMembers {
    ready: VecDeque<ReadyDelivery>,
    consumers: BTreeMap<u64, ConnectedConsumer>,
    /// The number of deliveries so far, which numbers them.
    deliveries: u64,
    /// The time since which the group has no consumers.
    abandoned_since: Option<Instant>,
}

struct ReadyDelivery {
    id: u64,
    redelivered: bool,
}

struct ConnectedConsumer {
    frames: BoundedSender<Bytes>,
    max_unacked: usize,
    unacked: BTreeSet<u64>,
    /// The number of its last delivery.
    last_delivery: u64,
}

impl GroupMembers {
    /// Creates a group whose consumers have not come yet.
    pub(super) fn abandoned(since: Instant) -> Self {
        Self {
            abandoned_since: Some(since),
            ..Self::default()
        }
    }

    /// Returns the time since which the group has no consumers.
    pub(super) fn abandoned_since(&self) -> Option<Instant> {
        self.abandoned_since
    }

    /// Returns the number of consumers.
    pub(super) fn consumers(&self) -> usize {
        self.consumers.len()
    }

    /// Returns the number of records that wait for a consumer.
    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Returns the number of records that consumers have and have not acknowledged.
    pub(super) fn unacked(&self) -> usize {
        let unacked = self
            .consumers
            .values()
            .map(|consumer| consumer.unacked.len());
        unacked.sum()
    }

    /// Ends a group without consumers and returns its ready records.
    pub(super) fn into_ready(self) -> Vec<u64> {
        self.ready.into_iter().map(|ready| ready.id).collect()
    }

    /// Appends a record to handle.
    pub(super) fn enqueue(&mut self, record: u64) {
        self.ready.push_back(ReadyDelivery {
            id: record,
            redelivered: false,
        });
    }

    /// Adds a consumer, which gets at most `max_unacked` records at a time.
    pub(super) fn add_consumer(
        &mut self,
        consumer: u64,
        max_unacked: usize,
        frames: BoundedSender<Bytes>,
    ) {
        let connected = ConnectedConsumer {
            frames,
            max_unacked,
            unacked: BTreeSet::new(),
            last_delivery: 0,
        };
        self.consumers.insert(consumer, connected);
        self.abandoned_since = None;
    }

    /// Removes a consumer. Its unacknowledged records are ready again, before all others.
    ///
    /// Dropping the consumer's queue ends its connection.
    pub(super) fn remove_consumer(&mut self, consumer: u64) {
        let Some(removed) = self.consumers.remove(&consumer) else {
            return;
        };
        // In reverse, so that the oldest record ends up first.
        for record in removed.unacked.into_iter().rev() {
            self.ready.push_front(ReadyDelivery {
                id: record,
                redelivered: true,
            });
        }
        if self.consumers.is_empty() {
            self.abandoned_since = Some(Instant::now());
        }
    }

    /// Acknowledges deliveries and returns the records of those that the consumer had.
    pub(super) fn acknowledge(&mut self, consumer: u64, receipts: &[u64]) -> Vec<u64> {
        let Some(connected) = self.consumers.get_mut(&consumer) else {
            return Vec::new();
        };
        // A receipt that it did not have belongs to a record that was redelivered.
        let had = |receipt: &u64| connected.unacked.remove(receipt);
        receipts.iter().copied().filter(had).collect()
    }

    /// Removes and returns the ready records of a producer.
    pub(super) fn remove_ready_of(&mut self, producer: u64, store: &TelemetryStore) -> Vec<u64> {
        let mut removed = Vec::new();
        self.ready.retain(|ready| {
            let record = store.records.get(&ready.id);
            let stays = record.is_some_and(|record| record.producer != producer);
            if !stays {
                removed.push(ready.id);
            }
            stays
        });
        removed
    }

    /// Delivers ready records, as many as the consumers may have.
    pub(super) fn deliver(&mut self, store: &TelemetryStore) {
        while let Some(consumer) = self.next_consumer()
            && let Some(next) = self.ready.pop_front()
        {
            let Some(record) = store.records.get(&next.id) else {
                continue;
            };
            if !self.deliver_to(consumer, &next, &record.payload) {
                self.remove_consumer(consumer);
            }
        }
    }

    /// Returns the consumer with the fewest unacknowledged records that may have another.
    fn next_consumer(&self) -> Option<u64> {
        let all = self.consumers.iter();
        let free = all.filter(|(_, consumer)| consumer.unacked.len() < consumer.max_unacked);
        // Among equals, the one whose last delivery is the oldest: consumers that are fast
        // enough to be always free then share the work as well.
        free.min_by_key(|(_, consumer)| (consumer.unacked.len(), consumer.last_delivery))
            .map(|(number, _)| *number)
    }

    /// Delivers a record and returns whether the consumer's queue accepted it.
    fn deliver_to(&mut self, consumer: u64, next: &ReadyDelivery, payload: &[u8]) -> bool {
        let Some(connected) = self.consumers.get_mut(&consumer) else {
            return false;
        };
        let header = ToConsumer::Delivery {
            receipt: next.id,
            redelivered: next.redelivered,
        };
        // Recorded before the push: if the queue is full, the consumer is removed, and
        // this record is ready again with its others.
        connected.unacked.insert(next.id);
        self.deliveries += 1;
        connected.last_delivery = self.deliveries;
        let frame = encode_frame(&header, payload);
        connected.frames.push(frame).is_ok()
    }
}
