//! `/queue/…`: one subscriber in the cluster gets a message, and another one if it is lost.

use std::{collections::BTreeSet, time::Duration};

use highwater_stomp::{Command, Version, header};

use super::StompClient;
use crate::{
    ground::{TestBackplaneKind, on_every_backplane},
    rig::{TestCluster, TestNode, until},
};

on_every_backplane!(each_message_of_a_queue_reaches_one_subscriber_of_the_cluster);

async fn each_message_of_a_queue_reaches_one_subscriber_of_the_cluster(kind: TestBackplaneKind) {
    let cluster = TestCluster::start_with(kind.ground(), 2, |config| {
        config.limits.publishes_per_s = u32::MAX;
    })
    .await;
    // Queues of both nodes: each name belongs to one of them.
    for queue in ["/queue/a", "/queue/b", "/queue/c", "/queue/d"] {
        let mut here = StompClient::connect(&cluster.nodes[0], "anna").await;
        let mut there = StompClient::connect(&cluster.nodes[1], "berta").await;
        let mut sender = StompClient::connect(&cluster.nodes[1], "clara").await;
        for number in 0..20 {
            sender.publish(queue, &number.to_string()).await;
        }
        here.subscribe("1", queue, "client-individual").await;
        there.subscribe("1", queue, "client-individual").await;
        for number in 20..40 {
            sender.publish(queue, &number.to_string()).await;
        }
        let mut received = BTreeSet::new();
        while received.len() < 40 {
            tokio::select! {
                message = here.message() => {
                    assert!(received.insert(super::client::text(&message)), "twice");
                    here.settle(Command::Ack, &message).await;
                }
                message = there.message() => {
                    assert!(received.insert(super::client::text(&message)), "twice");
                    there.settle(Command::Ack, &message).await;
                }
            }
        }
        here.disconnect().await;
        there.disconnect().await;
    }
}

#[tokio::test]
async fn rejected_message_goes_to_another_subscriber() {
    let cluster = TestCluster::start(2).await;
    let mut first = StompClient::connect(&cluster.nodes[0], "anna").await;
    first.subscribe("1", "/queue/work", "client").await;
    first.publish("/queue/work", "job").await;
    let message = first.message().await;
    assert_eq!(message.get("redelivered"), None);
    let mut second = StompClient::connect(&cluster.nodes[1], "berta").await;
    second.subscribe("1", "/queue/work", "client").await;
    first.unsubscribe("1").await;
    let again = second.message().await;
    assert_eq!(super::client::text(&again), "job");
    assert_eq!(again.get("redelivered"), Some("true"));
    second.settle(Command::Nack, &again).await;
    let third = second.message().await;
    assert_eq!(super::client::text(&third), "job");
    second.settle(Command::Ack, &third).await;
    let metric = "highwater_queue_messages_acked_total";
    until("the message is acknowledged", async || {
        let mut acked = 0.0;
        for node in &cluster.nodes {
            acked += node.metric(metric).await;
        }
        acked == 1.0
    })
    .await;
}

#[tokio::test]
async fn messages_of_a_lost_client_are_delivered_again() {
    let node = TestNode::standalone();
    let mut lost = StompClient::connect(&node, "anna").await;
    lost.subscribe("1", "/queue/work", "client").await;
    for body in ["1", "2", "3"] {
        lost.publish("/queue/work", body).await;
    }
    let message = lost.message().await;
    lost.settle(Command::Ack, &message).await;
    assert_eq!(lost.body().await, "2");
    lost.drop_connection();
    let mut next = StompClient::connect(&node, "berta").await;
    next.subscribe("1", "/queue/work", "auto").await;
    let (second, third) = (next.message().await, next.message().await);
    assert_eq!(super::client::text(&second), "2");
    assert_eq!(super::client::text(&third), "3");
    assert_eq!(second.get("redelivered"), Some("true"));
}

#[tokio::test]
async fn messages_of_a_killed_node_are_delivered_again() {
    let mut cluster = TestCluster::start(2).await;
    // A queue that the surviving node stores.
    let mut survivor = StompClient::connect(&cluster.nodes[0], "anna").await;
    let mut queue = None;
    for number in 0..50 {
        let name = format!("/queue/q{number}");
        survivor.publish(&name, "job").await;
        if cluster.nodes[0].metric("highwater_queue_messages").await > 0.0 {
            queue = Some(name);
            break;
        }
    }
    let queue = queue.expect("a node stores some of 50 queues");
    let mut lost = StompClient::connect(&cluster.nodes[1], "berta").await;
    lost.subscribe("1", &queue, "client").await;
    assert_eq!(lost.body().await, "job");
    survivor.subscribe("1", &queue, "auto").await;
    cluster.nodes.remove(1).kill();
    let message = survivor.message().await;
    assert_eq!(super::client::text(&message), "job");
    assert_eq!(message.get("redelivered"), Some("true"));
}

#[tokio::test]
async fn messages_of_a_draining_node_move_to_another() {
    let mut cluster = TestCluster::start(2).await;
    let mut sender = StompClient::connect(&cluster.nodes[0], "anna").await;
    let queues: Vec<_> = (0..40).map(|number| format!("/queue/q{number}")).collect();
    for queue in &queues {
        sender.publish(queue, "job").await;
    }
    let leaving = cluster.nodes.remove(1);
    assert!(leaving.metric("highwater_queue_messages").await > 0.0);
    leaving.shutdown.cancel();
    leaving.wait_ended().await;
    let remaining = &cluster.nodes[0];
    until("all messages are here", async || {
        remaining.metric("highwater_queue_messages").await == 40.0
    })
    .await;
    for (number, queue) in queues.iter().enumerate() {
        sender.subscribe(&number.to_string(), queue, "auto").await;
        assert_eq!(sender.body().await, "job");
    }
}

