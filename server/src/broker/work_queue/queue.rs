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
//!
//! A group without consumers is *abandoned*: its records wait, and producers wait for it. It
//! is removed after a time, or when an operator asks for it.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    group::GroupMembers,
    store::{QueuedTelemetry, TelemetryStore},
};
use crate::{
    backplane::encode_frame,
    id::ConsumerGroup,
    ingest::{
        ConsumerGroupStatus, PublishOutcome, RejectReason,
        local_protocol::{ToConsumer, ToProducer},
    },
    net::bounded_queue::BoundedSender,
};

/// The records and groups, behind one lock that is held for microseconds.
pub(in crate::broker) struct WorkQueue {
    /// The last number that a record or a connection got.
    // Shared by records and connections; 64 bits do not run out.
    last_id: u64,
    pub(super) store: TelemetryStore,
    groups: BTreeMap<ConsumerGroup, GroupMembers>,
    producers: HashMap<u64, BoundedSender<Bytes>>,
    max_groups: usize,
    /// The time after which an abandoned group is removed.
    group_expiry: Duration,
}

/// The content of the work queue at one moment.
#[derive(Debug, Clone, Copy)]
pub(in crate::broker) struct WorkQueueSizes {
    pub(in crate::broker) groups: usize,
    pub(in crate::broker) records: usize,
    /// The length of all payloads.
    pub(in crate::broker) bytes: usize,
}

/// A new group beyond the bound.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot join group {group}: there are {max} groups already; \
     hint: `highwater groups` lists them and removes abandoned ones"
)]
pub(super) struct TooManyGroups {
    group: ConsumerGroup,
    max: usize,
}

/// The reason why a group cannot be removed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RemoveGroupError {
    #[error("cannot remove group {0}: there is no such group")]
    Unknown(ConsumerGroup),
    #[error("cannot remove group {group}: it has {consumers} consumers; hint: stop them first")]
    HasConsumers {
        group: ConsumerGroup,
        consumers: usize,
    },
}

impl WorkQueue {
    /// Creates a queue without groups.
    pub(in crate::broker) fn new(max_groups: usize, group_expiry: Duration) -> Self {
        Self {
            last_id: 0,
            store: TelemetryStore::default(),
            groups: BTreeMap::new(),
            producers: HashMap::new(),
            max_groups,
            group_expiry,
        }
    }

