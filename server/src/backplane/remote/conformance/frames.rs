//! The guarantees on frames: order, loss, duplicates, size.

use bytes::Bytes;

use super::{
    super::{Destination, InboundFrame, OutboundFrame},
    fixture::{ConformanceTarget, TransportPeer, address, shared},
};
use crate::backplane::MAX_PAYLOAD_BYTES;

pub(super) async fn frames_of_each_sender_arrive_in_order_and_once<K: ConformanceTarget>() {
    const FRAMES: u32 = 3000;
    let broker = shared::<K>();
    let address = address(&broker.url());
    let mut reader = TransportPeer::<K>::connect(&address, "r").await;
    let senders = [
        TransportPeer::<K>::connect(&address, "s.0").await,
        TransportPeer::<K>::connect(&address, "s.1").await,
    ];
    let mut sending = Vec::new();
    for (sender, peer) in senders.into_iter().enumerate() {
        let to = reader.destination();
        sending.push(tokio::spawn(async move {
            let numbers: Vec<u32> = (0..FRAMES).collect();
            for batch in numbers.chunks(50) {
                let frames = batch.iter().map(|number| OutboundFrame {
                    to: to.clone(),
                    frame: [sender as u32, *number]
                        .map(u32::to_be_bytes)
                        .concat()
                        .into(),
                });
                peer.transport.send(frames.collect()).await.unwrap();
            }
            peer
        }));
    }
    let mut expected = [0; 2];
    while expected != [FRAMES; 2] {
        let InboundFrame::Inbox(frame) = reader.next().await else {
            panic!("not a frame to the inbox")
        };
        let number = |at: usize| u32::from_be_bytes(frame[at..at + 4].try_into().unwrap());
        let from = number(0) as usize;
        assert_eq!(number(4), expected[from], "from sender {from}");
        expected[from] += 1;
    }
    // A duplicate would arrive before this frame.
    let peer = sending.remove(0).await.unwrap();
    peer.send(reader.destination(), "last").await;
    reader.expect_next("last").await;
}

pub(super) async fn frame_to_everyone_reaches_every_node<K: ConformanceTarget>() {
    let broker = shared::<K>();
    let address = address(&broker.url());
    let mut peers = [
        TransportPeer::<K>::connect(&address, "a").await,
        TransportPeer::<K>::connect(&address, "b").await,
        TransportPeer::<K>::connect(&address, "c").await,
    ];
    peers[0].send(Destination::Everyone, "all").await;
    for peer in &mut peers {
        let received = peer.next().await;
        assert!(
            matches!(&received, InboundFrame::Everyone(frame) if frame == "all"),
            "{received:?}"
        );
    }
}

pub(super) async fn largest_frames_arrive_unchanged<K: ConformanceTarget>() {
    let broker = shared::<K>();
    let address = address(&broker.url());
    let mut reader = TransportPeer::<K>::connect(&address, "r").await;
    let sender = TransportPeer::<K>::connect(&address, "s").await;
    // Headers make a frame longer than the largest payload.
    for length in [0, 1, MAX_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES + 1000] {
        let frame: Bytes = (0..length).map(|at| (at % 251) as u8).collect();
        sender.send(reader.destination(), frame.clone()).await;
        let InboundFrame::Inbox(received) = reader.next().await else {
            panic!("not a frame to the inbox")
        };
        assert!(received == frame, "{} of {length} bytes", received.len());
    }
}

pub(super) async fn clusters_on_one_broker_are_separate<K: ConformanceTarget>() {
    let broker = shared::<K>();
    let url = broker.url();
    let (first, second) = (address(&url), address(&url));
    let mut in_first = TransportPeer::<K>::connect(&first, "n").await;
    let mut in_second = TransportPeer::<K>::connect(&second, "n").await;
    let topic = "t".parse().unwrap();
    for peer in [&in_first, &in_second] {
        let topics = std::slice::from_ref(&topic);
        peer.subscribe(topics).await;
    }
    // Every kind of destination with the same names, and the membership table.
    in_second.send(Destination::Everyone, "second").await;
    in_second
        .send(Destination::Topic(topic.clone()), "second")
        .await;
    in_second
        .send(Destination::Inbox(in_first.inbox.clone()), "second")
        .await;
    assert!(in_second.store(None, "second").await);
    for expected in ["second", "second"] {
        in_second.expect_next(expected).await;
    }
    assert!(in_first.load().await.is_none());
    // Frames of the other cluster would have arrived before these.
    let relay = TransportPeer::<K>::connect(&first, "relay").await;
    relay.send(in_first.destination(), "first").await;
    in_first.expect_next("first").await;
    in_first.send(Destination::Everyone, "all").await;
    in_first.expect_next("all").await;
}
