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

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use bytes::Bytes;

use super::wire::{ToConsumer, ToProducer};
use crate::{
    backlog::Sender,
    backplane::seal,
    id::Group,
    work::{
        Outcome, Refusal,
        queue::{MOST_BYTES, MOST_READINGS},
    },
};

/// Bounds of all readings at the broker; more are refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) readings: usize,
    pub(super) bytes: usize,
}

/// The broker's readings, behind one short lock.
pub(in crate::broker) struct Groups {
    room: Room,
    bytes: usize,
    /// The last number given to a reading or a connection.
    last: u64,
    readings: HashMap<u64, Reading>,
    groups: BTreeMap<Group, Members>,
    producers: HashMap<u64, Sender<Bytes>>,
}

struct Reading {
    payload: Bytes,
    producer: u64,
    /// The producer's own number for it.
    number: u64,
    /// Groups that have not handled it.
    groups_left: usize,
}

#[derive(Default)]
struct Members {
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

impl Default for Groups {
    fn default() -> Self {
        Self::new(Room {
            readings: MOST_READINGS,
            bytes: MOST_BYTES,
        })
    }
}

impl Groups {
    pub(super) fn new(room: Room) -> Self {
        Self {
            room,
            bytes: 0,
            last: 0,
            readings: HashMap::new(),
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
            members.ready.retain(|ready| {
                let of = self.readings.get(&ready.reading);
                let stays = of.is_some_and(|reading| reading.producer != producer);
                if !stays {
                    dropped.push(ready.reading);
                }
                stays
            });
        }
        for reading in dropped {
            self.one_group_less(reading);
        }
    }

