//! Versions, receipts, errors and the end of a session.

use highwater_stomp::{Command, Frame, Version, header};

use super::{StompClient, client::message_to};
use crate::rig::{TestNode, raw_request};

#[tokio::test]
async fn session_has_the_newest_version_that_both_ends_know() {
    let node = TestNode::standalone();
    for (accept, expected) in [("1.0,1.1,1.2", "1.2"), ("1.1,1.0", "1.1"), ("1.0", "1.0")] {
        let mut client = StompClient::open(&node).await;
        let frame = Frame::new(Command::Stomp)
            .with(header::ACCEPT_VERSION, accept)
            .with(header::HOST, "home")
            .with(header::LOGIN, "anna");
        client.send(frame).await;
        let connected = client.frame().await;
        assert_eq!(connected.command, Command::Connected);
        assert_eq!(connected.get(header::VERSION), Some(expected));
        assert_eq!(connected.get("user-name"), Some("anna"));
        assert!(connected.get(header::SESSION).is_some());
        let server = connected.get(header::SERVER).unwrap();
        assert!(server.starts_with("highwater/"), "{server}");
    }
}

#[tokio::test]
async fn subprotocol_is_the_newest_that_the_client_offers() {
    let node = TestNode::standalone();
    for (offered, expected) in [
        ("v10.stomp, v11.stomp, v12.stomp", Some("v12.stomp")),
        ("mqtt, v11.stomp", Some("v11.stomp")),
        ("mqtt", None),
    ] {
        let address = node.address;
        let headers = [("sec-websocket-protocol", offered)];
        match StompClient::open_with(address, &headers).await {
            Ok(client) => assert_eq!(client.subprotocol.as_deref(), expected),
            // tungstenite refuses an answer without the subprotocol that it asked for.
            Err(error) => assert!(expected.is_none(), "{error}"),
        }
    }
    let plain = StompClient::open(&node).await;
    assert_eq!(plain.subprotocol, None);
}

#[tokio::test]
async fn unknown_version_is_refused_with_those_supported() {
    let node = TestNode::standalone();
    let mut client = StompClient::open(&node).await;
    client
        .send(Frame::new(Command::Connect).with(header::ACCEPT_VERSION, "2.0"))
        .await;
    let (text, code) = client.error().await;
    assert_eq!(
        text,
        "invalid header accept-version \"2.0\": expected one of 1.0,1.1,1.2"
    );
    assert_eq!(code, 1007);
}

#[tokio::test]
async fn disconnect_gets_its_receipt_and_then_a_close() {
    let node = TestNode::standalone();
    let mut client = StompClient::connect(&node, "anna").await;
    client.send(message_to("/queue/a", "1")).await;
    client.disconnect().await;
    let mut other = StompClient::connect(&node, "berta").await;
    other.subscribe("1", "/queue/a", "auto").await;
    assert_eq!(other.body().await, "1", "sent before the DISCONNECT");
}

#[tokio::test]
async fn frame_may_span_messages_and_a_message_may_contain_frames() {
    let node = TestNode::standalone();
    let mut client = StompClient::open(&node).await;
    client.send_raw(b"\nCONNECT\naccept-ver").await;
    client
        .send_raw(
            b"sion:1.2\nhost:h\n\n\0\n\nSUBSCRIBE\nid:1\ndestination:/topic/a\nreceipt:r\n\n\0SE",
        )
        .await;
    client
        .send_raw(b"ND\ndestination:/topic/a\ncontent-length:3\n\nx\0y")
        .await;
    client.send_raw(b"\0").await;
    assert_eq!(client.frame().await.command, Command::Connected);
    assert_eq!(client.frame().await.command, Command::Receipt);
    assert_eq!(&client.message().await.body[..], b"x\0y");
}

