//! Device sockets on one node.

use std::time::Duration;

use bytes::Bytes;
use futures_util::SinkExt;
use highwater_server::NodeLimits;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::{
    MaybeTlsStream,
    tungstenite::{Error, Message},
};

use crate::rig::{TestDevice, TestNode, config, http_request, quick_limits, until};

#[tokio::test]
async fn pings_of_a_device_are_answered() {
    let node = TestNode::standalone();
    let mut device = TestDevice::open(&node, "d1").await;
    assert_eq!(device.headers["x-highwater-node"], "n1");
    device.ping(b"").await;
    device.ping(b"beat 2").await;
    assert_eq!(node.metric("highwater_heartbeats_total").await, 2.0);
    assert_eq!(node.metric("highwater_sockets").await, 1.0);
    device.socket.close(None).await.unwrap();
    until("the socket is closed", async || {
        node.metric("highwater_sockets").await == 0.0
    })
    .await;
    let metrics = node.get("/metrics").await.text();
    assert!(
        metrics.contains("highwater_sockets_closed_total{reason=\"device\"} 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn invalid_upgrade_is_rejected_with_a_hint() {
    let node = TestNode::standalone();
    let upgrade = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    for path in ["/ws", "/ws?device=", "/ws?device=a%20b", "/ws?other=1"] {
        let response = http_request(node.address, "GET", path, &upgrade, Bytes::new()).await;
        assert_eq!(response.status, 400, "{path}");
        assert!(response.json()["hint"].is_string());
        assert_eq!(response.header("x-highwater-node"), "n1");
    }
    for missing in 0..upgrade.len() {
        let mut headers = upgrade.to_vec();
        headers.remove(missing);
        let response =
            http_request(node.address, "GET", "/ws?device=d", &headers, Bytes::new()).await;
        assert_eq!(response.status, 400, "without {}", upgrade[missing].0);
    }
    let response = http_request(node.address, "POST", "/ws?device=d", &upgrade, Bytes::new()).await;
    assert_eq!(response.status, 400);
    assert_eq!(node.metric("highwater_sockets_accepted_total").await, 0.0);
}

#[tokio::test]
async fn newer_connection_replaces_the_older() {
    let node = TestNode::standalone();
    let mut older = TestDevice::open(&node, "d1").await;
    let newer = TestDevice::open(&node, "d1").await;
    assert_eq!(older.close_code().await, Some(4000));
    newer.reply_to_all();
    assert_eq!(node.command("d1").await.status, 200);
}

#[tokio::test]
async fn invalid_message_closes_with_its_code() {
    let node = TestNode::standalone();
    let long = "x".repeat(NodeLimits::default().device_message_bytes + 1);
    // Code 0: the device stays.
    let cases: [(Message, u16); 6] = [
        (Message::text("no json"), 1007),
        (Message::text(r#"{"type":"dance"}"#), 1007),
        (Message::binary(vec![1, 2, 3]), 1003),
        (Message::text(r#"{"type":"subscribe","topic":"a b"}"#), 1008),
        (Message::text(long), 1009),
        (Message::Ping(Bytes::from_static(b"x")), 0),
    ];
    for (message, code) in cases {
        let mut device = TestDevice::open(&node, "d1").await;
        let sent = format!("{message:?}");
        device.socket.send(message).await.unwrap();
        if code == 0 {
            device.ping(b"still here").await;
            continue;
        }
        assert_eq!(device.close_code().await, Some(code), "{sent:.60}");
    }
}

#[tokio::test]
async fn too_many_topics_close_with_1008() {
    let node = TestNode::standalone();
    let mut device = TestDevice::open(&node, "d1").await;
    // One more than a device may subscribe to.
    for topic in 0..=NodeLimits::default().topics_per_device {
        device
            .send(json!({"type": "subscribe", "topic": format!("t{topic}")}))
            .await;
    }
    assert_eq!(device.close_code().await, Some(1008));
}

#[tokio::test]
async fn too_many_topic_changes_close_with_1008() {
    let mut config = config("n1");
    config.limits.topic_changes_per_s = 10;
    let node = TestNode::start(config);
    let mut device = TestDevice::open(&node, "d1").await;
    for kind in ["subscribe", "unsubscribe"].iter().cycle().take(1_000) {
        let frame = json!({"type": kind, "topic": "t"}).to_string();
        // The node may close the socket before all frames are sent.
        if device.socket.send(Message::text(frame)).await.is_err() {
            break;
        }
    }
    assert_eq!(device.close_code().await, Some(1008));
}

#[tokio::test]
async fn too_many_frames_close_with_1008() {
    let mut config = config("n1");
    config.limits.frames_per_s = 1_000;
    let node = TestNode::start(config);
    // Each with an empty mask (RFC 6455, section 5.2): pongs, and fragments of one message. The
    // node answers neither.
    let pongs = [0x8a, 0x80, 0, 0, 0, 0].repeat(100);
    let fragments = [0x00, 0x80, 0, 0, 0, 0].repeat(100);
    for (begin, flood) in [(&[][..], pongs), (&[0x01, 0x80, 0, 0, 0, 0], fragments)] {
        let mut witness = TestDevice::open(&node, "witness").await;
        let mut device = TestDevice::open(&node, "d1").await;
        let MaybeTlsStream::Plain(stream) = device.socket.get_mut() else {
            panic!("the socket has no TLS");
        };
        stream.write_all(begin).await.unwrap();
        for _ in 0..100 {
            // The node may close the socket before all frames are sent.
            if stream.write_all(&flood).await.is_err() {
                break;
            }
        }
        assert_eq!(device.close_code().await, Some(1008));
        witness.ping(b"still in").await;
    }
}

#[tokio::test]
async fn silent_device_is_closed_as_idle() {
    let mut config = config("n1");
    config.limits.idle_timeout = Duration::from_secs(1);
    let node = TestNode::start(config);
    let mut device = TestDevice::open(&node, "d1").await;
    assert_eq!(device.close_code().await, Some(4001));
}

#[tokio::test]
async fn slow_device_is_closed_and_stalls_no_other() {
    let mut config = config("n1");
    config.limits = NodeLimits {
        write_queue_bytes: 256 * 1024,
        ..quick_limits()
    };
    let node = TestNode::start(config);
    let mut slow = TestDevice::open(&node, "slow").await;
    let mut good = TestDevice::open(&node, "good").await;
    for device in [&mut slow, &mut good] {
        device
            .send(json!({"type": "subscribe", "topic": "t"}))
            .await;
        device.ping(b"subscribed").await;
    }
    // The kernel's buffers take some megabytes before the node's own queue fills.
    let body = json!({"body": "x".repeat(60_000)});
    let mut sent = 0;
    until("the slow device is closed", async || {
        assert_eq!(
            node.post("/topics/t/messages", body.clone()).await.status,
            202
        );
        sent += 1;
        assert_eq!(good.frame().await["type"], "message");
        node.get("/metrics")
            .await
            .text()
            .contains("reason=\"slow\"} 1")
            || node.post("/topics/t/messages", body.clone()).await.json()["subscribers_here"] == 1
    })
    .await;
    assert!(sent > 0);
    assert_eq!(slow.close_code().await, Some(1013));
}

#[tokio::test]
async fn frames_behind_the_upgrade_request_are_not_lost() {
    let node = TestNode::standalone();
    let mut stream = tokio::net::TcpStream::connect(node.address).await.unwrap();
    let mut bytes = b"GET /ws?device=d HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".to_vec();
    // A masked ping "hi".
    bytes.extend_from_slice(&[0x89, 0x82, 0, 0, 0, 0, b'h', b'i']);
    stream.write_all(&bytes).await.unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"\x8a\x02hi") {
        assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0, "no pong");
    }
    assert!(seen.starts_with(b"HTTP/1.1 101"));
}

#[tokio::test]
async fn request_with_too_many_headers_gets_431() {
    let node = TestNode::standalone();
    let names: Vec<String> = (0..100).map(|n| format!("x-{n}")).collect();
    let headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let response = http_request(node.address, "GET", "/healthz", &headers, Bytes::new()).await;
    assert_eq!(response.status, 431);
}

#[tokio::test]
async fn device_with_a_long_name_gets_400() {
    let node = TestNode::standalone();
    match TestDevice::try_open(&node, &"x".repeat(129))
        .await
        .map(|_| ())
    {
        Err(error) => match *error {
            Error::Http(response) => assert_eq!(response.status(), 400),
            other => panic!("{other}"),
        },
        Ok(()) => panic!("a name too long was accepted"),
    }
}

/// The node is in the state after a stall that was longer than its clients waited.
#[tokio::test]
async fn client_that_left_before_its_upgrade_replaces_no_socket() {
    let node = TestNode::standalone();
    let mut device = TestDevice::open(&node, "d1").await;
    // With blocking calls, so that the node does not run in between.
    let mut leaver = std::net::TcpStream::connect(node.address).unwrap();
    let request = b"GET /ws?device=d1 HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\n\
        Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    std::io::Write::write_all(&mut leaver, request).unwrap();
    drop(leaver);
    // The accept queue is in order: this device is served after the client that left.
    TestDevice::open(&node, "d2").await.ping(b"after").await;
    device.ping(b"still here").await;
    assert_eq!(node.metric("highwater_sockets_accepted_total").await, 2.0);
}
