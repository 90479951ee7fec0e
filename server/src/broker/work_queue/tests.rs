//! Tests of records, groups and consumers, without sockets.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use futures_util::FutureExt;
use proptest::prelude::*;
use tokio::time::Instant;

use super::WorkQueue;
use crate::{
    backplane::decode_frame,
    id::ConsumerGroup,
    ingest::{
        PublishOutcome, RejectReason,
        local_protocol::{ToConsumer, ToProducer},
    },
    net::bounded_queue::{BoundedReceiver, channel},
};

const GROUP_EXPIRY: Duration = Duration::from_secs(60);

fn work_queue() -> WorkQueue {
    WorkQueue::new(3, GROUP_EXPIRY)
}

fn group(name: &str) -> ConsumerGroup {
    name.parse().unwrap()
}

/// Returns the number of records at the broker, and their bytes.
fn usage(queue: &WorkQueue) -> (usize, usize) {
    (queue.store.records.len(), queue.store.bytes)
}

fn payload(number: u64) -> Bytes {
    number.to_string().into()
}

/// Takes the frames that wait in a queue.
fn drain(frames: &mut BoundedReceiver<Bytes>) -> Vec<Bytes> {
    let mut all = Vec::new();
    let _ = frames.recv_many(&mut all, 10_000).now_or_never();
    all
}

/// The consumer's end of a connection.
struct TestConsumer {
    group: ConsumerGroup,
    number: u64,
    frames: BoundedReceiver<Bytes>,
}

impl TestConsumer {
    fn join(queue: &mut WorkQueue, name: &str, max_unacked: usize) -> Self {
        let (sender, frames) = channel(10_000, 1_000_000);
        let number = queue
            .add_consumer(&group(name), max_unacked, sender)
            .unwrap();
        Self {
            group: group(name),
            number,
            frames,
        }
    }

    /// Returns receipt, redelivered and payload of the deliveries since the last call.
    fn deliveries(&mut self) -> Vec<(u64, bool, Bytes)> {
        let frames = drain(&mut self.frames);
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

    /// Acknowledges deliveries until there are no more, and returns their payloads.
    fn handle_all(&mut self, queue: &mut WorkQueue) -> Vec<Bytes> {
        let mut all = Vec::new();
        loop {
            let deliveries = self.deliveries();
            if deliveries.is_empty() {
                return all;
            }
            let receipts: Vec<u64> = deliveries.iter().map(|(receipt, ..)| *receipt).collect();
            queue.acknowledge(&self.group, self.number, &receipts);
            all.extend(deliveries.into_iter().map(|(_, _, payload)| payload));
        }
    }
}

/// The producer's end of a connection.
struct TestProducer {
    number: u64,
    frames: BoundedReceiver<Bytes>,
}

impl TestProducer {
    fn join(queue: &mut WorkQueue, known: &[&str]) -> Self {
        let (sender, frames) = channel(10_000, 1_000_000);
        let known = known.iter().map(|name| group(name)).collect();
        let number = queue.add_producer(known, sender);
        Self { number, frames }
    }

