//! Topics.

use super::{
    super::{Destination, InboundFrame},
    fixture::{ConformanceTarget, TransportPeer, address, shared},
};
use crate::id::Topic;

pub(super) async fn a_topic_reaches_who_listens<K: ConformanceTarget>() {
    let broker = shared::<K>();
    let address = address::<K>(&broker.url());
    let mut a = TransportPeer::<K>::connect(&address, "a").await;
    let mut b = TransportPeer::<K>::connect(&address, "b").await;
    // As many kinds of odd names as there are.
    let topics: Vec<Topic> = ["room", "..a:b.", ".", "A_b-9"]
        .map(|name: &str| name.parse().unwrap())
        .to_vec();
    b.transport.subscribe(&topics).await.unwrap();
    for topic in &topics {
        let to = Destination::Topic(topic.clone());
        a.send(to, topic.as_str().to_owned()).await;
        let arrived = b.next().await;
        let InboundFrame::Topic(of, frame) = &arrived else {
            panic!("{arrived:?}")
        };
        assert_eq!((of, &frame[..]), (topic, topic.as_str().as_bytes()));
    }
    b.transport.unsubscribe(&topics[..1]).await.unwrap();
    // Not listening to it any more is not a mistake, nor is never having done so.
    b.transport.unsubscribe(&topics[..1]).await.unwrap();
    a.transport.unsubscribe(&topics).await.unwrap();
    // By the same road as a subscription, so that the broker has heard both.
    b.transport.subscribe(&topics[1..2]).await.unwrap();
    a.send(Destination::Topic(topics[0].clone()), "unheard")
        .await;
    a.send(Destination::Topic(topics[1].clone()), "heard").await;
    b.expect_next("heard").await;
    // Whoever publishes hears it if it listens, and not otherwise.
    a.transport.subscribe(&topics[1..2]).await.unwrap();
    a.send(Destination::Topic(topics[1].clone()), "own").await;
    a.expect_next("own").await;
}

pub(super) async fn subscribing_twice_is_subscribing_once<K: ConformanceTarget>() {
    let broker = shared::<K>();
    let address = address::<K>(&broker.url());
    let mut peer = TransportPeer::<K>::connect(&address, "a").await;
    let topics = ["t".parse().unwrap()];
    for _ in 0..2 {
        peer.transport.subscribe(&topics).await.unwrap();
    }
    for frame in ["1", "2"] {
        peer.send(Destination::Topic(topics[0].clone()), frame)
            .await;
    }
    for frame in ["1", "2"] {
        peer.expect_next(frame).await;
    }
}

pub(super) async fn many_topics_at_once<K: ConformanceTarget>() {
    const TOPICS: usize = 1000;
    let broker = shared::<K>();
    let address = address::<K>(&broker.url());
    let mut peer = TransportPeer::<K>::connect(&address, "a").await;
    let names = (0..TOPICS).map(|number| format!("t.{number}"));
    let topics: Vec<Topic> = names.map(|name| name.parse().unwrap()).collect();
    peer.transport.subscribe(&topics).await.unwrap();
    for topic in [&topics[0], &topics[TOPICS / 2], &topics[TOPICS - 1]] {
        let to = Destination::Topic(topic.clone());
        peer.send(to, topic.as_str().to_owned()).await;
        peer.expect_next(topic.as_str()).await;
    }
    peer.transport.unsubscribe(&topics).await.unwrap();
}