    /// A reading of a node, for every group.
    pub(super) fn submit(&mut self, producer: u64, number: u64, payload: Bytes) {
        if let Some(refusal) = self.refusal(payload.len()) {
            return self.settle(producer, vec![(number, Outcome::Refused(refusal))]);
        }
        let id = self.next();
        self.bytes += payload.len();
        self.readings.insert(
            id,
            Reading {
                payload,
                producer,
                number,
                groups_left: self.groups.len(),
            },
        );
        for members in self.groups.values_mut() {
            members.ready.push_back(Ready {
                reading: id,
                redelivered: false,
            });
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
        members.consumers.insert(
            number,
            Consumer {
                frames,
                credit,
                in_hand: BTreeSet::new(),
                turn: 0,
            },
        );
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
        let Some(of) = members.consumers.get_mut(&consumer) else {
            return;
        };
        let handled: Vec<u64> = receipts
            .iter()
            .copied()
            .filter(|receipt| of.in_hand.remove(receipt))
            .collect();
        members.deliver(&self.readings);
        let mut settled: BTreeMap<u64, Vec<(u64, Outcome)>> = BTreeMap::new();
        for reading in handled {
            if let Some(done) = self.one_group_less(reading) {
                let numbers = settled.entry(done.producer).or_default();
                numbers.push((done.number, Outcome::Taken));
            }
        }
        for (producer, numbers) in settled {
            self.settle(producer, numbers);
        }
    }

    fn refusal(&self, bytes: usize) -> Option<Refusal> {
        let full = self.readings.len() >= self.room.readings;
        if self.groups.is_empty() {
            Some(Refusal::NoGroup)
        } else if full || self.bytes + bytes > self.room.bytes {
            Some(Refusal::Full)
        } else {
            None
        }
    }

    /// Gives the reading back once no group has it any more.
    fn one_group_less(&mut self, id: u64) -> Option<Reading> {
        let reading = self.readings.get_mut(&id)?;
        reading.groups_left -= 1;
        if reading.groups_left > 0 {
            return None;
        }
        let reading = self.readings.remove(&id)?;
        self.bytes -= reading.payload.len();
        Some(reading)
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
}

impl Members {
    /// As much of what is ready as the consumers have room for, each to the one with
    /// the least in hand; among equals to the one whose turn is longest ago, so that
    /// quick consumers share the work as well.
    fn deliver(&mut self, readings: &HashMap<u64, Reading>) {
        while !self.ready.is_empty() {
            let free = self
                .consumers
                .iter_mut()
                .filter(|(_, consumer)| consumer.in_hand.len() < consumer.credit)
                .min_by_key(|(_, consumer)| (consumer.in_hand.len(), consumer.turn));
            let Some((number, consumer)) = free else {
                return;
            };
            let number = *number;
            let Some(next) = self.ready.pop_front() else {
                return;
            };
            let Some(reading) = readings.get(&next.reading) else {
                continue;
            };
            let header = ToConsumer::Delivery {
                receipt: next.reading,
                redelivered: next.redelivered,
            };
            consumer.in_hand.insert(next.reading);
            self.turn += 1;
            consumer.turn = self.turn;
            if consumer
                .frames
                .push(seal(&header, &reading.payload))
                .is_err()
            {
                self.leave(number);
            }
        }
    }

    /// Its queue goes with it, which ends its connection.
    fn leave(&mut self, number: u64) {
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
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        backlog::{Receiver, channel},
        backplane::open,
    };

    const ROOM: Room = Room {
        readings: 1_000,
        bytes: 1_000_000,
    };

    fn group(name: &str) -> Group {
        name.parse().unwrap()
    }

    fn payload(number: u64) -> Bytes {
        number.to_string().into()
    }

    fn waiting(frames: &mut Receiver<Bytes>) -> Vec<Bytes> {
        let mut all = Vec::new();
        let _ = frames.recv_many(&mut all, 10_000).now_or_never();
        all
    }

    /// A consumer's end.
    struct Hand {
        group: Group,
        number: u64,
        frames: Receiver<Bytes>,
    }

    impl Hand {
        fn join(groups: &mut Groups, name: &str, credit: usize) -> Self {
            let (sender, frames) = channel(10_000, 1_000_000);
            let number = groups.consumer_joined(&group(name), credit, sender);
            Self {
                group: group(name),
                number,
                frames,
            }
        }

        /// Receipt, redelivered, payload of what has come since.
        fn deliveries(&mut self) -> Vec<(u64, bool, Bytes)> {
            let frames = waiting(&mut self.frames);
            let deliveries = frames.iter().filter_map(|frame| match open(frame)? {
                (
                    ToConsumer::Delivery {
                        receipt,
                        redelivered,
                    },
                    payload,
                ) => Some((receipt, redelivered, payload)),
                _ => None,
            });
            deliveries.collect()
        }

        fn handle_all(&mut self, groups: &mut Groups) -> Vec<Bytes> {
            let mut all = Vec::new();
            loop {
                let deliveries = self.deliveries();
                if deliveries.is_empty() {
                    return all;
                }
                let receipts: Vec<u64> = deliveries.iter().map(|(receipt, ..)| *receipt).collect();
                groups.handled(&self.group, self.number, &receipts);
                all.extend(deliveries.into_iter().map(|(_, _, payload)| payload));
            }
        }
    }

    /// A node's end.
    struct Source {
        number: u64,
        frames: Receiver<Bytes>,
    }

    impl Source {
        fn join(groups: &mut Groups, known: &[&str]) -> Self {
            let (sender, frames) = channel(10_000, 1_000_000);
            let known = known.iter().map(|name| group(name)).collect();
            let number = groups.producer_joined(known, sender);
            Self { number, frames }
        }

        fn settled(&mut self) -> Vec<(u64, Outcome)> {
            let frames = waiting(&mut self.frames);
            let settled = frames.iter().filter_map(|frame| match open(frame)? {
                (ToProducer::Settled(settled), _) => Some(settled),
                _ => None,
            });
            settled.flatten().collect()
        }
    }

    #[test]
    fn without_a_group_and_without_room_nothing_is_taken() {
        let mut groups = Groups::new(Room {
            readings: 1,
            bytes: 100,
        });
        let mut source = Source::join(&mut groups, &[]);
        groups.submit(source.number, 1, payload(1));
        let mut hand = Hand::join(&mut groups, "a", 10);
        groups.submit(source.number, 2, payload(2));
        groups.submit(source.number, 3, payload(3));
        assert_eq!(
            source.settled(),
            [
                (1, Outcome::Refused(Refusal::NoGroup)),
                (3, Outcome::Refused(Refusal::Full))
            ]
        );
        assert_eq!(hand.handle_all(&mut groups), [payload(2)]);
        assert_eq!(source.settled(), [(2, Outcome::Taken)]);
        assert_eq!((groups.bytes, groups.readings.len()), (0, 0));
    }

    #[test]
    fn a_reading_is_settled_once_every_group_has_handled_it() {
        let mut groups = Groups::new(ROOM);
        // A group of before a restart, whose consumers are not back yet.
        let mut source = Source::join(&mut groups, &["late"]);
        let mut early = Hand::join(&mut groups, "early", 10);
        groups.submit(source.number, 7, payload(7));
        assert_eq!(early.handle_all(&mut groups), [payload(7)]);
        assert_eq!(source.settled(), []);
        let mut late = Hand::join(&mut groups, "late", 10);
        assert_eq!(late.handle_all(&mut groups), [payload(7)]);
        assert_eq!(source.settled(), [(7, Outcome::Taken)]);
    }

    #[test]
    fn consumers_that_are_always_free_take_turns() {
        let mut groups = Groups::new(ROOM);
        let source = Source::join(&mut groups, &[]);
        let mut hands = [(); 3].map(|()| Hand::join(&mut groups, "a", 10));
        for number in 0..6 {
            groups.submit(source.number, number, payload(number));
            let turn = (number % 3) as usize;
            assert_eq!(hands[turn].handle_all(&mut groups), [payload(number)]);
        }
    }

    #[test]
    fn what_a_dead_consumer_had_goes_to_another_and_says_so() {
        let mut groups = Groups::new(ROOM);
        let mut source = Source::join(&mut groups, &[]);
        let mut dead = Hand::join(&mut groups, "a", 2);
        for number in 1..=3 {
            groups.submit(source.number, number, payload(number));
        }
        let had: Vec<Bytes> = dead.deliveries().into_iter().map(|(.., p)| p).collect();
        assert_eq!(had, [payload(1), payload(2)]);
        groups.consumer_left(&group("a"), dead.number);
        let mut heir = Hand::join(&mut groups, "a", 10);
        let deliveries = heir.deliveries();
        let told: Vec<bool> = deliveries.iter().map(|(_, again, _)| *again).collect();
        assert_eq!(told, [true, true, false]);
        // The dead one's word counts no more.
        groups.handled(&group("a"), dead.number, &[deliveries[0].0]);
        assert_eq!(source.settled(), []);
    }

    #[test]
    fn what_nobody_has_in_hand_leaves_with_its_node() {
        let mut groups = Groups::new(ROOM);
        let source = Source::join(&mut groups, &[]);
        let mut hand = Hand::join(&mut groups, "a", 1);
        for number in 1..=3 {
            groups.submit(source.number, number, payload(number));
        }
        groups.producer_left(source.number);
        assert_eq!(hand.handle_all(&mut groups), [payload(1)]);
        assert_eq!((groups.bytes, groups.readings.len()), (0, 0));
    }

    proptest! {
        /// However consumers come, die and work, every group handles every reading,
        /// and more than once only what a dead one had in hand.
        #[test]
        fn nothing_is_lost_and_only_the_dead_cause_duplicates(
            operations in prop::collection::vec((0u8..5, 0u8..2), 1..200),
        ) {
            let mut groups = Groups::new(ROOM);
            let mut source = Source::join(&mut groups, &["g0", "g1"]);
            let mut hands: Vec<Hand> = Vec::new();
            let mut handled: BTreeMap<(Group, Bytes), u32> = BTreeMap::new();
            let (mut submitted, mut unsaid) = (0u64, 0u32);
            for (what, which) in operations {
                match what {
                    0 | 1 => {
                        submitted += 1;
                        groups.submit(source.number, submitted, payload(submitted));
                    }
                    2 => hands.push(Hand::join(&mut groups, &format!("g{which}"), 3)),
                    3 => if let Some(mut hand) = hands.pop() {
                        // Handled, and dead before it could say so.
                        for (_, _, payload) in hand.deliveries() {
                            *handled.entry((hand.group.clone(), payload)).or_default() += 1;
                            unsaid += 1;
                        }
                        groups.consumer_left(&hand.group, hand.number);
                    },
                    _ => for hand in &mut hands {
                        for payload in hand.handle_all(&mut groups) {
                            *handled.entry((hand.group.clone(), payload)).or_default() += 1;
                        }
                    },
                }
            }
            for name in ["g0", "g1"] {
                hands.push(Hand::join(&mut groups, name, 1_000));
            }
            for hand in &mut hands {
                for payload in hand.handle_all(&mut groups) {
                    *handled.entry((hand.group.clone(), payload)).or_default() += 1;
                }
            }
            prop_assert_eq!(handled.len() as u64, submitted * 2);
            let again: u32 = handled.values().map(|times| times - 1).sum();
            prop_assert!(again <= unsaid);
            prop_assert_eq!(source.settled().len() as u64, submitted);
            prop_assert_eq!((groups.bytes, groups.readings.len()), (0, 0));
        }
    }
}
