//! Standards on the wire, where a node and a gateway have to agree: HTTP (RFC 9110, 9112), URIs
//! (RFC 3986), WebSocket (RFC 6455) and JSON (RFC 8259). Tables of values are unit tests beside
//! the parsers.

use bytes::Bytes;
use serde_json::json;

use crate::{
    gateway::{
        fake::Fake,
        rig::{TestGateway, config as gateway_config},
    },
    ground::TestBackplaneKind,
    rig::{TestCluster, TestDevice, TestNode, http_request, raw_request, until},
};

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Returns status line and headers in lower case, and the body.
async fn answer(address: std::net::SocketAddr, request: &str) -> (String, String) {
    let received = raw_request(address, request).await;
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase(), body.to_owned())
}

/// Starts a node behind a gateway.
async fn node_and_gateway() -> (TestCluster, TestGateway) {
    let cluster = TestCluster::start(1).await;
    let gateway = TestGateway::in_front(gateway_config("g1", &cluster.ground), 1).await;
    (cluster, gateway)
}

#[tokio::test]
async fn other_websocket_version_gets_426_with_the_one_that_is_served() {
    let (cluster, gateway) = node_and_gateway().await;
    for address in [cluster.nodes[0].address, gateway.address] {
        for version in ["8", "14", "13, 8"] {
            let request = format!(
                "GET /ws?device=d HTTP/1.1\r\nHost: t\r\n{UPGRADE}\
                 Sec-WebSocket-Version: {version}\r\n\r\n"
            );
            // A connection that stays open would have no end to read.
            let request = request.replace("Connection: Upgrade", "Connection: Upgrade, close");
            let (head, body) = answer(address, &request).await;
            assert!(head.starts_with("http/1.1 426 "), "{version}: {head}");
            assert!(head.contains("\r\nsec-websocket-version: 13"), "{head}");
            assert!(head.contains("\r\nupgrade: websocket"), "{head}");
            assert!(body.contains("Sec-WebSocket-Version must be 13"), "{body}");
        }
    }
}

#[tokio::test]
async fn upgrade_in_http_1_0_has_one_reason_everywhere() {
    let (cluster, gateway) = node_and_gateway().await;
    let request = format!(
        "GET /ws?device=d HTTP/1.0\r\nHost: t\r\n{UPGRADE}Sec-WebSocket-Version: 13\r\n\r\n"
    );
    let (head, of_node) = answer(cluster.nodes[0].address, &request).await;
    assert!(head.contains(" 400 "), "{head}");
    assert!(of_node.contains("HTTP/1.1"), "{of_node}");
    let (head, of_gateway) = answer(gateway.address, &request).await;
    assert!(head.contains(" 400 "), "{head}");
    assert_eq!(of_gateway, of_node);
}

