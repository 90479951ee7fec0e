//! Sessions that are passed on to RabbitMQ and to ActiveMQ.

use std::collections::BTreeSet;

use highwater_server::NodeConfig;
use highwater_services::{ActiveMqNetworkService, ActiveMqService, RabbitMqService, Service};
use highwater_stomp::{Command, Frame, Version, header};

use super::{
    StompClient,
    client::{message_to, text},
};
use crate::rig::{TestDevice, TestNode, config, until};

/// Defines the tests of both brokers. Each test has a server of its own.
macro_rules! on_both_brokers {
    ($($test:ident),+ $(,)?) => {
        mod rabbitmq {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(started(RabbitMqService::start).await).await;
            })+
        }

        mod activemq {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(started(ActiveMqService::start).await).await;
            })+
        }
    };
}

on_both_brokers!(
    clients_of_two_nodes_hear_each_other_through_the_broker,
    message_of_a_queue_is_acknowledged_rejected_and_delivered_again,
    transactions_and_receipts_are_those_of_the_broker,
    sessions_learn_that_the_broker_is_gone_and_come_back_with_it,
    node_goes_on_to_the_next_server,
    destinations_of_the_node_stay_with_the_node,
);

async fn started(start: fn() -> Result<Service, highwater_services::ServiceError>) -> Service {
    // Waiting for a server blocks.
    let started = tokio::task::spawn_blocking(start).await.unwrap();
    started.unwrap()
}

fn relaying(id: &str, url: &str) -> NodeConfig {
    let mut config = NodeConfig {
        stomp_relay: Some(url.parse().unwrap()),
        ..config(id)
    };
    config.limits.publishes_per_s = u32::MAX;
    config
}

/// Starts a node and waits until the broker is available.
async fn node(id: &str, url: &str) -> TestNode {
    let node = TestNode::start(relaying(id, url));
    wait_ready(&node).await;
    node
}

async fn wait_ready(node: &TestNode) {
    until("the broker is available", async || {
        node.get("/readyz").await.status == 200
    })
    .await;
    assert_eq!(node.metric("highwater_stomp_broker_available").await, 1.0);
}

async fn clients_of_two_nodes_hear_each_other_through_the_broker(broker: Service) {
    let url = broker.stomp_url().unwrap();
    // Not joined by a backplane: only the broker connects them.
    let (first, second) = (node("n1", &url).await, node("n2", &url).await);
    let mut anna = StompClient::connect(&first, "anna").await;
    let mut berta = StompClient::connect(&second, "berta").await;
    anna.subscribe("a", "/topic/room", "auto").await;
    berta.subscribe("b", "/topic/room", "auto").await;
    for number in 0..20 {
        anna.publish("/topic/room", &format!("anna {number}")).await;
        berta
            .publish("/topic/room", &format!("berta {number}"))
            .await;
    }
    for client in [&mut anna, &mut berta] {
        let mut received = BTreeSet::new();
        for _ in 0..40 {
            assert!(received.insert(client.body().await), "twice");
        }
        assert_eq!(received.len(), 40);
    }
    assert!(
        first
            .metric("highwater_stomp_relayed_frames_to_clients_total")
            .await
            >= 60.0
    );
    anna.disconnect().await;
    berta.disconnect().await;
    until("the connections have ended", async || {
        first.metric("highwater_stomp_relayed_sessions").await == 0.0
    })
    .await;
}

async fn message_of_a_queue_is_acknowledged_rejected_and_delivered_again(broker: Service) {
    let node = node("n1", &broker.stomp_url().unwrap()).await;
    for version in [Version::V1_1, Version::V1_2] {
        let queue = format!("/queue/work-{version}");
        let mut sender = StompClient::connect(&node, "sender").await;
        sender.publish(&queue, "1").await;
        sender.publish(&queue, "2").await;
        let mut first = StompClient::open(&node).await;
        first.log_in(version, &[]).await;
        first.subscribe("s", &queue, "client-individual").await;
        let one = first.message().await;
        assert_eq!(text(&one), "1");
        let two = first.message().await;
        first.settle(Command::Ack, &one).await;
        assert_eq!(text(&two), "2");
        // Ends with the second message in hand.
        first.drop_connection();
        let mut next = StompClient::open(&node).await;
        next.log_in(version, &[]).await;
        next.subscribe("s", &queue, "client").await;
        let again = next.message().await;
        assert_eq!(text(&again), "2");
        next.settle(Command::Ack, &again).await;
        next.disconnect().await;
    }
}

async fn transactions_and_receipts_are_those_of_the_broker(broker: Service) {
    let node = node("n1", &broker.stomp_url().unwrap()).await;
    let mut client = StompClient::connect(&node, "anna").await;
    client.subscribe("s", "/queue/orders", "auto").await;
    for (transaction, end) in [("t1", Command::Abort), ("t2", Command::Commit)] {
        let of = |command| Frame::new(command).with(header::TRANSACTION, transaction);
        client.request(of(Command::Begin)).await;
        // RabbitMQ sends the receipt of a message with that of its COMMIT.
        let message = message_to("/queue/orders", transaction);
        client
            .send(message.with(header::TRANSACTION, transaction))
            .await;
        client.request(of(end)).await;
    }
    assert_eq!(client.body().await, "t2");
    // A frame that the broker rejects ends the session with its ERROR.
    client
        .send(Frame::new(Command::Commit).with(header::TRANSACTION, "unknown"))
        .await;
    let (_, code) = client.error().await;
    assert_eq!(code, 1007);
}

