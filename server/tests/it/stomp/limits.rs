//! The bounds of a session.

use std::time::Duration;

use highwater_server::NodeConfig;
use highwater_stomp::{Command, Frame, header};

use super::{StompClient, client::message_to};
use crate::rig::{TestNode, config, until};

fn node(change: impl FnOnce(&mut NodeConfig)) -> TestNode {
    let mut config = config("n1");
    change(&mut config);
    TestNode::start(config)
}

fn subscribe(number: usize) -> Frame {
    Frame::new(Command::Subscribe)
        .with(header::ID, &number.to_string())
        .with(header::DESTINATION, &format!("/topic/{number}"))
}

#[tokio::test]
async fn subscriptions_are_bounded() {
    let node = node(|config| config.limits.stomp.subscriptions = 2);
    let mut client = StompClient::connect(&node, "anna").await;
    for number in 0..3 {
        client.send(subscribe(number)).await;
    }
    let error = client.error().await;
    assert_eq!(error, ("more than 2 subscriptions".to_owned(), 1008));
}

#[tokio::test]
async fn id_of_a_subscription_is_unique() {
    let node = TestNode::standalone();
    let mut client = StompClient::connect(&node, "anna").await;
    client.send(subscribe(1)).await;
    client.send(subscribe(1)).await;
    let (text, code) = client.error().await;
    assert_eq!(code, 1007);
    assert!(text.starts_with("invalid header id \"1\""), "{text}");
}

#[tokio::test]
async fn changes_of_subscriptions_are_limited_in_each_second() {
    let node = node(|config| config.limits.topic_changes_per_s = 3);
    let mut client = StompClient::connect(&node, "anna").await;
    // Two seconds may pass: each allows three.
    for number in 0..8 {
        client.send(subscribe(number)).await;
    }
    let (text, code) = client.error().await;
    assert_eq!(
        (text.as_str(), code),
        ("more than 3 changes of subscriptions in a second", 1008)
    );
}

#[tokio::test]
async fn messages_are_limited_in_each_second() {
    let node = node(|config| config.limits.publishes_per_s = 3);
    let mut client = StompClient::connect(&node, "anna").await;
    for _ in 0..8 {
        client.send(message_to("/topic/a", "1")).await;
    }
    let error = client.error().await;
    assert_eq!(error, ("more than 3 messages in a second".to_owned(), 1008));
}

#[tokio::test]
async fn frames_are_limited_in_each_second() {
    let node = node(|config| config.limits.frames_per_s = 20);
    let mut client = StompClient::connect(&node, "anna").await;
    // In one WebSocket message, which counts once for the socket itself.
    let pairs = b"BEGIN\ntransaction:t\n\n\0ABORT\ntransaction:t\n\n\0".repeat(30);
    client.send_raw(&pairs).await;
    let error = client.error().await;
    assert_eq!(error, ("more than 20 frames in a second".to_owned(), 1008));
}

#[tokio::test]
async fn client_that_never_connects_is_closed() {
    let node = node(|config| config.limits.stomp.connect_timeout = Duration::from_secs(1));
    let mut client = StompClient::open(&node).await;
    let error = client.error().await;
    assert_eq!(error, ("no CONNECT within 1 s".to_owned(), 4001));
}

#[tokio::test]
async fn client_that_does_not_read_is_a_slow_consumer() {
    let node = node(|config| {
        config.limits.publishes_per_s = u32::MAX;
        config.limits.write_queue_frames = 8;
    });
    let mut slow = StompClient::connect(&node, "slow").await;
    slow.subscribe("1", "/topic/a", "auto").await;
    let mut sender = StompClient::connect(&node, "anna").await;
    let body = "x".repeat(60_000);
    let closed = "highwater_sockets_closed_total{reason=\"slow\"}";
    until("the slow client is closed", async || {
        sender.publish("/topic/a", &body).await;
        node.metric(closed).await == 1.0
    })
    .await;
}

#[tokio::test]
async fn unfinished_frames_count_for_the_node() {
    let node = TestNode::standalone();
    let mut client = StompClient::connect(&node, "anna").await;
    client
        .send_raw(b"SEND\ndestination:/topic/a\n\n0123456789")
        .await;
    until("the bytes are counted", async || {
        node.metric("highwater_partial_message_bytes").await >= 10.0
    })
    .await;
    client.send_raw(b"\0").await;
    until("the frame is complete", async || {
        node.metric("highwater_partial_message_bytes").await == 0.0
    })
    .await;
    client
        .send_raw(b"SEND\ndestination:/topic/a\n\n0123456789")
        .await;
    client.drop_connection();
    until("the connection has ended", async || {
        node.metric("highwater_sockets").await == 0.0
            && node.metric("highwater_partial_message_bytes").await == 0.0
    })
    .await;
}
