//! The echo endpoint, by an independent client.

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use highwater_server::NodeConfig;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{CloseCode, Data, OpCode},
    },
};

use crate::rig::{TestDevice, TestNode, config, http_request, until};

fn node() -> TestNode {
    TestNode::start(NodeConfig {
        echo: true,
        ..config("n1")
    })
}

async fn open(node: &TestNode) -> TestDevice {
    TestDevice::open_path(node.address, "/echo").await.unwrap()
}

#[tokio::test]
async fn messages_are_echoed() {
    let node = node();
    let mut peer = open(&node).await;
    let large = "ü".repeat(32 * 1024);
    for message in [
        Message::text(""),
        Message::text(large),
        Message::binary(vec![0xff; 64 * 1024]),
    ] {
        peer.socket.send(message.clone()).await.unwrap();
        assert_eq!(peer.next().await, Some(message));
    }
    assert_eq!(node.metric("highwater_sockets_accepted_total").await, 0.0);
}

#[tokio::test]
async fn fragments_come_back_whole_and_pings_between_them_are_answered() {
    let node = node();
    let mut peer = open(&node).await;
    let fragment = |payload: &'static [u8], kind, last| {
        Message::Frame(Frame::message(
            Bytes::from_static(payload),
            OpCode::Data(kind),
            last,
        ))
    };
    for message in [
        fragment(&[1, 2], Data::Binary, false),
        Message::Ping(Bytes::from_static(b"between")),
        fragment(&[3], Data::Continue, true),
    ] {
        peer.socket.send(message).await.unwrap();
    }
    assert_eq!(
        peer.next().await,
        Some(Message::Pong(Bytes::from_static(b"between")))
    );
    assert_eq!(peer.next().await, Some(Message::binary(vec![1, 2, 3])));
}

#[tokio::test]
async fn protocol_error_closes_with_its_code() {
    let node = node();
    let mut leaves = open(&node).await;
    let bye = tokio_tungstenite::tungstenite::protocol::CloseFrame {
        code: CloseCode::Away,
        reason: "bye".into(),
    };
    leaves.socket.close(Some(bye)).await.unwrap();
    assert_eq!(leaves.close_code().await, Some(1001));

    let mut sends_too_much = open(&node).await;
    let message = Message::binary(vec![0; 64 * 1024 + 1]);
    sends_too_much.socket.send(message).await.unwrap();
    assert_eq!(sends_too_much.close_code().await, Some(1009));

    let mut stays = open(&node).await;
    stays.ping(b"here").await;
    node.shutdown.cancel();
    assert_eq!(stays.close_code().await, Some(1012));
    assert!(stays.socket.next().await.is_none_or(|next| next.is_err()));
    node.wait_ended().await;
}

#[tokio::test]
async fn echo_is_absent_unless_enabled() {
    let node = TestNode::standalone();
    until("the node is ready", async || {
        node.get("/readyz").await.status == 200
    })
    .await;
    let answer = http_request(node.address, "GET", "/echo", &[], Bytes::new()).await;
    assert_eq!(answer.status, 404);
}