async fn sessions_learn_that_the_broker_is_gone_and_come_back_with_it(mut broker: Service) {
    let node = node("n1", &broker.stomp_url().unwrap()).await;
    let mut client = StompClient::connect(&node, "anna").await;
    client.subscribe("s", "/topic/a", "auto").await;
    broker.kill();
    let (text, code) = client.error().await;
    assert!(
        text.starts_with("the connection to the message broker was lost"),
        "{text}"
    );
    assert_eq!(code, 1013);
    until("the node is not ready", async || {
        node.get("/readyz").await.status == 503
    })
    .await;
    assert_eq!(node.metric("highwater_stomp_broker_available").await, 0.0);
    let mut refused = StompClient::open(&node).await;
    let frame = refused.log_in(Version::V1_2, &[]).await;
    assert_eq!(frame.command, Command::Error);
    assert_eq!(
        frame.get(header::MESSAGE),
        Some("the message broker cannot be reached")
    );
    assert_eq!(refused.next().await, Err(Some(1013)));
    let broker = tokio::task::spawn_blocking(move || {
        broker.restart().unwrap();
        broker
    });
    let _broker = broker.await.unwrap();
    wait_ready(&node).await;
    let mut back = StompClient::connect(&node, "anna").await;
    back.subscribe("s", "/topic/a", "auto").await;
    back.publish("/topic/a", "again").await;
    assert_eq!(back.body().await, "again");
    assert_eq!(node.metric("highwater_stomp_broker_lost_total").await, 1.0);
}

async fn node_goes_on_to_the_next_server(broker: Service) {
    let url = broker.stomp_url().unwrap();
    let (login, server) = match url.strip_prefix("stomp://").unwrap().split_once('@') {
        Some((login, server)) => (format!("{login}@"), server.to_owned()),
        None => (String::new(), url["stomp://".len()..].to_owned()),
    };
    // Nothing listens at the first one.
    let closed = highwater_services::pick_free_port().unwrap();
    let node = node(
        "n1",
        &format!("stomp://{login}127.0.0.1:{closed},{server}/%2F"),
    )
    .await;
    let mut client = StompClient::connect(&node, "anna").await;
    client.subscribe("s", "/topic/a", "auto").await;
    client.publish("/topic/a", "x").await;
    assert_eq!(client.body().await, "x");
}

async fn destinations_of_the_node_stay_with_the_node(broker: Service) {
    let node = node("n1", &broker.stomp_url().unwrap()).await;
    let device = TestDevice::open(&node, "lamp").await.reply_to_all();
    let mut client = StompClient::connect(&node, "anna").await;
    client.subscribe("u", "/user/queue/replies", "auto").await;
    client.publish("/app/devices/lamp/commands/on", "[1]").await;
    let reply = client.message().await;
    assert_eq!(reply.get("status"), Some("200"));
    assert_eq!(text(&reply), "[1]");
    client.unsubscribe("u").await;
    // A reply to a destination of the broker.
    client.subscribe("q", "/queue/replies", "auto").await;
    client
        .request(
            message_to("/app/devices/lamp/commands/on", "[2]").with("reply-to", "/queue/replies"),
        )
        .await;
    let reply = client.message().await;
    assert_eq!(
        (reply.get("status"), text(&reply)),
        (Some("200"), "[2]".to_owned())
    );
    device.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_login_at_the_broker_ends_the_session_with_4004() {
    let broker = started(RabbitMqService::start).await;
    let url = broker.stomp_url().unwrap();
    let server = url.split_once('@').unwrap().1;
    // The address names no login, so that each session presents its own.
    let node = node("n1", &format!("stomp://{server}")).await;
    for (passcode, expected) in [("guest", Command::Connected), ("wrong", Command::Error)] {
        let mut client = StompClient::open(&node).await;
        let headers = [(header::LOGIN, "guest"), (header::PASSCODE, passcode)];
        let frame = client.log_in(Version::V1_2, &headers).await;
        assert_eq!(frame.command, expected, "{frame:?}");
        if expected == Command::Error {
            let text = frame.get(header::MESSAGE).unwrap();
            assert!(
                text.starts_with("the message broker refuses the session"),
                "{text}"
            );
            assert_eq!(client.next().await, Err(Some(4004)));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_server_of_a_network_is_replaced_by_the_next() {
    let mut network = started(ActiveMqNetworkService::start).await;
    let url = network.stomp_url().unwrap();
    let node = node("n1", &url).await;
    let mut client = StompClient::connect(&node, "anna").await;
    client.subscribe("s", "/topic/a", "auto").await;
    // The first of the list is the one that the node uses.
    let first = network.pids()[0];
    let killed = tokio::task::spawn_blocking(move || {
        network.kill_one(first);
        network
    });
    let _network = killed.await.unwrap();
    assert_eq!(client.error().await.1, 1013);
    until("the system connection was lost", async || {
        node.metric("highwater_stomp_broker_lost_total").await == 1.0
    })
    .await;
    wait_ready(&node).await;
    let mut back = StompClient::connect(&node, "anna").await;
    back.subscribe("s", "/topic/a", "auto").await;
    back.publish("/topic/a", "through the other").await;
    assert_eq!(back.body().await, "through the other");
}