    /// Returns the number of consumer groups, and the records and bytes that the queue holds.
    pub(in crate::broker) fn sizes(&self) -> WorkQueueSizes {
        WorkQueueSizes {
            groups: self.groups.len(),
            records: self.store.records.len(),
            bytes: self.store.bytes,
        }
    }

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
        let now = Instant::now();
        for group in known_groups {
            let has_room = self.groups.len() < self.max_groups;
            if has_room && !self.groups.contains_key(&group) {
                self.groups.insert(group, GroupMembers::abandoned(now));
            }
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
            is_handled: false,
        };
        self.store.add(id, record);
        // A group that is created later does not get the record.
        for members in self.groups.values_mut() {
            members.enqueue(id);
            members.deliver(&self.store);
        }
    }

    /// Adds a consumer to a group and returns its number. The first one creates the group.
    pub(super) fn add_consumer(
        &mut self,
        group: &ConsumerGroup,
        max_unacked: usize,
        frames: BoundedSender<Bytes>,
    ) -> Result<u64, TooManyGroups> {
        let is_new = !self.groups.contains_key(group);
        if is_new && self.groups.len() >= self.max_groups {
            return Err(TooManyGroups {
                group: group.clone(),
                max: self.max_groups,
            });
        }
        let consumer = self.next_id();
        // Before any delivery. It cannot fail, because the queue is empty.
        let _ = frames.push(encode_frame(&ToConsumer::Joined, &[]));
        let members = self.groups.entry(group.clone()).or_default();
        members.add_consumer(consumer, max_unacked, frames);
        members.deliver(&self.store);
        if is_new {
            self.broadcast_groups();
        }
        Ok(consumer)
    }

    /// Removes a consumer. Its group delivers its unacknowledged records to the others.
    pub(super) fn remove_consumer(&mut self, group: &ConsumerGroup, consumer: u64) {
        if let Some(members) = self.groups.get_mut(group) {
            members.remove_consumer(consumer);
            members.deliver(&self.store);
            if members.abandoned_since().is_some() {
                let expiry = self.group_expiry;
                tracing::warn!(
                    %group,
                    "a consumer group has no consumers; telemetry waits for it, \
                     and it is removed after {expiry:?}"
                );
            }
        }
    }

    /// Removes a group that has no consumers.
    ///
    /// The records of the group wait for the other groups only. Those that no group has
    /// handled are rejected, so that their devices send them again.
    pub(super) fn remove_group(&mut self, group: &ConsumerGroup) -> Result<(), RemoveGroupError> {
        let consumers = match self.groups.get(group) {
            None => return Err(RemoveGroupError::Unknown(group.clone())),
            Some(members) => members.consumers(),
        };
        if consumers > 0 {
            let group = group.clone();
            return Err(RemoveGroupError::HasConsumers { group, consumers });
        }
        let members = self.groups.remove(group).unwrap_or_default();
        self.release_all(members.into_ready());
        self.broadcast_groups();
        Ok(())
    }

    /// Removes and returns the groups that have been abandoned for too long.
    pub(super) fn expire_groups(&mut self, now: Instant) -> Vec<ConsumerGroup> {
        let is_expired = |members: &GroupMembers| {
            let since = members.abandoned_since();
            since.is_some_and(|since| now.saturating_duration_since(since) >= self.group_expiry)
        };
        let all = self.groups.iter();
        let mut expired: Vec<ConsumerGroup> = all
            .filter(|(_, members)| is_expired(members))
            .map(|(group, _)| group.clone())
            .collect();
        expired.retain(|group| self.remove_group(group).is_ok());
        expired
    }

    /// Returns the groups, by name.
    pub(super) fn group_statuses(&self, now: Instant) -> Vec<ConsumerGroupStatus> {
        let status = |(group, members): (&ConsumerGroup, &GroupMembers)| {
            let expires_in = members
                .abandoned_since()
                .map(|since| (since + self.group_expiry).saturating_duration_since(now));
            ConsumerGroupStatus {
                group: group.clone(),
                consumers: members.consumers() as u64,
                ready: members.ready() as u64,
                unacked: members.unacked() as u64,
                expires_in_ms: expires_in.map(|left| left.as_millis() as u64),
            }
        };
        self.groups.iter().map(status).collect()
    }

    pub(super) fn group_expiry(&self) -> Duration {
        self.group_expiry
    }

    /// Acknowledges deliveries of a consumer. Receipts that it does not have are ignored.
    pub(super) fn acknowledge(&mut self, group: &ConsumerGroup, consumer: u64, receipts: &[u64]) {
        let Some(members) = self.groups.get_mut(group) else {
            return;
        };
        let handled = members.acknowledge(consumer, receipts);
        // The acknowledgements have made room for further deliveries.
        members.deliver(&self.store);
        for record in &handled {
            self.store.mark_handled(*record);
        }
        self.release_all(handled);
    }

    /// Counts that one group is done with these records, and sends the outcomes of those with
    /// which every group is.
    fn release_all(&mut self, records: Vec<u64>) {
        // One frame for each producer, whatever number of its records.
        let mut results: BTreeMap<u64, Vec<(u64, PublishOutcome)>> = BTreeMap::new();
        for record in records {
            if let Some(done) = self.store.release(record) {
                let outcome = match done.is_handled {
                    true => PublishOutcome::Accepted,
                    // Its groups were removed before any of them handled it.
                    false => PublishOutcome::Rejected(RejectReason::NoConsumerGroup),
                };
                let results = results.entry(done.producer).or_default();
                results.push((done.sequence, outcome));
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
