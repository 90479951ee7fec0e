//! `/user/…`: the sessions of one user on any node get a message.

use highwater_stomp::{Command, Frame, header};

use super::{StompClient, topics::publish_until_received};
use crate::{
    ground::TestBackplaneKind,
    rig::{TestCluster, TestNode},
};

#[tokio::test]
async fn every_session_of_a_user_gets_a_message_and_no_other_does() {
    let cluster = TestCluster::start_with(TestBackplaneKind::Local.ground(), 2, |config| {
        config.limits.publishes_per_s = u32::MAX;
    })
    .await;
    let mut here = StompClient::connect(&cluster.nodes[0], "anna/1").await;
    let mut there = StompClient::connect(&cluster.nodes[1], "anna/1").await;
    let mut other = StompClient::connect(&cluster.nodes[1], "berta").await;
    for client in [&mut here, &mut there, &mut other] {
        client.subscribe("1", "/user/queue/notes", "auto").await;
    }
    let to_anna = "/user/anna%2F1/queue/notes";
    publish_until_received(&mut other, to_anna, &mut here).await;
    publish_until_received(&mut other, to_anna, &mut there).await;
    other.publish(to_anna, "\"end\"").await;
    for client in [&mut here, &mut there] {
        let mut message = client.message().await;
        while super::client::text(&message) != "\"end\"" {
            message = client.message().await;
        }
        assert_eq!(
            message.get(header::DESTINATION),
            Some("/user/queue/notes"),
            "as the client subscribed"
        );
    }
    other.publish("/user/berta/queue/notes", "\"own\"").await;
    assert_eq!(other.body().await, "\"own\"");
}

#[tokio::test]
async fn destination_of_another_user_cannot_be_subscribed_to() {
    let node = TestNode::standalone();
    let mut client = StompClient::connect(&node, "anna").await;
    client
        .send(
            Frame::new(Command::Subscribe)
                .with(header::ID, "1")
                .with(header::DESTINATION, "/user/berta/queue/notes"),
        )
        .await;
    let (text, code) = client.error().await;
    assert!(text.contains("/user/queue/NAME"), "{text}");
    assert_eq!(code, 1007);
}
