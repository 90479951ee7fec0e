//! The state of the work queue.
//!
//! A record waits in every group. In each it is ready, unacknowledged at one consumer, or
//! handled. When every group has handled it, its producer gets the outcome and the broker
//! drops it. Until then the producer keeps a copy, so a restart of the broker loses nothing.
//!
//! ```text
//! published ──► ready ──► unacknowledged ──► handled
//!                 ▲             │
//!                 └─────────────┘ the consumer's connection ended: redelivered
//! ```

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use super::{
    group::GroupMembers,
    store::{QueuedTelemetry, TelemetryStore},
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

/// The records and groups, behind one lock that is held for microseconds.
#[derive(Default)]
pub(in crate::broker) struct WorkQueue {
    /// The last number that a record or a connection got.
    // Shared by records and connections; 64 bits do not run out.
    last_id: u64,
    pub(super) store: TelemetryStore,
    groups: BTreeMap<ConsumerGroup, GroupMembers>,
    producers: HashMap<u64, BoundedSender<Bytes>>,
}

impl WorkQueue {
    /// Adds a producer and returns its number.
    ///
    /// `known_groups` are the groups of before a restart of the broker. They exist again,
    /// although their consumers may not have returned: no group misses a record.
    pub(super) fn add_producer(
        &mut self,
        known_groups: Vec<ConsumerGroup>,
        frames: BoundedSender<Bytes>,
    ) -> u64 {
        let producer = self.next_id();
        self.producers.insert(producer, frames);
        for group in known_groups {
            self.groups.entry(group).or_default();
        }
        self.broadcast_groups();
        producer
    }

    /// Removes a producer and its ready records.
    ///
    /// The node, or the devices that get no answer, send these again.
    pub(super) fn remove_producer(&mut self, producer: u64) {
        self.producers.remove(&producer);
        let mut removed = Vec::new();
        for members in self.groups.values_mut() {
            removed.extend(members.remove_ready_of(producer, &self.store));
        }
        // Unacknowledged records stay: a consumer may be handling them.
        for record in removed {
            self.store.release(record);
        }
    }

    /// Publishes a record to every group, or rejects it.
    pub(super) fn publish(&mut self, producer: u64, sequence: u64, payload: Bytes) {
        let rejected = match self.groups.is_empty() {
            true => Some(RejectReason::NoConsumerGroup),
            false if !self.store.has_capacity(payload.len()) => Some(RejectReason::Full),
            false => None,
        };
        if let Some(reason) = rejected {
            let rejected = PublishOutcome::Rejected(reason);
            return self.send_results(producer, vec![(sequence, rejected)]);
        }
        let id = self.next_id();
        let record = QueuedTelemetry {
            payload,
            producer,
            sequence,
            pending_groups: self.groups.len(),
        };
        self.store.add(id, record);
        // A group that is created later does not get the record.
        for members in self.groups.values_mut() {
            members.enqueue(id);
            members.deliver(&self.store);
        }
    }

    /// Adds a consumer to a group and returns its number.
    pub(super) fn add_consumer(
        &mut self,
        group: &ConsumerGroup,
        max_unacked: usize,
        frames: BoundedSender<Bytes>,
    ) -> u64 {
        let consumer = self.next_id();
        let is_new = !self.groups.contains_key(group);
        // Before any delivery. It cannot fail, because the queue is empty.
        let _ = frames.push(encode_frame(&ToConsumer::Joined, &[]));
        let members = self.groups.entry(group.clone()).or_default();
        members.add_consumer(consumer, max_unacked, frames);
        members.deliver(&self.store);
        if is_new {
            self.broadcast_groups();
        }
        consumer
    }

    /// Removes a consumer. Its group delivers its unacknowledged records to the others.
    pub(super) fn remove_consumer(&mut self, group: &ConsumerGroup, consumer: u64) {
        if let Some(members) = self.groups.get_mut(group) {
            members.remove_consumer(consumer);
            members.deliver(&self.store);
        }
    }

    /// Acknowledges deliveries of a consumer. Receipts that it does not have are ignored.
    pub(super) fn acknowledge(&mut self, group: &ConsumerGroup, consumer: u64, receipts: &[u64]) {
        let Some(members) = self.groups.get_mut(group) else {
            return;
        };
        let handled = members.acknowledge(consumer, receipts);
        // The acknowledgements have made room for further deliveries.
        members.deliver(&self.store);
        // One frame for each producer, whatever number of its records.
        let mut results: BTreeMap<u64, Vec<(u64, PublishOutcome)>> = BTreeMap::new();
        for record in handled {
            if let Some(done) = self.store.release(record) {
                let results = results.entry(done.producer).or_default();
                results.push((done.sequence, PublishOutcome::Accepted));
            }
        }
        for (producer, results) in results {
            self.send_results(producer, results);
        }
    }

    /// Sends outcomes to a producer. One that does not read them is disconnected, because
    /// it would keep these records forever.
    fn send_results(&mut self, producer: u64, results: Vec<(u64, PublishOutcome)>) {
        // A producer that has left needs no result.
        let is_sent = self.producers.get(&producer).is_none_or(|frames| {
            let frame = encode_frame(&ToProducer::PublishResults(results), &[]);
            frames.push(frame).is_ok()
        });
        if !is_sent {
            self.remove_producer(producer);
        }
    }

    fn broadcast_groups(&mut self) {
        let groups = self.groups.keys().cloned().collect();
        let frame = encode_frame(&ToProducer::Groups(groups), &[]);
        let unreachable: Vec<u64> = self
            .producers
            .iter()
            .filter(|(_, frames)| frames.push(frame.clone()).is_err())
            .map(|(producer, _)| *producer)
            .collect();
        // As for results: a producer that does not read is disconnected.
        for producer in unreachable {
            self.remove_producer(producer);
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}
