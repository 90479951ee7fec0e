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
    group::Members,
    protocol::{ToConsumer, ToProducer},
    store::{Reading, Readings, Room},
};
use crate::{
    backplane::seal,
    bounded_queue::Sender,
    id::Group,
    ingest::{Outcome, Refusal},
};

/// The broker's readings, behind one short lock.
pub(in crate::broker) struct Groups {
    /// The last number given to a reading or a connection.
    last: u64,
    readings: Readings,
    groups: BTreeMap<Group, Members>,
    producers: HashMap<u64, Sender<Bytes>>,
}

impl Default for Groups {
    fn default() -> Self {
        Self::new(Room::default())
    }
}

impl Groups {
    pub(super) fn new(room: Room) -> Self {
        Self {
            last: 0,
            readings: Readings::new(room),
            groups: BTreeMap::new(),
            producers: HashMap::new(),
        }
    }

    /// A node comes, and says which groups it knows of: those of before a restart of
    /// the broker, whose consumers may not be back yet. Answers its number.
    pub(super) fn producer_joined(&mut self, known: Vec<Group>, frames: Sender<Bytes>) -> u64 {
        let number = self.next();
        self.producers.insert(number, frames);
        for group in known {
            self.groups.entry(group).or_default();
        }
        self.announce();
        number
    }

    /// A node has gone: what is in nobody's hand goes with it, since the node, or the
    /// devices that hear nothing of it, will bring it again.
    pub(super) fn producer_left(&mut self, producer: u64) {
        self.producers.remove(&producer);
        let mut dropped = Vec::new();
        for members in self.groups.values_mut() {
            dropped.extend(members.drop_ready_of(producer, &self.readings));
        }
        for reading in dropped {
            self.readings.one_group_less(reading);
        }
    }

    /// A reading of a node, for every group.
    pub(super) fn submit(&mut self, producer: u64, number: u64, payload: Bytes) {
        if let Some(refusal) = self.refusal(payload.len()) {
            return self.settle(producer, vec![(number, Outcome::Refused(refusal))]);
        }
        let id = self.next();
        let reading = Reading {
            payload,
            producer,
            number,
            groups_left: self.groups.len(),
        };
        self.readings.add(id, reading);
        for members in self.groups.values_mut() {
            members.add(id);
            members.deliver(&self.readings);
        }
    }

    /// A consumer joins a group, and takes `credit` readings in hand at most. Answers
    /// its number.
    pub(super) fn consumer_joined(
        &mut self,
        group: &Group,
        credit: usize,
        frames: Sender<Bytes>,
    ) -> u64 {
        let number = self.next();
        let is_new = !self.groups.contains_key(group);
        // Before any delivery; an empty queue has room for it.
        let _ = frames.push(seal(&ToConsumer::Joined, &[]));
        let members = self.groups.entry(group.clone()).or_default();
        members.join(number, credit, frames);
        members.deliver(&self.readings);
        if is_new {
            self.announce();
        }
        number
    }

    /// A consumer has gone: what it had in hand is for the others.
    pub(super) fn consumer_left(&mut self, group: &Group, consumer: u64) {
        if let Some(members) = self.groups.get_mut(group) {
            members.leave(consumer);
            members.deliver(&self.readings);
        }
    }

    /// A consumer has handled these; what was not in its hand is not its matter.
    pub(super) fn handled(&mut self, group: &Group, consumer: u64, receipts: &[u64]) {
        let Some(members) = self.groups.get_mut(group) else {
            return;
        };
        let handled = members.handled(consumer, receipts);
        members.deliver(&self.readings);
        let mut settled: BTreeMap<u64, Vec<(u64, Outcome)>> = BTreeMap::new();
        for reading in handled {
            if let Some(done) = self.readings.one_group_less(reading) {
                let numbers = settled.entry(done.producer).or_default();
                numbers.push((done.number, Outcome::Taken));
            }
        }
        for (producer, numbers) in settled {
            self.settle(producer, numbers);
        }
    }

    fn refusal(&self, bytes: usize) -> Option<Refusal> {
        if self.groups.is_empty() {
            Some(Refusal::NoGroup)
        } else if self.readings.has_room(bytes) {
            None
        } else {
            Some(Refusal::Full)
        }
    }

    /// Tells a node; one that does not read what it is told is cut off.
    fn settle(&mut self, producer: u64, numbers: Vec<(u64, Outcome)>) {
        let told = self.producers.get(&producer).is_none_or(|frames| {
            frames
                .push(seal(&ToProducer::Settled(numbers), &[]))
                .is_ok()
        });
        if !told {
            self.producer_left(producer);
        }
    }

    fn announce(&mut self) {
        let groups = self.groups.keys().cloned().collect();
        let frame = seal(&ToProducer::Groups(groups), &[]);
        let deaf: Vec<u64> = self
            .producers
            .iter()
            .filter(|(_, frames)| frames.push(frame.clone()).is_err())
            .map(|(number, _)| *number)
            .collect();
        for producer in deaf {
            self.producer_left(producer);
        }
    }

    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// How many readings there are, and their bytes.
    #[cfg(test)]
    pub(super) fn held(&self) -> (usize, usize) {
        self.readings.held()
    }
}