#[tokio::test]
async fn queue_moves_to_a_node_that_joins() {
    let mut cluster = TestCluster::start(1).await;
    let mut sender = StompClient::connect(&cluster.nodes[0], "anna").await;
    let queues: Vec<_> = (0..40).map(|number| format!("/queue/q{number}")).collect();
    for queue in &queues {
        sender.publish(queue, "job").await;
    }
    let joined = TestNode::join("n2", &cluster.ground).await;
    cluster.nodes.push(joined);
    cluster.wait_for_members(2).await;
    until("queues have moved", async || {
        cluster.nodes[1].metric("highwater_queue_messages").await > 0.0
    })
    .await;
    let mut client = StompClient::connect(&cluster.nodes[1], "berta").await;
    for (number, queue) in queues.iter().enumerate() {
        client.subscribe(&number.to_string(), queue, "auto").await;
        assert_eq!(client.body().await, "job");
    }
}

#[tokio::test]
async fn ack_in_mode_client_covers_all_messages_before_it() {
    let node = TestNode::standalone();
    for version in [Version::V1_0, Version::V1_1, Version::V1_2] {
        let mut client = StompClient::open(&node).await;
        client.log_in(version, &[]).await;
        client.subscribe("s", "/queue/work", "client").await;
        for body in ["1", "2", "3"] {
            client.publish("/queue/work", body).await;
        }
        let _first = client.message().await;
        let second = client.message().await;
        client.message().await;
        client.settle(Command::Ack, &second).await;
        client.drop_connection();
        let mut next = StompClient::connect(&node, "next").await;
        next.subscribe("1", "/queue/work", "auto").await;
        assert_eq!(next.body().await, "3", "{version}");
        next.disconnect().await;
    }
}

#[tokio::test]
async fn ack_in_mode_client_individual_covers_one_message() {
    let node = TestNode::standalone();
    let mut client = StompClient::connect(&node, "anna").await;
    client
        .subscribe("s", "/queue/work", "client-individual")
        .await;
    client.publish("/queue/work", "1").await;
    client.publish("/queue/work", "2").await;
    client.message().await;
    let second = client.message().await;
    client.settle(Command::Ack, &second).await;
    client.drop_connection();
    let mut next = StompClient::connect(&node, "berta").await;
    next.subscribe("1", "/queue/work", "auto").await;
    assert_eq!(next.body().await, "1");
}

#[tokio::test]
async fn unacknowledged_messages_of_a_subscription_are_bounded() {
    let mut config = crate::rig::config("n1");
    config.limits.stomp.prefetch = 2;
    let node = TestNode::start(config);
    let mut client = StompClient::connect(&node, "anna").await;
    client.subscribe("s", "/queue/work", "client").await;
    for body in ["1", "2", "3"] {
        client.publish("/queue/work", body).await;
    }
    let first = client.message().await;
    assert_eq!(client.body().await, "2");
    assert_eq!(node.metric("highwater_queue_messages").await, 1.0);
    client.settle(Command::Ack, &first).await;
    assert_eq!(client.body().await, "3");
}

#[tokio::test]
async fn message_that_is_never_acknowledged_is_delivered_again() {
    let mut config = crate::rig::config("n1");
    config.limits.stomp.ack_timeout = Duration::from_millis(200);
    let node = TestNode::start(config);
    let mut client = StompClient::connect(&node, "anna").await;
    client.subscribe("s", "/queue/work", "client").await;
    client.publish("/queue/work", "job").await;
    assert_eq!(client.message().await.get("redelivered"), None);
    let again = client.message().await;
    assert_eq!(again.get("redelivered"), Some("true"));
    assert_ne!(again.get(header::ACK), None);
}

#[tokio::test]
async fn message_is_dropped_after_its_last_delivery() {
    let mut config = crate::rig::config("n1");
    config.limits.stomp.deliveries = 3;
    let node = TestNode::start(config);
    let mut client = StompClient::connect(&node, "anna").await;
    client.subscribe("s", "/queue/work", "client").await;
    client.publish("/queue/work", "poison").await;
    for _ in 0..3 {
        let message = client.message().await;
        assert_eq!(super::client::text(&message), "poison");
        client.settle(Command::Nack, &message).await;
    }
    client.publish("/queue/work", "next").await;
    assert_eq!(client.body().await, "next");
    let dropped = "highwater_queue_messages_dropped_total{reason=\"rejected\"}";
    assert_eq!(node.metric(dropped).await, 1.0);
}

#[tokio::test]
async fn full_queue_refuses_messages() {
    let mut config = crate::rig::config("n1");
    config.limits.stomp.queue_messages = 2;
    let node = TestNode::start(config);
    let mut client = StompClient::connect(&node, "anna").await;
    client.publish("/queue/work", "1").await;
    client.publish("/queue/work", "2").await;
    client
        .send(super::client::message_to("/queue/work", "3"))
        .await;
    let error = client.error().await;
    assert_eq!(error, ("the queue is full".to_owned(), 1008));
}