#[tokio::test]
async fn request_without_one_host_gets_400() {
    let (cluster, gateway) = node_and_gateway().await;
    for address in [cluster.nodes[0].address, gateway.address] {
        for (hosts, status) in [
            ("Host: t\r\n", 200),
            ("Host:\r\n", 200),
            ("", 400),
            ("Host: a\r\nHost: b\r\n", 400),
            ("Host: a b\r\n", 400),
        ] {
            let request = format!("GET /devices/d HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
            let (head, _) = answer(address, &request).await;
            assert!(
                head.starts_with(&format!("http/1.1 {status} ")),
                "{hosts:?}: {head}"
            );
        }
        // HTTP/1.0 has no Host. A gateway forwards it with an empty one.
        let (head, _) = answer(address, "GET /devices/d HTTP/1.0\r\n\r\n").await;
        assert!(head.contains(" 200 "), "{head}");
    }
}

#[tokio::test]
async fn method_that_is_not_allowed_gets_the_allowed_ones() {
    let (cluster, gateway) = node_and_gateway().await;
    for address in [cluster.nodes[0].address, gateway.address] {
        let response = http_request(address, "DELETE", "/devices/d", &[], Bytes::new()).await;
        assert_eq!(response.status, 405);
        assert!(response.header("allow").contains("GET"), "{response:?}");
    }
    let request = "CONNECT other.example:443 HTTP/1.1\r\nHost: other.example:443\r\n\
        Connection: close\r\n\r\n";
    let (head, _) = answer(gateway.address, request).await;
    assert!(head.starts_with("http/1.1 405 "), "{head}");
    assert!(head.contains("\r\nallow: get"), "{head}");
}

#[tokio::test]
async fn request_is_not_shown_to_its_sender() {
    let (cluster, gateway) = node_and_gateway().await;
    for address in [cluster.nodes[0].address, gateway.address] {
        let headers = [("cookie", "private"), ("max-forwards", "0")];
        let response = http_request(address, "TRACE", "/devices/d", &headers, Bytes::new()).await;
        assert_eq!(response.status, 405);
        assert!(!response.text().contains("private"), "{response:?}");
        assert!(response.header("allow").contains("GET"), "{response:?}");
    }
}

#[tokio::test]
async fn gateway_answers_options_that_may_pass_no_further_proxy() {
    let ground = TestBackplaneKind::Local.ground();
    let fake = Fake::join(&ground, "n1");
    let gateway = TestGateway::in_front(gateway_config("g1", &ground), 1).await;
    let options = async |max_forwards: &str| {
        let headers = [("max-forwards", max_forwards)];
        http_request(gateway.address, "OPTIONS", "/a", &headers, Bytes::new()).await
    };
    let answered = options("0").await;
    assert_eq!((answered.status.as_u16(), answered.body.len()), (200, 0));
    assert_eq!(answered.header("content-length"), "0");
    assert!(answered.header("allow").contains("OPTIONS"), "{answered:?}");
    assert_eq!(options("many").await.status, 400);
    assert!(fake.behaviour.requested().is_empty(), "no node was asked");
    let forwarded = options("2").await.json();
    assert_eq!(forwarded["method"], "OPTIONS");
    assert_eq!(forwarded["fields"]["max-forwards"], "1");
    // Other methods go on whatever the field says.
    let headers = [("max-forwards", "0")];
    let response = http_request(gateway.address, "GET", "/a", &headers, Bytes::new()).await;
    assert_eq!(response.json()["fields"]["max-forwards"], "0");
}

#[tokio::test]
async fn percent_encoded_names_mean_the_same_in_path_and_query() {
    let (cluster, gateway) = node_and_gateway().await;
    for (encoded, name) in [
        ("room%2D7", "room-7"),
        ("%64ev", "dev"),
        ("a%3Ab", "a:b"),
        ("a%2Eb", "a.b"),
        ("a%5fb", "a_b"),
    ] {
        for address in [cluster.nodes[0].address, gateway.address] {
            let path = format!("/ws?device={encoded}");
            let device = TestDevice::open_path(address, &path).await.unwrap();
            for spelling in [encoded, name] {
                let path = format!("/devices/{spelling}");
                let response = http_request(address, "GET", &path, &[], Bytes::new()).await;
                assert_eq!(response.json()["connected"], json!(true), "{spelling}");
                assert_eq!(response.json()["device"], json!(name));
            }
            drop(device);
        }
    }
}

#[tokio::test]
async fn escapes_in_json_mean_the_same_in_frames_and_bodies() {
    let node = TestNode::standalone();
    // Code 0: the device stays.
    for (text, code) in [
        (r#"{"type":"subscribe","topic":"room-1"}"#, 0),
        (r#"{"type":"subscribe","topic":"room\u002d1"}"#, 0),
        (r#"{"type":"sub\u0073cribe","topic":"room-1"}"#, 0),
        (r#"{"type":"subscribe","topic":"café"}"#, 1008),
        (r#"{"type":"subscribe","topic":"caf\u00e9"}"#, 1008),
        (r#"{"type":"d\u0061nce"}"#, 1007),
    ] {
        let mut device = TestDevice::open(&node, "d1").await;
        device.send_text(text).await;
        if code != 0 {
            assert_eq!(device.close_code().await, Some(code), "{text}");
            continue;
        }
        device.ping(b"subscribed").await;
        let published = node
            .post("/topics/room-1/messages", json!({"body": 1}))
            .await;
        assert_eq!(published.json()["subscribers_here"], json!(1), "{text}");
        assert_eq!(device.frame().await["topic"], json!("room-1"));
    }
    TestDevice::open(&node, "d2").await.reply_to_all();
    let json = [("content-type", "application/json")];
    let body = Bytes::from_static(br#"{"n\u0061me":"re\u0061d","body":"\u0061"}"#);
    let path = "/devices/d2/commands";
    let response = http_request(node.address, "POST", path, &json, body).await;
    assert_eq!(response.json()["body"], json!("a"), "{response:?}");
}

#[tokio::test]
async fn caller_that_does_not_accept_events_gets_json() {
    let node = TestNode::standalone();
    TestDevice::open(&node, "d1").await.reply_to_all();
    for (accept, kind) in [
        ("text/event-stream", "text/event-stream"),
        ("text/event-stream;q=0", "application/json"),
        (
            "text/event-stream;q=0.1, application/json",
            "application/json",
        ),
        ("*/*", "application/json"),
    ] {
        let headers = [("accept", accept)];
        let body = json!({"name": "read", "body": 1});
        let response = node.post_with("/devices/d1/commands", &headers, body).await;
        assert_eq!(response.header("content-type"), kind, "{accept}");
    }
}

#[tokio::test]
async fn registered_close_codes_of_a_device_are_echoed() {
    use futures_util::SinkExt;
    use tokio_tungstenite::tungstenite::{
        Message,
        protocol::frame::{
            Frame, FrameHeader,
            coding::{Control, OpCode},
        },
    };
    let node = TestNode::standalone();
    for (code, expected) in [
        (1000_u16, 1000),
        (1001, 1001),
        (1012, 1012),
        (1014, 1014),
        (3000, 3000),
        (4999, 4999),
        (1005, 1002),
        (1016, 1002),
        (5000, 1002),
    ] {
        let mut device = TestDevice::open(&node, "d1").await;
        let header = FrameHeader {
            opcode: OpCode::Control(Control::Close),
            ..FrameHeader::default()
        };
        let close = Frame::from_payload(header, code.to_be_bytes().to_vec().into());
        device.socket.send(Message::Frame(close)).await.unwrap();
        // The client's library knows fewer codes than are registered.
        let closed = match device.close_code().await {
            Some(1002) if expected == 1014 => Some(1014),
            closed => closed,
        };
        assert_eq!(closed, Some(expected), "{code}");
    }
    until("every socket has ended", async || {
        node.metric("highwater_sockets").await == 0.0
    })
    .await;
}
