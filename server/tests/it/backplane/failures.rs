//! The contract when a server dies during traffic, and when a node does not read.

use std::sync::Arc;

use bytes::Bytes;
use highwater_server::backplane::{Backplane, Inbound, SendError, View};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Duration, Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::peer::{TestPeer, three, topic};
use crate::{
    ground::{TestBackplaneKind, on_every_backplane},
    rig::TEST_TIMEOUT,
};

on_every_backplane!(
    restarted_server_gets_every_member_and_loses_nothing_later,
    node_that_does_not_read_stalls_no_other_node,
);

/// A sender of numbers, by unicast and on a topic, each after the sender's mark.
struct NumberSender {
    task: JoinHandle<()>,
    stop: CancellationToken,
    /// The number to send next.
    next: watch::Receiver<u64>,
}

impl NumberSender {
    fn start(mark: u8, from: Arc<dyn Backplane>, to: &TestPeer) -> Self {
        let (stop, to) = (CancellationToken::new(), to.id.clone());
        let (publish, next) = watch::channel(0_u64);
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            while !stopped.is_cancelled() {
                let number = *publish.borrow();
                let payload = Bytes::from([&[mark], &number.to_be_bytes()[..]].concat());
                // Both fail while the server is down.
                let _ = from.send(&to, payload.clone());
                let _ = from.publish(&topic(), payload);
                publish.send_replace(number + 1);
                sleep(Duration::from_micros(500)).await;
            }
        });
        Self { task, stop, next }
    }

    fn next(&self) -> u64 {
        *self.next.borrow()
    }

    /// Stops and returns the end of the numbers that were sent.
    async fn stop(self) -> u64 {
        self.stop.cancel();
        self.task.await.unwrap();
        *self.next.borrow()
    }
}

/// The received numbers of two senders, by their marks, in the order of arrival.
#[derive(Default)]
struct ReceivedNumbers([NumbersOfSender; 2]);

#[derive(Default)]
struct NumbersOfSender {
    messages: Vec<u64>,
    published: Vec<u64>,
}

impl ReceivedNumbers {
    /// Receives until both kinds of messages have reached these numbers.
    async fn receive_until(&mut self, peer: &mut TestPeer, numbers: [u64; 2]) {
        while !self.reached(numbers) {
            let (payload, is_message) = match peer.next().await {
                Inbound::Message { payload, .. } => (payload, true),
                Inbound::Published { payload, .. } => (payload, false),
                other => panic!("{other:?}"),
            };
            let from = &mut self.0[usize::from(payload[0])];
            let list = if is_message {
                &mut from.messages
            } else {
                &mut from.published
            };
            list.push(u64::from_be_bytes(payload[1..].try_into().unwrap()));
        }
    }

    fn reached(&self, numbers: [u64; 2]) -> bool {
        let at_least = |list: &[u64], number| list.last().is_some_and(|last| *last >= number);
        let both = |from: &NumbersOfSender, number| {
            at_least(&from.messages, number) && at_least(&from.published, number)
        };
        let mut senders = self.0.iter().zip(numbers);
        senders.all(|(from, number)| both(from, number))
    }
}

/// Checks that the numbers are in order, once each, and complete from `start` to `end`.
fn check_complete(received: &[u64], start: u64, end: u64) {
    let grows = received.is_sorted_by(|a, b| a < b);
    assert!(grows, "out of order or twice: {received:?}");
    let from = received.partition_point(|number| *number < start);
    let expected: Vec<u64> = (start..end).collect();
    assert_eq!(received[from..], expected, "lost while the server was up");
}

async fn restarted_server_gets_every_member_and_loses_nothing_later(kind: TestBackplaneKind) {
    let mut ground = kind.own_ground();
    let [a, mut b, c] = three(&ground).await;
    b.backplane().subscribe(&topic());
    let before: Vec<View> = [&a, &b, &c].map(|peer| (*peer.view()).clone()).into();
    let senders = [
        NumberSender::start(0, Arc::clone(a.backplane()), &b),
        NumberSender::start(1, Arc::clone(c.backplane()), &b),
    ];
    let mut received = ReceivedNumbers::default();
    received.receive_until(&mut b, [200; 2]).await;
    let waiting = a.backplane().request(&c.id, Bytes::new(), far_deadline());
    ground.kill().await;
    for peer in [&a, &b, &c] {
        peer.wait_for_view("the loss", |view| !view.connected).await;
    }
    assert!(waiting.await.is_err(), "the server is down");
    ground.start_again().await;
    for peer in [&a, &b, &c] {
        peer.wait_for_view("a new generation of every member", |view| {
            let is_new = |id| {
                view.member(id).map(|m| m.generation) > before[0].member(id).map(|m| m.generation)
            };
            view.connected
                && view.members.len() == 3
                && [&a.id, &b.id, &c.id].into_iter().all(is_new)
        })
        .await;
        assert!(peer.backplane().traffic().reconnects.get() >= 1);
    }
    // A peer may still be at an earlier view: the members are compared at the last one.
    let version = [&a, &b, &c]
        .map(|peer| peer.view().version)
        .into_iter()
        .max();
    for peer in [&a, &b, &c] {
        peer.wait_for_view("the last view", |view| Some(view.version) >= version)
            .await;
        assert_eq!(peer.view().members, a.view().members);
        assert!(peer.view().version > before[0].version);
    }
    // The subscription is back once a message arrives that was published since.
    let next = || senders.each_ref().map(NumberSender::next);
    received.receive_until(&mut b, next()).await;
    let start = next();
    received
        .receive_until(&mut b, start.map(|number| number + 200))
        .await;
    let [first, second] = senders;
    let end = [first.stop().await, second.stop().await];
    received
        .receive_until(&mut b, end.map(|number| number - 1))
        .await;
    for (sender, numbers) in received.0.iter().enumerate() {
        check_complete(&numbers.messages, start[sender], end[sender]);
        check_complete(&numbers.published, start[sender], end[sender]);
    }
}

async fn node_that_does_not_read_stalls_no_other_node(kind: TestBackplaneKind) {
    let ground = kind.ground();
    let [sender, mut reading, stalled] = three(&ground).await;
    let big = Bytes::from(vec![0; 16 * 1024]);
    let mut sent = 0;
    // 125 MiB, far more than the queues on the path hold.
    while sent < 8000 {
        match sender.backplane().send(&stalled.id, big.clone()) {
            Ok(()) => sent += 1,
            Err(SendError::Full) => tokio::task::yield_now().await,
            // Some backplanes remove a node that does not read.
            Err(SendError::NotMember(_)) => break,
            Err(error) => panic!("{error}"),
        }
    }
    sender.send(&reading.id, "through").await;
    let through = timeout(TEST_TIMEOUT, reading.next_message()).await;
    assert_eq!(through.expect("stalled"), "through");
    let deadline = Instant::now() + Duration::from_millis(100);
    let lost = sender
        .backplane()
        .request(&stalled.id, Bytes::new(), deadline);
    assert!(lost.await.is_err(), "the stalled node answers");
    // The embedded broker and RabbitMQ keep or drop these messages themselves.
    if !matches!(kind, TestBackplaneKind::Local | TestBackplaneKind::RabbitMq) {
        let dropped = stalled.backplane().traffic().dropped.get();
        assert!(dropped > 0, "the inbound queue is not bounded");
        assert_eq!(reading.backplane().traffic().dropped.get(), 0);
    }
}

/// Returns a deadline that no test waits for.
fn far_deadline() -> Instant {
    Instant::now() + 3 * TEST_TIMEOUT
}
