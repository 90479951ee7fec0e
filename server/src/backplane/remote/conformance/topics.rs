//! The guarantees on topics.

use super::{
    super::{Destination, InboundFrame},
    fixture::{ConformanceTarget, TransportPeer, address, shared},
};
use crate::id::Topic;

pub(super) async fn frame_on_a_topic_reaches_its_subscribers<K: ConformanceTarget>() {
    let broker = shared::<K>();
    let address = address(&broker.url());
    let mut a = TransportPeer::<K>::connect(&address, "a").await;
    let mut b = TransportPeer::<K>::connect(&address, "b").await;
    // Names with every character that a subject or a pattern may treat specially.
    let topics: Vec<Topic> = ["plain", "..a:b.", ".", "A_b-9"]
        .map(|name: &str| name.parse().unwrap())
        .to_vec();
    b.subscribe(&topics).await;
    for topic in &topics {
        let to = Destination::Topic(topic.clone());
        a.send(to, topic.as_str().to_owned()).await;
        let received = b.next().await;
        let InboundFrame::Topic(of, frame) = &received else {
            panic!("{received:?}")
        };
        assert_eq!((of, &frame[..]), (topic, topic.as_str().as_bytes()));
    }
    b.unsubscribe(&topics[..1]).await;
    // Unsubscribing again succeeds, and so does unsubscribing without a subscription.
    b.unsubscribe(&topics[..1]).await;
    a.unsubscribe(&topics).await;
    // On the same path as the unsubscribe, so that the broker has processed both.
    b.subscribe(&topics[1..2]).await;
    a.send(Destination::Topic(topics[0].clone()), "unsubscribed")
        .await;
    a.send(Destination::Topic(topics[1].clone()), "subscribed")
        .await;
    b.expect_next("subscribed").await;
    // A publisher gets its own frame if it subscribes, and not otherwise.
    a.subscribe(&topics[1..2]).await;
    a.send(Destination::Topic(topics[1].clone()), "own").await;
    a.expect_next("own").await;
}

pub(super) async fn repeated_subscription_delivers_once<K: ConformanceTarget>() {
    let broker = shared::<K>();
    let address = address(&broker.url());
    let mut peer = TransportPeer::<K>::connect(&address, "a").await;
    let topics = ["t".parse().unwrap()];
    for _ in 0..2 {
        peer.subscribe(&topics).await;
    }
    for frame in ["1", "2"] {
        peer.send(Destination::Topic(topics[0].clone()), frame)
            .await;
    }
    for frame in ["1", "2"] {
        peer.expect_next(frame).await;
    }
}

pub(super) async fn thousand_topics_are_subscribed_at_once<K: ConformanceTarget>() {
    const TOPICS: usize = 1000;
    let broker = shared::<K>();
    let address = address(&broker.url());
    let mut peer = TransportPeer::<K>::connect(&address, "a").await;
    let names = (0..TOPICS).map(|number| format!("t.{number}"));
    let topics: Vec<Topic> = names.map(|name| name.parse().unwrap()).collect();
    peer.subscribe(&topics).await;
    for topic in [&topics[0], &topics[TOPICS / 2], &topics[TOPICS - 1]] {
        let to = Destination::Topic(topic.clone());
        peer.send(to, topic.as_str().to_owned()).await;
        peer.expect_next(topic.as_str()).await;
    }
    peer.unsubscribe(&topics).await;
}
