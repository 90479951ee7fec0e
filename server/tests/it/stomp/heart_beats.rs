//! Heart-beats in both directions.

use std::time::Duration;

use highwater_stomp::{Version, header};

use super::StompClient;
use crate::rig::{TestNode, config};

fn node() -> TestNode {
    let mut config = config("n1");
    config.limits.stomp.heart_beat = Duration::from_secs(2);
    TestNode::start(config)
}

#[tokio::test]
async fn node_sends_the_heart_beats_that_a_client_wants() {
    let node = node();
    let mut client = StompClient::open(&node).await;
    let connected = client
        .log_in(Version::V1_2, &[(header::HEART_BEAT, "0,1000")])
        .await;
    assert_eq!(connected.get(header::HEART_BEAT), Some("2000,2000"));
    for _ in 0..2 {
        assert_eq!(client.message_bytes().await, Ok(b"\n".to_vec()));
    }
}

#[tokio::test]
async fn client_that_misses_its_heart_beats_is_closed() {
    let node = node();
    let mut client = StompClient::open(&node).await;
    client
        .log_in(Version::V1_1, &[(header::HEART_BEAT, "1000,0")])
        .await;
    // Twice the longer interval, and one second.
    let error = client.error().await;
    assert_eq!(error, ("nothing was received for 5 s".to_owned(), 4001));
}

#[tokio::test]
async fn client_that_sends_heart_beats_stays() {
    let node = node();
    let mut quiet = StompClient::open(&node).await;
    let headers = [(header::HEART_BEAT, "1000,1000")];
    quiet.log_in(Version::V1_2, &headers).await;
    let mut client = StompClient::open(&node).await;
    client.log_in(Version::V1_2, &headers).await;
    // The quiet one is closed, and the other one gets heart-beats and answers each.
    let beating = async {
        loop {
            assert_eq!(client.message_bytes().await, Ok(b"\n".to_vec()));
            client.send_raw(b"\n").await;
        }
    };
    tokio::select! {
        () = beating => {}
        (_, code) = quiet.error() => assert_eq!(code, 4001),
    }
    client.subscribe("1", "/topic/a", "auto").await;
}

#[tokio::test]
async fn session_of_1_0_has_no_heart_beats() {
    let node = node();
    let mut old = StompClient::open(&node).await;
    old.log_in(Version::V1_0, &[(header::HEART_BEAT, "1000,1000")])
        .await;
    let mut quiet = StompClient::open(&node).await;
    quiet
        .log_in(Version::V1_2, &[(header::HEART_BEAT, "1000,0")])
        .await;
    assert_eq!(quiet.error().await.1, 4001);
    old.subscribe("1", "/topic/a", "auto").await;
    old.publish("/topic/a", "x").await;
    assert_eq!(
        old.message_bytes()
            .await
            .map(|bytes| bytes.starts_with(b"MESSAGE")),
        Ok(true)
    );
}

#[tokio::test]
async fn client_without_heart_beats_is_pinged() {
    let mut config = config("n1");
    config.limits.idle_timeout = Duration::from_secs(3);
    let node = TestNode::start(config);
    let mut client = StompClient::connect(&node, "anna").await;
    // tungstenite answers each ping by itself. Without pings the client would be closed after
    // the third second.
    for _ in 0..5 {
        assert_eq!(client.message_bytes().await, Ok(Vec::new()));
    }
    client.subscribe("1", "/topic/a", "auto").await;
}
