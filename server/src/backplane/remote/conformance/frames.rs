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
    let (one, other) = (address(&url), address(&url));
    let mut here = TransportPeer::<K>::connect(&one, "n").await;
    let mut there = TransportPeer::<K>::connect(&other, "n").await;
    let topic = "t".parse().unwrap();
    for peer in [&here, &there] {
        let topics = std::slice::from_ref(&topic);
        peer.transport.subscribe(topics).await.unwrap();
    }
    // Every kind of destination with the same names, and the membership table.
    there.send(Destination::Everyone, "there").await;
    there.send(Destination::Topic(topic.clone()), "there").await;
    there
        .send(Destination::Inbox(here.inbox.clone()), "there")
        .await;
    assert!(
        there
            .transport
            .store_table(None, "there".into())
            .await
            .unwrap()
    );
    for expected in ["there", "there"] {
        there.expect_next(expected).await;
    }
    assert!(here.transport.load_table().await.unwrap().is_none());
    // Frames of the other cluster would have arrived before these.
    let relay = TransportPeer::<K>::connect(&one, "relay").await;
    relay.send(here.destination(), "here").await;
    here.expect_next("here").await;
    here.send(Destination::Everyone, "all").await;
    here.expect_next("all").await;
}
