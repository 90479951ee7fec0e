//! `/topic/…`: every subscriber on every node gets a message.

use highwater_stomp::{Command, Version, header};
use serde_json::json;

use super::{StompClient, client::message_to};
use crate::{
    ground::{TestBackplaneKind, on_every_backplane},
    rig::{TestCluster, TestDevice, TestNode, until},
};

/// Publishes until the subscriber receives: the subscription of its node takes time to reach the
/// others.
pub(super) async fn publish_until_received(
    publisher: &mut StompClient,
    destination: &str,
    subscriber: &mut StompClient,
) {
    let publishing = async {
        until("a message goes through", async || {
            publisher.publish(destination, "\"probe\"").await;
            false
        })
        .await;
    };
    tokio::select! {
        () = publishing => unreachable!(),
        body = subscriber.body() => assert_eq!(body, "\"probe\""),
    }
}

on_every_backplane!(clients_of_two_nodes_hear_each_other);

async fn clients_of_two_nodes_hear_each_other(kind: TestBackplaneKind) {
    let cluster = TestCluster::start_with(kind.ground(), 2, |config| {
        config.limits.publishes_per_s = u32::MAX;
    })
    .await;
    let mut anna = StompClient::connect(&cluster.nodes[0], "anna").await;
    let mut berta = StompClient::connect(&cluster.nodes[1], "berta").await;
    anna.subscribe("a", "/topic/room.1", "auto").await;
    berta.subscribe("b", "/topic/room.1", "auto").await;
    publish_until_received(&mut anna, "/topic/room.1", &mut berta).await;
    publish_until_received(&mut berta, "/topic/room.1", &mut anna).await;
    for number in 0..50 {
        anna.publish("/topic/room.1", &format!("\"anna-{number}\""))
            .await;
        berta
            .publish("/topic/room.1", &format!("\"berta-{number}\""))
            .await;
    }
    for client in [&mut anna, &mut berta] {
        let (mut of_anna, mut of_berta) = (Vec::new(), Vec::new());
        while of_anna.len() + of_berta.len() < 100 {
            let body = client.body().await;
            match body.trim_matches('"').split_once('-') {
                Some(("anna", number)) => of_anna.push(number.to_owned()),
                Some((_, number)) => of_berta.push(number.to_owned()),
                None => {}
            }
        }
        let all: Vec<_> = (0..50).map(|number| number.to_string()).collect();
        assert_eq!(of_anna, all, "each once and in order");
        assert_eq!(of_berta, all, "each once and in order");
    }
}

#[tokio::test]
async fn message_names_subscription_destination_and_headers_of_its_sender() {
    let node = TestNode::standalone();
    let mut client = StompClient::connect(&node, "anna").await;
    client.subscribe("x", "/topic/rooms/1", "client").await;
    client
        .request(
            message_to("/topic/rooms:1", "text")
                .with(header::CONTENT_TYPE, "text/plain")
                .with("a:b", "c\nd")
                .with(header::SUBSCRIPTION, "forged"),
        )
        .await;
    let message = client.message().await;
    for (name, value) in [
        (header::SUBSCRIPTION, "x"),
        (header::DESTINATION, "/topic/rooms/1"),
        (header::CONTENT_TYPE, "text/plain"),
        (header::CONTENT_LENGTH, "4"),
        ("a:b", "c\nd"),
    ] {
        assert_eq!(message.get(name), Some(value), "{message:?}");
    }
    assert_eq!(message.get(header::RECEIPT), None);
    // An acknowledgement of a topic's message is accepted and changes nothing.
    client.settle(Command::Nack, &message).await;
    client.publish("/topic/rooms:1", "next").await;
    assert_eq!(client.body().await, "next");
}

#[tokio::test]
async fn headers_that_an_older_version_cannot_express_are_left_out() {
    let node = TestNode::standalone();
    let mut old = StompClient::open(&node).await;
    old.log_in(Version::V1_0, &[]).await;
    old.subscribe("1", "/topic/a", "auto").await;
    let mut client = StompClient::connect(&node, "anna").await;
    client
        .request(message_to("/topic/a", "x").with("line", "a\nb"))
        .await;
    let message = old.message().await;
    assert_eq!(&message.body[..], b"x");
    assert_eq!(message.get("line"), None);
}

#[tokio::test]
async fn two_subscriptions_of_a_session_get_a_message_each() {
    let node = TestNode::standalone();
    let mut client = StompClient::connect(&node, "anna").await;
    client.subscribe("1", "/topic/a", "auto").await;
    client.subscribe("2", "/topic/a", "auto").await;
    client.publish("/topic/a", "x").await;
    let ids = [client.message().await, client.message().await]
        .map(|message| message.get(header::SUBSCRIPTION).unwrap().to_owned());
    assert_eq!(ids, ["1", "2"]);
    client.unsubscribe("1").await;
    client.publish("/topic/a", "y").await;
    assert_eq!(client.message().await.get(header::SUBSCRIPTION), Some("2"));
    client.unsubscribe("2").await;
    client.publish("/topic/a", "z").await;
    client.subscribe("3", "/topic/b", "auto").await;
    client.publish("/topic/b", "end").await;
    assert_eq!(client.body().await, "end");
}

#[tokio::test]
async fn devices_and_clients_share_topics() {
    let node = TestNode::standalone();
    let mut device = TestDevice::open(&node, "d1").await;
    device
        .send(json!({"type": "subscribe", "topic": "news"}))
        .await;
    device.ping(b"subscribed").await;
    let mut client = StompClient::connect(&node, "anna").await;
    client.subscribe("1", "/topic/news", "auto").await;
    node.post("/topics/news/messages", json!({"body": {"n": 1}}))
        .await;
    assert_eq!(client.body().await, r#"{"n":1}"#);
    assert_eq!(device.frame().await["body"], json!({"n": 1}));
    // Devices speak JSON: other bodies reach STOMP clients only.
    client.publish("/topic/news", "no JSON").await;
    client.publish("/topic/news", "[2]").await;
    assert_eq!(device.frame().await["body"], json!([2]));
    assert_eq!(client.body().await, "no JSON");
    assert_eq!(client.body().await, "[2]");
    device
        .send(json!({"type": "publish", "topic": "news", "body": 3}))
        .await;
    assert_eq!(client.body().await, "3");
}
