//! Routing through a stream: filters that die, and rules.

use std::{sync::Arc, time::Duration};

use highwater_types::BrokerUrl;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::spawn_filter;
use crate::{
    backplane::{
        aws::stream::{RoutingRules, StreamFilterConfig, StreamTransport, run_stream_filter},
        remote::{
            ClusterAddress, Destination, InboundFrame, Transport,
            conformance::{TEST_TIMEOUT, TransportPeer, shared},
        },
    },
    id::ClusterName,
};

type StreamPeer = TransportPeer<StreamTransport>;

/// The messages of each sender.
const MESSAGES: usize = 200;
/// The lives of the filter.
const LIVES: usize = 4;

/// Returns a cluster without a filter.
fn address_without_filter(url: &str, cluster: &str) -> ClusterAddress {
    let cluster: ClusterName = cluster.parse().unwrap();
    ClusterAddress {
        server: BrokerUrl::parse(url).unwrap(),
        cluster,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filter_that_dies_again_and_again_loses_and_doubles_nothing() {
    let service = shared::<StreamTransport>();
    let address = address_without_filter(&service.url(), "dying-filter");
    let mut reader = StreamPeer::connect(&address, "r").await;
    let topics = ["t".parse().unwrap()];
    reader.subscribe(&topics).await;
    let sender = StreamPeer::connect(&address, "s").await;
    let (to_inbox, to_topic) = (reader.destination(), Destination::Topic(topics[0].clone()));
    let sending = tokio::spawn(async move {
        for number in 0..MESSAGES {
            let to = if number % 2 == 0 {
                &to_inbox
            } else {
                &to_topic
            };
            sender.send(to.clone(), number.to_string()).await;
        }
        sender
    });
    let lives = async {
        for life in 1.. {
            let filter = spawn_filter(&service.url(), &address.cluster);
            if life < LIVES {
                // Whatever it does at that moment is not finished.
                sleep(Duration::from_millis(700)).await;
                filter.abort();
                let _ = filter.await;
            } else {
                std::future::pending::<()>().await;
            }
        }
    };
    let reading = async {
        for number in 0..MESSAGES {
            reader.expect_next(&number.to_string()).await;
        }
        // A duplicate would arrive before this frame.
        let sender = sending.await.unwrap();
        sender.send(reader.destination(), "last").await;
        reader.expect_next("last").await;
    };
    tokio::select! {
        () = lives => unreachable!("the last filter lives"),
        read = timeout(2 * TEST_TIMEOUT, reading) => read.expect("a message was lost"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_see_each_other_without_a_filter_and_messages_wait_for_it() {
    let service = shared::<StreamTransport>();
    let address = address_without_filter(&service.url(), "late-filter");
    let mut reader = StreamPeer::connect(&address, "r").await;
    let sender = StreamPeer::connect(&address, "s").await;
    sender.send(reader.destination(), "waits").await;
    sender.send(Destination::Everyone, "a sign of life").await;
    let first = reader.next().await;
    assert!(matches!(&first, InboundFrame::Everyone(frame) if frame == "a sign of life"));
    let _filter = spawn_filter(&service.url(), &address.cluster);
    reader.expect_next("waits").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_decide_what_is_published() {
    let service = shared::<StreamTransport>();
    let address = address_without_filter(&service.url(), "ruled");
    let rules = "[[rule]]\ntopic = 'debug.*'\nthen = 'drop'";
    let config = StreamFilterConfig {
        url: service.url().parse().unwrap(),
        cluster: address.cluster.clone(),
        rules: RoutingRules::parse(rules).unwrap(),
        requests: Arc::default(),
    };
    tokio::spawn(run_stream_filter(config, CancellationToken::new()));
    let mut reader = StreamPeer::connect(&address, "r").await;
    let topics = ["debug.a", "news"].map(|name| name.parse().unwrap());
    reader.subscribe(&topics).await;
    let sender = StreamPeer::connect(&address, "s").await;
    for topic in topics {
        let text = topic.as_str().to_owned();
        sender.send(Destination::Topic(topic), text).await;
    }
    reader.expect_next("news").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flush_returns_when_the_filter_has_published_what_was_sent() {
    let service = shared::<StreamTransport>();
    let address = address_without_filter(&service.url(), "flushed");
    let mut reader = StreamPeer::connect(&address, "r").await;
    let sender = StreamPeer::connect(&address, "s").await;
    sender.send(reader.destination(), "last reply").await;
    let early = timeout(Duration::from_millis(500), sender.transport.flush()).await;
    assert!(early.is_err(), "no filter has published anything");
    let _filter = spawn_filter(&service.url(), &address.cluster);
    let flushed = timeout(TEST_TIMEOUT, sender.transport.flush()).await;
    flushed.expect("the filter publishes").unwrap();
    // On the direct path, as the end of an entry is.
    sender.send(Destination::Everyone, "left").await;
    reader.expect_next("last reply").await;
    reader.expect_next("left").await;
}