#[tokio::test]
async fn invalid_frames_end_the_session_with_a_reason_and_a_code() {
    let node = TestNode::standalone();
    for (bytes, text, code) in [
        (
            &b"HELLO\n\n\0"[..],
            "invalid command \"HELLO\": expected a command of STOMP in capitals",
            1007,
        ),
        (
            b"MESSAGE\n\n\0",
            "invalid MESSAGE: expected a frame of a client",
            1007,
        ),
        (
            b"CONNECT\n\n\0",
            "invalid CONNECT: the session is open",
            1007,
        ),
        (
            b"SEND\n\n\0",
            "invalid header destination (missing): expected a destination",
            1007,
        ),
        (
            b"ACK\nid:q77\n\n\0",
            "invalid header id \"q77\": expected the id of a message that is not acknowledged",
            1007,
        ),
        (
            b"COMMIT\ntransaction:t\n\n\0",
            "invalid header transaction \"t\": expected the name of an open transaction",
            1007,
        ),
        (
            b"UNSUBSCRIBE\nid:9\n\n\0",
            "invalid header id \"9\": expected the id of a subscription",
            1007,
        ),
        (
            b"SEND\ndestination:/topic/a\ncontent-length:99999999\n\n",
            "body too long: expected at most 65536 bytes",
            1009,
        ),
    ] {
        let mut client = StompClient::connect(&node, "anna").await;
        client.send_raw(bytes).await;
        assert_eq!(client.error().await, (text.to_owned(), code));
    }
    let mut early = StompClient::open(&node).await;
    early.send_raw(b"SEND\n\n\0").await;
    let (text, _) = early.error().await;
    assert_eq!(text, "invalid SEND: expected CONNECT or STOMP first");
}

#[tokio::test]
async fn error_names_the_receipt_of_its_frame() {
    let node = TestNode::standalone();
    let mut client = StompClient::connect(&node, "anna").await;
    client
        .send(message_to("/nowhere", "1").with(header::RECEIPT, "r-1"))
        .await;
    let frame = client.frame().await;
    assert_eq!(frame.command, Command::Error);
    assert_eq!(frame.get(header::RECEIPT_ID), Some("r-1"));
    assert_eq!(client.next().await, Err(Some(1007)));
}

#[tokio::test]
async fn nack_does_not_exist_in_1_0() {
    let node = TestNode::standalone();
    let mut client = StompClient::open(&node).await;
    client.log_in(Version::V1_0, &[]).await;
    client.send_raw(b"NACK\nmessage-id:q1\n\n\0").await;
    let (text, code) = client.error().await;
    assert_eq!(
        (text.as_str(), code),
        ("invalid NACK: expected a frame of a client", 1007)
    );
}

#[tokio::test]
async fn drain_ends_sessions_with_an_error_and_1012() {
    let node = TestNode::standalone();
    let mut client = StompClient::connect(&node, "anna").await;
    node.shutdown.cancel();
    let (text, code) = client.error().await;
    assert_eq!(
        (text.as_str(), code),
        ("this node asks its clients to leave", 1012)
    );
    node.wait_ended().await;
}

#[tokio::test]
async fn plain_request_is_asked_to_upgrade() {
    let node = TestNode::standalone();
    let answer = raw_request(
        node.address,
        "GET /stomp HTTP/1.1\r\nhost: n\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[tokio::test]
async fn sessions_and_frames_are_counted() {
    let node = TestNode::standalone();
    let client = StompClient::connect(&node, "anna").await;
    assert_eq!(node.metric("highwater_stomp_sessions").await, 1.0);
    assert_eq!(node.metric("highwater_sockets").await, 1.0);
    client.disconnect().await;
    crate::rig::until("the session has ended", async || {
        node.metric("highwater_sockets").await == 0.0
    })
    .await;
    assert_eq!(node.metric("highwater_stomp_sessions").await, 0.0);
    let frames = "highwater_stomp_frames_total{command=\"DISCONNECT\"}";
    assert_eq!(node.metric(frames).await, 1.0);
}
