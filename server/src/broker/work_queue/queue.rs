//! Who has what in hand.
//!
//! A reading waits in every group; in each it is ready, or in one consumer's hand,
//! or handled. Once it is handled in all of them, the node that brought it is told
//! and the broker forgets it: the node had custody all the while.
//!
//! ```text
//! submitted ──► ready ──► in hand ──► handled
//!                 ▲          │
//!                 └──────────┘ the consumer's connection ended: redelivered
//! ```

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use super::{
    group::GroupMembers,
    store::{QueuedTelemetry, StoreLimits, TelemetryStore},
};
use crate::{
    backplane::encode_frame,
    id::ConsumerGroup,
    ingest::{
        PublishOutcome, RejectReason,
        local_protocol::{ToConsumer, ToProducer},
    },
    net::bounded_queue::BoundedSender,
};

/// The broker's readings, behind one short lock.
pub(in crate::broker) struct WorkQueue {
    /// The last number given to a reading or a connection.
    last_id: u64,
    store: TelemetryStore,
    groups: BTreeMap<ConsumerGroup, GroupMembers>,
    producers: HashMap<u64, BoundedSender<Bytes>>,
}

impl Default for WorkQueue {
    fn default() -> Self {
        Self::new(StoreLimits::default())
    }
}

impl WorkQueue {
    pub(super) fn new(room: StoreLimits) -> Self {
        Self {
            last_id: 0,
            store: TelemetryStore::new(room),
            groups: BTreeMap::new(),
            producers: HashMap::new(),
        }
    }

    /// A node comes, and says which groups it knows of: those of before a restart of
    /// the broker, whose consumers may not be back yet. Answers its number.
    pub(super) fn add_producer(
        &mut self,
        known: Vec<ConsumerGroup>,
        frames: BoundedSender<Bytes>,
    ) -> u64 {
        let number = self.next_id();
        self.producers.insert(number, frames);
        for group in known {
            self.groups.entry(group).or_default();
        }
        self.broadcast_groups();
        number
    }

    /// A node has gone: what is in nobody's hand goes with it, since the node, or the
    /// devices that hear nothing of it, will bring it again.
    pub(super) fn remove_producer(&mut self, producer: u64) {
        self.producers.remove(&producer);
        let mut dropped = Vec::new();
        for members in self.groups.values_mut() {
            dropped.extend(members.remove_ready_of(producer, &self.store));
        }
        for reading in dropped {
            self.store.release(reading);
        }
    }

    /// A reading of a node, for every group.
    pub(super) fn publish(&mut self, producer: u64, number: u64, payload: Bytes) {
        if let Some(refusal) = self.reject_reason(payload.len()) {
            return self.send_results(producer, vec![(number, PublishOutcome::Rejected(refusal))]);
        }
        let id = self.next_id();
        let reading = QueuedTelemetry {
            payload,
            producer,
            sequence: number,
            pending_groups: self.groups.len(),
        };
        self.store.add(id, reading);
        for members in self.groups.values_mut() {
            members.enqueue(id);
            members.deliver(&self.store);
        }
    }

    /// A consumer joins a group, and takes `credit` readings in hand at most. Answers
    /// its number.
    pub(super) fn add_consumer(
        &mut self,
        group: &ConsumerGroup,
        credit: usize,
        frames: BoundedSender<Bytes>,
    ) -> u64 {
        let number = self.next_id();
        let is_new = !self.groups.contains_key(group);
        // Before any delivery; an empty queue has room for it.
        let _ = frames.push(encode_frame(&ToConsumer::Joined, &[]));
        let members = self.groups.entry(group.clone()).or_default();
        members.add_consumer(number, credit, frames);
        members.deliver(&self.store);
        if is_new {
            self.broadcast_groups();
        }
        number
    }

    /// A consumer has gone: what it had in hand is for the others.
    pub(super) fn remove_consumer(&mut self, group: &ConsumerGroup, consumer: u64) {
        if let Some(members) = self.groups.get_mut(group) {
            members.remove_consumer(consumer);
            members.deliver(&self.store);
        }
    }

    /// A consumer has handled these; what was not in its hand is not its matter.
    pub(super) fn acknowledge(&mut self, group: &ConsumerGroup, consumer: u64, receipts: &[u64]) {
        let Some(members) = self.groups.get_mut(group) else {
            return;
        };
        let handled = members.acknowledge(consumer, receipts);
        members.deliver(&self.store);
        let mut settled: BTreeMap<u64, Vec<(u64, PublishOutcome)>> = BTreeMap::new();
        for reading in handled {
            if let Some(done) = self.store.release(reading) {
                let numbers = settled.entry(done.producer).or_default();
                numbers.push((done.sequence, PublishOutcome::Accepted));
            }
        }
        for (producer, numbers) in settled {
            self.send_results(producer, numbers);
        }
    }

    fn reject_reason(&self, bytes: usize) -> Option<RejectReason> {
        if self.groups.is_empty() {
            Some(RejectReason::NoConsumerGroup)
        } else if self.store.has_capacity(bytes) {
            None
        } else {
            Some(RejectReason::Full)
        }
    }

    /// Tells a node; one that does not read what it is told is cut off.
    fn send_results(&mut self, producer: u64, numbers: Vec<(u64, PublishOutcome)>) {
        let told = self.producers.get(&producer).is_none_or(|frames| {
            frames
                .push(encode_frame(&ToProducer::PublishResults(numbers), &[]))
                .is_ok()
        });
        if !told {
            self.remove_producer(producer);
        }
    }

    fn broadcast_groups(&mut self) {
        let groups = self.groups.keys().cloned().collect();
        let frame = encode_frame(&ToProducer::Groups(groups), &[]);
        let deaf: Vec<u64> = self
            .producers
            .iter()
            .filter(|(_, frames)| frames.push(frame.clone()).is_err())
            .map(|(number, _)| *number)
            .collect();
        for producer in deaf {
            self.remove_producer(producer);
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// How many readings there are, and their bytes.
    #[cfg(test)]
    pub(super) fn usage(&self) -> (usize, usize) {
        self.store.usage()
    }
}
