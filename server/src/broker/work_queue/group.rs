//! One group: what is ready for it, and what its consumers have in hand.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;

use super::store::TelemetryStore;
use crate::{
    backplane::encode_frame, ingest::local_protocol::ToConsumer, net::bounded_queue::BoundedSender,
};

/// A group's readings and consumers.
#[derive(Default)]
pub(super) struct GroupMembers {
    ready: VecDeque<ReadyDelivery>,
    consumers: BTreeMap<u64, ConnectedConsumer>,
    /// Deliveries so far.
    deliveries: u64,
}

struct ReadyDelivery {
    id: u64,
    redelivered: bool,
}

struct ConnectedConsumer {
    frames: BoundedSender<Bytes>,
    max_unacked: usize,
    unacked: BTreeSet<u64>,
    /// The delivery that it had last.
    last_delivery: u64,
}

impl GroupMembers {
    /// A reading is to be handled.
    pub(super) fn enqueue(&mut self, reading: u64) {
        self.ready.push_back(ReadyDelivery {
            id: reading,
            redelivered: false,
        });
    }

    /// A consumer comes, to take `credit` readings in hand at most.
    pub(super) fn add_consumer(
        &mut self,
        number: u64,
        credit: usize,
        frames: BoundedSender<Bytes>,
    ) {
        let consumer = ConnectedConsumer {
            frames,
            max_unacked: credit,
            unacked: BTreeSet::new(),
            last_delivery: 0,
        };
        self.consumers.insert(number, consumer);
    }

    /// A consumer goes: what it had in hand is ready again, first of all. Its queue
    /// goes with it, which ends its connection.
    pub(super) fn remove_consumer(&mut self, number: u64) {
        let Some(consumer) = self.consumers.remove(&number) else {
            return;
        };
        for reading in consumer.unacked.into_iter().rev() {
            self.ready.push_front(ReadyDelivery {
                id: reading,
                redelivered: true,
            });
        }
    }

    /// A consumer has handled these. Answers which of them it had in hand.
    pub(super) fn acknowledge(&mut self, number: u64, receipts: &[u64]) -> Vec<u64> {
        let Some(consumer) = self.consumers.get_mut(&number) else {
            return Vec::new();
        };
        let had = |receipt: &u64| consumer.unacked.remove(receipt);
        receipts.iter().copied().filter(had).collect()
    }

    /// Takes out what is of that producer and in nobody's hand.
    pub(super) fn remove_ready_of(&mut self, producer: u64, readings: &TelemetryStore) -> Vec<u64> {
        let mut dropped = Vec::new();
        self.ready.retain(|ready| {
            let reading = readings.get(ready.id);
            let stays = reading.is_some_and(|reading| reading.producer != producer);
            if !stays {
                dropped.push(ready.id);
            }
            stays
        });
        dropped
    }

    /// As much of what is ready as the consumers have room for, each to the one with
    /// the least in hand; among equals to the one whose turn is longest ago, so that
    /// quick consumers share the work as well.
    pub(super) fn deliver(&mut self, readings: &TelemetryStore) {
        while !self.ready.is_empty() {
            let Some(number) = self.next_consumer() else {
                return;
            };
            let Some(next) = self.ready.pop_front() else {
                return;
            };
            let Some(reading) = readings.get(next.id) else {
                continue;
            };
            if !self.deliver_to(number, &next, &reading.payload) {
                self.remove_consumer(number);
            }
        }
    }

    fn next_consumer(&self) -> Option<u64> {
        let free = self
            .consumers
            .iter()
            .filter(|(_, consumer)| consumer.unacked.len() < consumer.max_unacked);
        free.min_by_key(|(_, consumer)| (consumer.unacked.len(), consumer.last_delivery))
            .map(|(number, _)| *number)
    }

    /// Whether the consumer's queue took it.
    fn deliver_to(&mut self, number: u64, next: &ReadyDelivery, payload: &[u8]) -> bool {
        let Some(consumer) = self.consumers.get_mut(&number) else {
            return false;
        };
        let header = ToConsumer::Delivery {
            receipt: next.id,
            redelivered: next.redelivered,
        };
        // In hand from here on: should it have to leave, it gives this one back too.
        consumer.unacked.insert(next.id);
        self.deliveries += 1;
        consumer.last_delivery = self.deliveries;
        consumer.frames.push(encode_frame(&header, payload)).is_ok()
    }
}
