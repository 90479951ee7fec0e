//! One group: what is ready for it, and what its consumers have in hand.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;

use super::{protocol::ToConsumer, store::Readings};
use crate::{backplane::seal, bounded_queue::Sender};

/// A group's readings and consumers.
#[derive(Default)]
pub(super) struct Members {
    ready: VecDeque<Ready>,
    consumers: BTreeMap<u64, Consumer>,
    /// Deliveries so far.
    turn: u64,
}

struct Ready {
    reading: u64,
    redelivered: bool,
}

struct Consumer {
    frames: Sender<Bytes>,
    credit: usize,
    in_hand: BTreeSet<u64>,
    /// The delivery that it had last.
    turn: u64,
}

impl Members {
    /// A reading is to be handled.
    pub(super) fn add(&mut self, reading: u64) {
        self.ready.push_back(Ready {
            reading,
            redelivered: false,
        });
    }

    /// A consumer comes, to take `credit` readings in hand at most.
    pub(super) fn join(&mut self, number: u64, credit: usize, frames: Sender<Bytes>) {
        let consumer = Consumer {
            frames,
            credit,
            in_hand: BTreeSet::new(),
            turn: 0,
        };
        self.consumers.insert(number, consumer);
    }

    /// A consumer goes: what it had in hand is ready again, first of all. Its queue
    /// goes with it, which ends its connection.
    pub(super) fn leave(&mut self, number: u64) {
        let Some(consumer) = self.consumers.remove(&number) else {
            return;
        };
        for reading in consumer.in_hand.into_iter().rev() {
            self.ready.push_front(Ready {
                reading,
                redelivered: true,
            });
        }
    }

    /// A consumer has handled these. Answers which of them it had in hand.
    pub(super) fn handled(&mut self, number: u64, receipts: &[u64]) -> Vec<u64> {
        let Some(consumer) = self.consumers.get_mut(&number) else {
            return Vec::new();
        };
        let had = |receipt: &u64| consumer.in_hand.remove(receipt);
        receipts.iter().copied().filter(had).collect()
    }

    /// Takes out what is of that producer and in nobody's hand.
    pub(super) fn drop_ready_of(&mut self, producer: u64, readings: &Readings) -> Vec<u64> {
        let mut dropped = Vec::new();
        self.ready.retain(|ready| {
            let reading = readings.get(ready.reading);
            let stays = reading.is_some_and(|reading| reading.producer != producer);
            if !stays {
                dropped.push(ready.reading);
            }
            stays
        });
        dropped
    }

    /// As much of what is ready as the consumers have room for, each to the one with
    /// the least in hand; among equals to the one whose turn is longest ago, so that
    /// quick consumers share the work as well.
    pub(super) fn deliver(&mut self, readings: &Readings) {
        while !self.ready.is_empty() {
            let Some(number) = self.next_free() else {
                return;
            };
            let Some(next) = self.ready.pop_front() else {
                return;
            };
            let Some(reading) = readings.get(next.reading) else {
                continue;
            };
            if !self.hand_to(number, &next, &reading.payload) {
                self.leave(number);
            }
        }
    }

    fn next_free(&self) -> Option<u64> {
        let free = self
            .consumers
            .iter()
            .filter(|(_, consumer)| consumer.in_hand.len() < consumer.credit);
        free.min_by_key(|(_, consumer)| (consumer.in_hand.len(), consumer.turn))
            .map(|(number, _)| *number)
    }

    /// Whether the consumer's queue took it.
    fn hand_to(&mut self, number: u64, next: &Ready, payload: &[u8]) -> bool {
        let Some(consumer) = self.consumers.get_mut(&number) else {
            return false;
        };
        let header = ToConsumer::Delivery {
            receipt: next.reading,
            redelivered: next.redelivered,
        };
        // In hand from here on: should it have to leave, it gives this one back too.
        consumer.in_hand.insert(next.reading);
        self.turn += 1;
        consumer.turn = self.turn;
        consumer.frames.push(seal(&header, payload)).is_ok()
    }
}
