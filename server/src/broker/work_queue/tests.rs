//! Readings, groups and consumers, without sockets.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::FutureExt;
use proptest::prelude::*;

use super::{queue::WorkQueue, store::StoreLimits};
use crate::{
    backplane::decode_frame,
    id::ConsumerGroup,
    ingest::{
        PublishOutcome, RejectReason,
        local_protocol::{ToConsumer, ToProducer},
    },
    net::bounded_queue::{BoundedReceiver, channel},
};

const LIMITS: StoreLimits = StoreLimits {
    records: 1_000,
    bytes: 1_000_000,
};

fn group(name: &str) -> ConsumerGroup {
    name.parse().unwrap()
}

fn payload(number: u64) -> Bytes {
    number.to_string().into()
}

fn waiting(frames: &mut BoundedReceiver<Bytes>) -> Vec<Bytes> {
    let mut all = Vec::new();
    let _ = frames.recv_many(&mut all, 10_000).now_or_never();
    all
}

/// A consumer's end.
struct TestConsumer {
    group: ConsumerGroup,
    number: u64,
    frames: BoundedReceiver<Bytes>,
}

impl TestConsumer {
    fn join(groups: &mut WorkQueue, name: &str, credit: usize) -> Self {
        let (sender, frames) = channel(10_000, 1_000_000);
        let number = groups.add_consumer(&group(name), credit, sender);
        Self {
            group: group(name),
            number,
            frames,
        }
    }

