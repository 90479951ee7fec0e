//! What holds when a server dies in the middle of traffic, and when a node does
//! not read.

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
    a_restarted_server_finds_everybody_again,
    a_node_that_does_not_read_stalls_nobody,
);

/// Numbers sent and published without a break, each after the sender's mark.
struct NumberSender {
    task: JoinHandle<()>,
    stop: CancellationToken,
    /// The number that comes next.
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
                // While the server is away both are refused: lost, and told so.
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

    /// Everything below this number was sent.
    async fn stop(self) -> u64 {
        self.stop.cancel();
        self.task.await.unwrap();
        *self.next.borrow()
    }
}

/// What arrived, in the order it did, of two senders by their marks.
#[derive(Default)]
struct ReceivedNumbers([FromOne; 2]);

#[derive(Default)]
struct FromOne {
    messages: Vec<u64>,
    published: Vec<u64>,
}

impl ReceivedNumbers {
    /// Until a message and something published of at least these numbers came.
    async fn reach(&mut self, peer: &mut TestPeer, numbers: [u64; 2]) {
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
        let both = |from: &FromOne, number| {
            at_least(&from.messages, number) && at_least(&from.published, number)
        };
        self.0.iter().zip(numbers).all(|(from, it)| both(from, it))
    }
}

/// In order, once each, and complete from `whole` to `end`.
fn check(received: &[u64], whole: u64, end: u64) {
    let grows = received.is_sorted_by(|a, b| a < b);
    assert!(grows, "out of order or twice: {received:?}");
    let from = received.partition_point(|number| *number < whole);
    let expected: Vec<u64> = (whole..end).collect();
    assert_eq!(received[from..], expected, "lost while all was well");
}

async fn a_restarted_server_finds_everybody_again(kind: TestBackplaneKind) {
    let mut ground = kind.own_ground();
    let [a, mut b, c] = three(&ground).await;
    b.backplane().subscribe(&topic());
    let before: Vec<View> = [&a, &b, &c].map(|peer| (*peer.view()).clone()).into();
    let senders = [
        NumberSender::start(0, Arc::clone(a.backplane()), &b),
        NumberSender::start(1, Arc::clone(c.backplane()), &b),
    ];
    let mut received = ReceivedNumbers::default();
    received.reach(&mut b, [200; 2]).await;
    let waiting = a.backplane().request(&c.id, Bytes::new(), soon_enough());
    ground.kill().await;
    for peer in [&a, &b, &c] {
        peer.waits_for("the loss", |view| !view.connected).await;
    }
    assert!(waiting.await.is_err(), "nobody answers any more");
    ground.start_again().await;
    for peer in [&a, &b, &c] {
        peer.waits_for("a new seat for everybody", |view| {
            let is_new = |id| {
                view.member(id).map(|m| m.generation) > before[0].member(id).map(|m| m.generation)
            };
            view.connected
                && view.members.len() == 3
                && [&a.id, &b.id, &c.id].into_iter().all(is_new)
        })
        .await;
        assert!(peer.backplane().traffic().reconnects() >= 1);
    }
    let version = [&a, &b, &c]
        .map(|peer| peer.view().version)
        .into_iter()
        .max();
    for peer in [&a, &b, &c] {
        peer.waits_for("the last view", |view| Some(view.version) >= version)
            .await;
        assert_eq!(peer.view().members, a.view().members);
        assert!(peer.view().version > before[0].version);
    }
    // The subscription is back once something published since has come.
    let next = || senders.each_ref().map(NumberSender::next);
    received.reach(&mut b, next()).await;
    let whole = next();
    received
        .reach(&mut b, whole.map(|number| number + 200))
        .await;
    let [first, second] = senders;
    let end = [first.stop().await, second.stop().await];
    received.reach(&mut b, end.map(|number| number - 1)).await;
    for (of, from) in received.0.iter().enumerate() {
        check(&from.messages, whole[of], end[of]);
        check(&from.published, whole[of], end[of]);
    }
}

async fn a_node_that_does_not_read_stalls_nobody(kind: TestBackplaneKind) {
    let ground = kind.ground();
    let [sender, mut good, greedy] = three(&ground).await;
    let big = Bytes::from(vec![0; 16 * 1024]);
    let mut sent = 0;
    // Far more than the queues on the way hold.
    while sent < 8000 {
        match sender.backplane().send(&greedy.id, big.clone()) {
            Ok(()) => sent += 1,
            Err(SendError::Full) => tokio::task::yield_now().await,
            // Some backplanes take one that reads nothing for dead.
            Err(SendError::NotMember(_)) => break,
            Err(error) => panic!("{error}"),
        }
    }
    sender.send(&good.id, "through").await;
    let through = timeout(TEST_TIMEOUT, good.next_message()).await;
    assert_eq!(through.expect("stalled"), "through");
    let deadline = Instant::now() + Duration::from_millis(100);
    let lost = sender
        .backplane()
        .request(&greedy.id, Bytes::new(), deadline);
    assert!(lost.await.is_err(), "nobody answers there");
    // RabbitMQ keeps what is too much for the node, up to a bound of its own.
    if !matches!(kind, TestBackplaneKind::Local | TestBackplaneKind::RabbitMq) {
        let dropped = greedy.backplane().traffic().dropped();
        assert!(dropped > 0, "what waits is bounded");
        assert_eq!(good.backplane().traffic().dropped(), 0);
    }
}

fn soon_enough() -> Instant {
    Instant::now() + 3 * TEST_TIMEOUT
}
