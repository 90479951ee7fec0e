//! BEGIN, COMMIT and ABORT.

use highwater_stomp::{Command, Frame, header};

use super::{StompClient, client::message_to};
use crate::rig::TestNode;

fn of(command: Command, transaction: &str) -> Frame {
    Frame::new(command).with(header::TRANSACTION, transaction)
}

#[tokio::test]
async fn frames_of_a_transaction_are_carried_out_by_its_commit() {
    let node = TestNode::standalone();
    let mut client = StompClient::connect(&node, "anna").await;
    client.subscribe("1", "/topic/a", "auto").await;
    client.subscribe("2", "/queue/a", "auto").await;
    client.request(of(Command::Begin, "t")).await;
    for (destination, body) in [("/topic/a", "1"), ("/topic/a", "2"), ("/queue/a", "3")] {
        let held = message_to(destination, body).with(header::TRANSACTION, "t");
        client.request(held).await;
    }
    client.publish("/topic/a", "before").await;
    assert_eq!(client.body().await, "before");
    client.request(of(Command::Commit, "t")).await;
    let mut bodies = Vec::new();
    for _ in 0..3 {
        bodies.push(client.body().await);
    }
    bodies.sort();
    assert_eq!(bodies, ["1", "2", "3"]);
}

#[tokio::test]
async fn frames_of_an_aborted_transaction_are_dropped() {
    let node = TestNode::standalone();
    let mut client = StompClient::connect(&node, "anna").await;
    client.subscribe("1", "/topic/a", "auto").await;
    client.request(of(Command::Begin, "t")).await;
    client
        .request(message_to("/topic/a", "1").with(header::TRANSACTION, "t"))
        .await;
    client.request(of(Command::Abort, "t")).await;
    client.publish("/topic/a", "2").await;
    assert_eq!(client.body().await, "2");
}

#[tokio::test]
async fn acknowledgement_in_a_transaction_counts_from_its_commit() {
    let node = TestNode::standalone();
    let mut client = StompClient::connect(&node, "anna").await;
    client.subscribe("1", "/queue/a", "client").await;
    for body in ["1", "2"] {
        client.publish("/queue/a", body).await;
    }
    let (first, second) = (client.message().await, client.message().await);
    client.request(of(Command::Begin, "t")).await;
    let ack = |message: &Frame| {
        Frame::new(Command::Ack)
            .with(header::ID, message.get(header::ACK).unwrap())
            .with(header::TRANSACTION, "t")
    };
    client.request(ack(&first)).await;
    client.request(of(Command::Commit, "t")).await;
    client.request(of(Command::Begin, "t")).await;
    client.request(ack(&second)).await;
    // The session ends without a commit.
    client.drop_connection();
    let mut next = StompClient::connect(&node, "berta").await;
    next.subscribe("1", "/queue/a", "auto").await;
    assert_eq!(next.body().await, "2");
}