    fn results(&mut self) -> Vec<(u64, PublishOutcome)> {
        let frames = drain(&mut self.frames);
        let results = frames
            .iter()
            .filter_map(|frame| match decode_frame(frame)? {
                (ToProducer::PublishResults(results), _) => Some(results),
                _ => None,
            });
        results.flatten().collect()
    }
}

#[test]
fn record_without_a_group_or_room_is_rejected() {
    let mut queue = work_queue();
    queue.store.limits.records = 1;
    let mut producer = TestProducer::join(&mut queue, &[]);
    queue.publish(producer.number, 1, payload(1));
    let mut consumer = TestConsumer::join(&mut queue, "a", 10);
    queue.publish(producer.number, 2, payload(2));
    queue.publish(producer.number, 3, payload(3));
    assert_eq!(
        producer.results(),
        [
            (1, PublishOutcome::Rejected(RejectReason::NoConsumerGroup)),
            (3, PublishOutcome::Rejected(RejectReason::Full))
        ]
    );
    assert_eq!(consumer.handle_all(&mut queue), [payload(2)]);
    assert_eq!(producer.results(), [(2, PublishOutcome::Accepted)]);
    assert_eq!(usage(&queue), (0, 0));
}

#[test]
fn record_is_accepted_once_every_group_has_handled_it() {
    let mut queue = work_queue();
    // A group of before a restart, whose consumers have not returned yet.
    let mut producer = TestProducer::join(&mut queue, &["late"]);
    let mut early = TestConsumer::join(&mut queue, "early", 10);
    queue.publish(producer.number, 7, payload(7));
    assert_eq!(early.handle_all(&mut queue), [payload(7)]);
    assert_eq!(producer.results(), []);
    let mut late = TestConsumer::join(&mut queue, "late", 10);
    assert_eq!(late.handle_all(&mut queue), [payload(7)]);
    assert_eq!(producer.results(), [(7, PublishOutcome::Accepted)]);
}

#[test]
fn consumers_that_are_always_free_take_turns() {
    let mut queue = work_queue();
    let producer = TestProducer::join(&mut queue, &[]);
    let mut consumers = [(); 3].map(|()| TestConsumer::join(&mut queue, "a", 10));
    for number in 0..6 {
        queue.publish(producer.number, number, payload(number));
        let turn = (number % 3) as usize;
        assert_eq!(consumers[turn].handle_all(&mut queue), [payload(number)]);
    }
}

#[test]
fn unacknowledged_records_of_a_dead_consumer_are_redelivered() {
    let mut queue = work_queue();
    let mut producer = TestProducer::join(&mut queue, &[]);
    let mut dead = TestConsumer::join(&mut queue, "a", 2);
    for number in 1..=3 {
        queue.publish(producer.number, number, payload(number));
    }
    let had: Vec<Bytes> = dead.deliveries().into_iter().map(|(.., p)| p).collect();
    assert_eq!(had, [payload(1), payload(2)]);
    queue.remove_consumer(&group("a"), dead.number);
    let mut other = TestConsumer::join(&mut queue, "a", 10);
    let deliveries = other.deliveries();
    let redelivered: Vec<bool> = deliveries.iter().map(|(_, again, _)| *again).collect();
    assert_eq!(redelivered, [true, true, false]);
    // An acknowledgement of the dead consumer no longer counts.
    queue.acknowledge(&group("a"), dead.number, &[deliveries[0].0]);
    assert_eq!(producer.results(), []);
}

#[test]
fn ready_records_are_removed_with_their_producer() {
    let mut queue = work_queue();
    let producer = TestProducer::join(&mut queue, &[]);
    let mut consumer = TestConsumer::join(&mut queue, "a", 1);
    for number in 1..=3 {
        queue.publish(producer.number, number, payload(number));
    }
    queue.remove_producer(producer.number);
    assert_eq!(consumer.handle_all(&mut queue), [payload(1)]);
    assert_eq!(usage(&queue), (0, 0));
}

#[test]
fn removed_group_holds_up_no_record() {
    let mut queue = work_queue();
    let mut producer = TestProducer::join(&mut queue, &[]);
    let mut consumer = TestConsumer::join(&mut queue, "a", 10);
    let mistyped = TestConsumer::join(&mut queue, "mistyped", 10);
    let busy = queue.remove_group(&mistyped.group).unwrap_err();
    assert!(busy.to_string().contains("it has 1 consumers"), "{busy}");
    queue.remove_consumer(&mistyped.group, mistyped.number);
    queue.publish(producer.number, 1, payload(1));
    assert_eq!(consumer.handle_all(&mut queue), [payload(1)]);
    assert_eq!(producer.results(), []);
    queue.remove_group(&mistyped.group).unwrap();
    assert_eq!(producer.results(), [(1, PublishOutcome::Accepted)]);
    assert!(queue.remove_group(&mistyped.group).is_err(), "it is gone");
    // A record that no group has handled is not accepted when the last group goes.
    queue.publish(producer.number, 2, payload(2));
    queue.remove_consumer(&consumer.group, consumer.number);
    queue.remove_group(&consumer.group).unwrap();
    let rejected = PublishOutcome::Rejected(RejectReason::NoConsumerGroup);
    assert_eq!(producer.results(), [(2, rejected)]);
    assert_eq!(usage(&queue), (0, 0));
}

#[test]
fn abandoned_group_expires_and_one_with_consumers_does_not() {
    let mut queue = work_queue();
    let _producer = TestProducer::join(&mut queue, &["known"]);
    let _consumer = TestConsumer::join(&mut queue, "served", 10);
    let left = TestConsumer::join(&mut queue, "left", 10);
    queue.remove_consumer(&left.group, left.number);
    assert_eq!(queue.expire_groups(Instant::now()), []);
    let later = Instant::now() + GROUP_EXPIRY;
    assert_eq!(queue.expire_groups(later), [group("known"), group("left")]);
    let statuses = queue.group_statuses(later);
    let names: Vec<&str> = statuses
        .iter()
        .map(|status| status.group.as_str())
        .collect();
    assert_eq!(names, ["served"]);
    assert_eq!(
        (statuses[0].consumers, statuses[0].expires_in_ms),
        (1, None)
    );
}

#[test]
fn groups_beyond_the_bound_are_rejected() {
    let mut queue = work_queue();
    let _producer = TestProducer::join(&mut queue, &["a", "b", "c", "d"]);
    let (sender, _frames) = channel(10, 1000);
    assert!(queue.add_consumer(&group("d"), 1, sender.clone()).is_err());
    assert!(queue.add_consumer(&group("c"), 1, sender).is_ok());
}

proptest! {
    /// Every group handles every record. It handles a record twice only if a consumer died
    /// with it.
    #[test]
    fn no_record_is_lost_and_only_dead_consumers_cause_duplicates(
        operations in prop::collection::vec((0u8..5, 0u8..2), 1..200),
    ) {
        let mut queue = work_queue();
        let mut producer = TestProducer::join(&mut queue, &["g0", "g1"]);
        let mut consumers: Vec<TestConsumer> = Vec::new();
        let mut handled: BTreeMap<(ConsumerGroup, Bytes), u32> = BTreeMap::new();
        let (mut published, mut unacknowledged) = (0u64, 0u32);
        for (operation, number) in operations {
            match operation {
                0 | 1 => {
                    published += 1;
                    queue.publish(producer.number, published, payload(published));
                }
                2 => consumers.push(TestConsumer::join(&mut queue, &format!("g{number}"), 3)),
                3 => if let Some(mut consumer) = consumers.pop() {
                    // The consumer dies after it handled them and before it acknowledges them.
                    for (_, _, payload) in consumer.deliveries() {
                        *handled.entry((consumer.group.clone(), payload)).or_default() += 1;
                        unacknowledged += 1;
                    }
                    queue.remove_consumer(&consumer.group, consumer.number);
                },
                _ => for consumer in &mut consumers {
                    for payload in consumer.handle_all(&mut queue) {
                        *handled.entry((consumer.group.clone(), payload)).or_default() += 1;
                    }
                },
            }
        }
        for name in ["g0", "g1"] {
            consumers.push(TestConsumer::join(&mut queue, name, 1_000));
        }
        for consumer in &mut consumers {
            for payload in consumer.handle_all(&mut queue) {
                *handled.entry((consumer.group.clone(), payload)).or_default() += 1;
            }
        }
        prop_assert_eq!(handled.len() as u64, published * 2);
        let again: u32 = handled.values().map(|times| times - 1).sum();
        prop_assert!(again <= unacknowledged);
        prop_assert_eq!(producer.results().len() as u64, published);
        prop_assert_eq!(usage(&queue), (0, 0));
    }
}