    /// Receipt, redelivered, payload of what has come since.
    fn deliveries(&mut self) -> Vec<(u64, bool, Bytes)> {
        let frames = waiting(&mut self.frames);
        let deliveries = frames
            .iter()
            .filter_map(|frame| match decode_frame(frame)? {
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

    fn handle_all(&mut self, groups: &mut WorkQueue) -> Vec<Bytes> {
        let mut all = Vec::new();
        loop {
            let deliveries = self.deliveries();
            if deliveries.is_empty() {
                return all;
            }
            let receipts: Vec<u64> = deliveries.iter().map(|(receipt, ..)| *receipt).collect();
            groups.acknowledge(&self.group, self.number, &receipts);
            all.extend(deliveries.into_iter().map(|(_, _, payload)| payload));
        }
    }
}

/// A node's end.
struct TestProducer {
    number: u64,
    frames: BoundedReceiver<Bytes>,
}

impl TestProducer {
    fn join(groups: &mut WorkQueue, known: &[&str]) -> Self {
        let (sender, frames) = channel(10_000, 1_000_000);
        let known = known.iter().map(|name| group(name)).collect();
        let number = groups.add_producer(known, sender);
        Self { number, frames }
    }

    fn results(&mut self) -> Vec<(u64, PublishOutcome)> {
        let frames = waiting(&mut self.frames);
        let settled = frames
            .iter()
            .filter_map(|frame| match decode_frame(frame)? {
                (ToProducer::PublishResults(settled), _) => Some(settled),
                _ => None,
            });
        settled.flatten().collect()
    }
}

#[test]
fn without_a_group_and_without_room_nothing_is_taken() {
    let mut groups = WorkQueue::new(StoreLimits {
        records: 1,
        bytes: 100,
    });
    let mut source = TestProducer::join(&mut groups, &[]);
    groups.publish(source.number, 1, payload(1));
    let mut hand = TestConsumer::join(&mut groups, "a", 10);
    groups.publish(source.number, 2, payload(2));
    groups.publish(source.number, 3, payload(3));
    assert_eq!(
        source.results(),
        [
            (1, PublishOutcome::Rejected(RejectReason::NoConsumerGroup)),
            (3, PublishOutcome::Rejected(RejectReason::Full))
        ]
    );
    assert_eq!(hand.handle_all(&mut groups), [payload(2)]);
    assert_eq!(source.results(), [(2, PublishOutcome::Accepted)]);
    assert_eq!(groups.usage(), (0, 0));
}

#[test]
fn a_reading_is_settled_once_every_group_has_handled_it() {
    let mut groups = WorkQueue::new(LIMITS);
    // A group of before a restart, whose consumers are not back yet.
    let mut source = TestProducer::join(&mut groups, &["late"]);
    let mut early = TestConsumer::join(&mut groups, "early", 10);
    groups.publish(source.number, 7, payload(7));
    assert_eq!(early.handle_all(&mut groups), [payload(7)]);
    assert_eq!(source.results(), []);
    let mut late = TestConsumer::join(&mut groups, "late", 10);
    assert_eq!(late.handle_all(&mut groups), [payload(7)]);
    assert_eq!(source.results(), [(7, PublishOutcome::Accepted)]);
}

#[test]
fn consumers_that_are_always_free_take_turns() {
    let mut groups = WorkQueue::new(LIMITS);
    let source = TestProducer::join(&mut groups, &[]);
    let mut hands = [(); 3].map(|()| TestConsumer::join(&mut groups, "a", 10));
    for number in 0..6 {
        groups.publish(source.number, number, payload(number));
        let turn = (number % 3) as usize;
        assert_eq!(hands[turn].handle_all(&mut groups), [payload(number)]);
    }
}

#[test]
fn what_a_dead_consumer_had_goes_to_another_and_says_so() {
    let mut groups = WorkQueue::new(LIMITS);
    let mut source = TestProducer::join(&mut groups, &[]);
    let mut dead = TestConsumer::join(&mut groups, "a", 2);
    for number in 1..=3 {
        groups.publish(source.number, number, payload(number));
    }
    let had: Vec<Bytes> = dead.deliveries().into_iter().map(|(.., p)| p).collect();
    assert_eq!(had, [payload(1), payload(2)]);
    groups.remove_consumer(&group("a"), dead.number);
    let mut heir = TestConsumer::join(&mut groups, "a", 10);
    let deliveries = heir.deliveries();
    let told: Vec<bool> = deliveries.iter().map(|(_, again, _)| *again).collect();
    assert_eq!(told, [true, true, false]);
    // The dead one's word counts no more.
    groups.acknowledge(&group("a"), dead.number, &[deliveries[0].0]);
    assert_eq!(source.results(), []);
}

#[test]
fn what_nobody_has_in_hand_leaves_with_its_node() {
    let mut groups = WorkQueue::new(LIMITS);
    let source = TestProducer::join(&mut groups, &[]);
    let mut hand = TestConsumer::join(&mut groups, "a", 1);
    for number in 1..=3 {
        groups.publish(source.number, number, payload(number));
    }
    groups.remove_producer(source.number);
    assert_eq!(hand.handle_all(&mut groups), [payload(1)]);
    assert_eq!(groups.usage(), (0, 0));
}

proptest! {
    /// However consumers come, die and work, every group handles every reading,
    /// and more than once only what a dead one had in hand.
    #[test]
    fn nothing_is_lost_and_only_the_dead_cause_duplicates(
        operations in prop::collection::vec((0u8..5, 0u8..2), 1..200),
    ) {
        let mut groups = WorkQueue::new(LIMITS);
        let mut source = TestProducer::join(&mut groups, &["g0", "g1"]);
        let mut hands: Vec<TestConsumer> = Vec::new();
        let mut handled: BTreeMap<(ConsumerGroup, Bytes), u32> = BTreeMap::new();
        let (mut submitted, mut unsaid) = (0u64, 0u32);
        for (what, which) in operations {
            match what {
                0 | 1 => {
                    submitted += 1;
                    groups.publish(source.number, submitted, payload(submitted));
                }
                2 => hands.push(TestConsumer::join(&mut groups, &format!("g{which}"), 3)),
                3 => if let Some(mut hand) = hands.pop() {
                    // Handled, and dead before it could say so.
                    for (_, _, payload) in hand.deliveries() {
                        *handled.entry((hand.group.clone(), payload)).or_default() += 1;
                        unsaid += 1;
                    }
                    groups.remove_consumer(&hand.group, hand.number);
                },
                _ => for hand in &mut hands {
                    for payload in hand.handle_all(&mut groups) {
                        *handled.entry((hand.group.clone(), payload)).or_default() += 1;
                    }
                },
            }
        }
        for name in ["g0", "g1"] {
            hands.push(TestConsumer::join(&mut groups, name, 1_000));
        }
        for hand in &mut hands {
            for payload in hand.handle_all(&mut groups) {
                *handled.entry((hand.group.clone(), payload)).or_default() += 1;
            }
        }
        prop_assert_eq!(handled.len() as u64, submitted * 2);
        let again: u32 = handled.values().map(|times| times - 1).sum();
        prop_assert!(again <= unsaid);
        prop_assert_eq!(source.results().len() as u64, submitted);
        prop_assert_eq!(groups.usage(), (0, 0));
    }
}
