//! Device sockets on one node.

use std::time::Duration;

use bytes::Bytes;
use futures_util::SinkExt;
use highwater_server::NodeLimits;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::rig::{TestDevice, TestNode, config, http_request, quick_limits, until};

#[tokio::test]
async fn a_device_opens_and_its_pings_are_answered() {
    let node = TestNode::standalone();
    let mut device = TestDevice::open(&node, "d1").await;
    assert_eq!(device.headers["x-highwater-node"], "n1");
    device.ping(b"").await;
    device.ping(b"beat 2").await;
    assert_eq!(node.metric("highwater_heartbeats_total").await, 2.0);
    assert_eq!(node.metric("highwater_sockets").await, 1.0);
    device.socket.close(None).await.unwrap();
    until("the socket is gone", async || {
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
async fn what_is_no_upgrade_is_refused_with_a_hint() {
    let node = TestNode::standalone();
    let upgrade = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    for path in ["/ws", "/ws?device=", "/ws?device=a%20b", "/ws?other=1"] {
        let answer = http_request(node.address, "GET", path, &upgrade, Bytes::new()).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.json()["hint"].is_string());
        assert_eq!(answer.header("x-highwater-node"), "n1");
    }
    for missing in 0..upgrade.len() {
        let mut headers = upgrade.to_vec();
        headers.remove(missing);
        let answer =
            http_request(node.address, "GET", "/ws?device=d", &headers, Bytes::new()).await;
        assert_eq!(answer.status, 400, "without {}", upgrade[missing].0);
    }
    let answer = http_request(node.address, "POST", "/ws?device=d", &upgrade, Bytes::new()).await;
    assert_eq!(answer.status, 400);
    assert_eq!(node.metric("highwater_sockets_accepted_total").await, 0.0);
}

#[tokio::test]
async fn a_newer_connection_replaces_the_older() {
    let node = TestNode::standalone();
    let mut older = TestDevice::open(&node, "d1").await;
    let newer = TestDevice::open(&node, "d1").await;
    assert_eq!(older.close_code().await, Some(4000));
    newer.reply_to_all();
    assert_eq!(node.command("d1").await.status, 200);
}

#[tokio::test]
async fn broken_devices_get_the_code_of_what_they_broke() {
    let node = TestNode::standalone();
    let long = "x".repeat(NodeLimits::default().device_message_bytes + 1);
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
        let shown = format!("{message:?}");
        device.socket.send(message).await.unwrap();
        if code == 0 {
            device.ping(b"still here").await;
            continue;
        }
        assert_eq!(device.close_code().await, Some(code), "{:.60}", shown);
    }
}

#[tokio::test]
async fn too_many_topics_are_against_the_policy() {
    let node = TestNode::standalone();
    let mut device = TestDevice::open(&node, "d1").await;
    for topic in 0..=NodeLimits::default().topics_per_device {
        device
            .send(json!({"type": "subscribe", "topic": format!("t{topic}")}))
            .await;
    }
    assert_eq!(device.close_code().await, Some(1008));
}

#[tokio::test]
async fn topics_that_change_all_the_time_are_against_the_policy() {
    let mut config = config("n1");
    config.limits.topic_changes_per_s = 10;
    let node = TestNode::start(config);
    let mut device = TestDevice::open(&node, "d1").await;
    for kind in ["subscribe", "unsubscribe"].iter().cycle().take(1_000) {
        let frame = json!({"type": kind, "topic": "t"}).to_string();
        if device.socket.send(Message::text(frame)).await.is_err() {
            break;
        }
    }
    assert_eq!(device.close_code().await, Some(1008));
}

#[tokio::test]
async fn a_silent_device_is_closed_as_idle() {
    let mut config = config("n1");
    config.limits.idle_timeout = Duration::from_secs(1);
    let node = TestNode::start(config);
    let mut device = TestDevice::open(&node, "d1").await;
    assert_eq!(device.close_code().await, Some(4001));
}

#[tokio::test]
async fn a_device_that_does_not_read_is_closed_and_others_are_not_stalled() {
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
    until("the slow one is cut off", async || {
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
async fn frames_sent_along_with_the_upgrade_are_not_lost() {
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
async fn too_many_headers_are_refused() {
    let node = TestNode::standalone();
    let names: Vec<String> = (0..100).map(|n| format!("x-{n}")).collect();
    let headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let answer = http_request(node.address, "GET", "/healthz", &headers, Bytes::new()).await;
    assert_eq!(answer.status, 431);
}

#[tokio::test]
async fn a_refused_device_is_told_over_http() {
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

/// The state of a node that stood still for longer than its clients waited.
#[tokio::test]
async fn who_has_gone_before_it_was_served_replaces_nobody() {
    let node = TestNode::standalone();
    let mut device = TestDevice::open(&node, "d1").await;
    // Without giving the node a turn in between.
    let mut gone = std::net::TcpStream::connect(node.address).unwrap();
    let request = b"GET /ws?device=d1 HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\n\
        Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    std::io::Write::write_all(&mut gone, request).unwrap();
    drop(gone);
    // Who came later is served later.
    TestDevice::open(&node, "d2").await.ping(b"after").await;
    device.ping(b"still here").await;
    assert_eq!(node.metric("highwater_sockets_accepted_total").await, 2.0);
}
