//! Admission control: accepted connections, and the routes that a full node still serves.

use std::{
    io::{Read, Write},
    net::SocketAddr,
    sync::mpsc,
    thread,
    time::Duration,
};

use bytes::Bytes;
use futures_util::SinkExt;
use highwater_server::{ListenSockets, NodeConfig, NodeLimits, listen, node};
use serde_json::json;
use tokio::{net::TcpStream, task::JoinHandle};
use tokio_tungstenite::tungstenite::{
    Error, Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};
use tokio_util::sync::CancellationToken;

use crate::rig::{
    TestDevice, TestNode, any_port, config, connect_from, http_request, quick_limits, raw_exchange,
    until,
};

fn limited(limits: NodeLimits) -> NodeConfig {
    NodeConfig {
        limits,
        ..config("n1")
    }
}

/// Returns the status and the `Retry-After` of a rejected device.
async fn open_rejected(node: &TestNode, device: &str) -> (u16, String) {
    match TestDevice::try_open(node, device).await.map(|_| ()) {
        Err(error) => match *error {
            Error::Http(response) => {
                let retry = response.headers().get("retry-after");
                let retry = retry.map_or("", |value| value.to_str().unwrap());
                (response.status().as_u16(), retry.to_owned())
            }
            other => panic!("{other}"),
        },
        Ok(()) => panic!("{device} was accepted"),
    }
}

/// Asserts that clients which are rejected together do not return together.
#[track_caller]
fn assert_rejected_for_seconds((status, retry): (u16, String), expected: u16) {
    assert_eq!(status, expected);
    let wait: u32 = retry.parse().unwrap();
    assert!((5..=10).contains(&wait), "{wait}");
}

#[tokio::test]
async fn sockets_above_the_limit_are_rejected() {
    let node = TestNode::start(limited(NodeLimits {
        max_sockets: Some(2),
        ..quick_limits()
    }));
    let mut first = TestDevice::open(&node, "d1").await;
    let mut second = TestDevice::open(&node, "d2").await;
    assert_rejected_for_seconds(open_rejected(&node, "d3").await, 503);
    let metrics = node.get("/metrics").await.text();
    assert!(metrics.contains("highwater_upgrades_rejected_total{reason=\"at_capacity\"} 1"));
    // A close by the device frees its permit once the node has read it.
    first.socket.close(None).await.unwrap();
    until("a connection is accepted again", async || {
        TestDevice::try_open(&node, "d3").await.is_ok()
    })
    .await;
    second.ping(b"still in").await;
    // A request that is not an upgrade takes no permit.
    for _ in 0..5 {
        assert_eq!(node.get("/ws?device=d9").await.status, 400);
    }
}

#[tokio::test]
async fn upgrades_above_the_rate_are_rejected() {
    let node = TestNode::start(limited(NodeLimits {
        upgrade_rate: Some("1/s".parse().unwrap()),
        upgrade_burst: Some(3),
        ..quick_limits()
    }));
    let mut open = Vec::new();
    let (status, retry) = loop {
        match TestDevice::try_open(&node, &format!("d{}", open.len())).await {
            Ok(device) => open.push(device),
            Err(error) => match *error {
                Error::Http(response) => {
                    let retry = response.headers()["retry-after"].to_str().unwrap();
                    break (response.status().as_u16(), retry.to_owned());
                }
                other => panic!("{other}"),
            },
        }
    };
    assert!(open.len() >= 3, "{} were accepted", open.len());
    assert_eq!((status, retry.as_str()), (503, "1"));
    for device in &mut open {
        device.ping(b"still in").await;
    }
}

/// Opens sockets one after the other, and sends the status of each, until the receiver is dropped.
fn send_upgrades(node: SocketAddr, statuses: &mpsc::Sender<u16>) {
    loop {
        let mut stream = std::net::TcpStream::connect(node).unwrap();
        let request = "GET /ws?device=d1 HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\n\
                       Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        let status = std::str::from_utf8(&head["HTTP/1.1 ".len()..]).unwrap();
        if statuses.send(status.parse().unwrap()).is_err() {
            return;
        }
        // The next request comes while the node is busy again.
        #[expect(clippy::disallowed_methods, reason = "a thread without a runtime")]
        thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test]
async fn busy_node_rejects_sockets_until_it_has_caught_up() {
    let node = TestNode::start(limited(NodeLimits {
        upgrade_delay: Some(Duration::from_millis(10)),
        ..quick_limits()
    }));
    let (sender, statuses) = mpsc::channel();
    let address = node.address;
    let client = thread::spawn(move || send_upgrades(address, &sender));
    until("a busy node rejects sockets", async || {
        // The node runs on this thread: while it sleeps, requests wait.
        #[expect(clippy::disallowed_methods, reason = "blocks the node")]
        thread::sleep(Duration::from_millis(60));
        statuses.try_iter().any(|status| status == 503)
    })
    .await;
    drop(statuses);
    let metrics = node.get("/metrics").await.text();
    assert!(metrics.contains("highwater_upgrades_rejected_total{reason=\"overloaded\"}"));
    assert!(!metrics.contains("highwater_upgrades_rejected_total{reason=\"overloaded\"} 0"));
    until("the node accepts sockets again", async || {
        TestDevice::try_open(&node, "d2").await.is_ok()
    })
    .await;
    until("the client has ended", async || client.is_finished()).await;
    client.join().unwrap();
}

/// A node with an admin listener.
pub(super) struct NodeWithAdmin {
    pub(super) public: SocketAddr,
    pub(super) admin: SocketAddr,
    _task: JoinHandle<()>,
}

impl NodeWithAdmin {
    pub(super) fn start(config: NodeConfig) -> Self {
        let (public, admin) = (listen(any_port()).unwrap(), listen(any_port()).unwrap());
        let addresses = (public.local_addr().unwrap(), admin.local_addr().unwrap());
        let listeners = ListenSockets {
            public,
            admin: Some(admin),
        };
        let running = node::run(listeners, config, CancellationToken::new());
        Self {
            public: addresses.0,
            admin: addresses.1,
            _task: tokio::spawn(async { running.await.unwrap() }),
        }
    }

    pub(super) async fn metrics(&self) -> String {
        let response = http_request(self.admin, "GET", "/metrics", &[], Bytes::new());
        response.await.text()
    }

    async fn status(&self, at: SocketAddr, path: &str) -> u16 {
        let response = http_request(at, "GET", path, &[], Bytes::new());
        response.await.status.as_u16()
    }
}

#[tokio::test]
async fn admin_paths_are_on_the_admin_listener_only() {
    let node = NodeWithAdmin::start(config("n1"));
    for path in ["/healthz", "/readyz", "/metrics", "/nodes"] {
        assert_eq!(node.status(node.admin, path).await, 200, "{path}");
        assert_eq!(node.status(node.public, path).await, 404, "{path}");
    }
    assert_eq!(node.status(node.admin, "/devices/d1").await, 404);
    assert_eq!(node.status(node.public, "/devices/d1").await, 200);
    let json = [("content-type", "application/json")];
    let drained = http_request(node.admin, "POST", "/admin/drain", &json, Bytes::new()).await;
    assert_eq!(drained.status, 202);
}

#[tokio::test]
async fn admin_listener_serves_when_connections_have_run_out() {
    let node = NodeWithAdmin::start(limited(NodeLimits {
        max_connections: Some(4),
        ..quick_limits()
    }));
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(TcpStream::connect(node.public).await.unwrap());
    }
    until("further connections are rejected", async || {
        let response = http_request(node.public, "GET", "/devices/d", &[], Bytes::new()).await;
        response.status == 503 && response.header("retry-after") == "1"
    })
    .await;
    assert_eq!(node.status(node.admin, "/healthz").await, 200);
    let metrics = node.metrics().await;
    assert!(!metrics.contains("highwater_connections_rejected_total{reason=\"at_capacity\"} 0"));
    drop(held);
    until("a connection is accepted again", async || {
        node.status(node.public, "/devices/d").await == 200
    })
    .await;
}

#[tokio::test]
async fn idle_connections_of_one_address_shut_out_no_other() {
    let node = NodeWithAdmin::start(limited(NodeLimits {
        connections_per_address: Some(2),
        ..quick_limits()
    }));
    let connect = async |from: &str| connect_from(from, node.public).await;
    let held = [connect("127.0.0.2").await, connect("127.0.0.2").await];
    let status = async |from: &str| {
        let request = "GET /devices/d HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
        raw_exchange(connect(from).await, request).await[9..12].to_owned()
    };
    assert_eq!(status("127.0.0.2").await, "503");
    assert_eq!(status("127.0.0.3").await, "200");
    let metrics = node.metrics().await;
    assert!(metrics.contains("highwater_connections_rejected_total{reason=\"address_limit\"} 1"));
    drop(held);
    until(
        "a connection of the address is accepted again",
        async || status("127.0.0.2").await == "200",
    )
    .await;
}

#[tokio::test]
async fn sockets_of_one_address_have_a_limit() {
    let node = TestNode::start(limited(NodeLimits {
        sockets_per_address: Some(2),
        ..quick_limits()
    }));
    let mut first = TestDevice::open(&node, "d1").await;
    let mut second = TestDevice::open(&node, "d2").await;
    assert_rejected_for_seconds(open_rejected(&node, "d3").await, 429);
    let metrics = node.get("/metrics").await.text();
    assert!(metrics.contains("highwater_upgrades_rejected_total{reason=\"address_limit\"} 1"));
    first.socket.close(None).await.unwrap();
    until("a socket is accepted again", async || {
        TestDevice::try_open(&node, "d3").await.is_ok()
    })
    .await;
    second.ping(b"still in").await;
}

#[tokio::test]
async fn device_sockets_count_as_connections() {
    let node = NodeWithAdmin::start(limited(NodeLimits {
        max_connections: Some(2),
        ..quick_limits()
    }));
    let open = async |id: &str| {
        let url = format!("ws://{}/ws?device={id}", node.public);
        tokio_tungstenite::connect_async(url).await
    };
    let first = open("d1").await.unwrap();
    let second = open("d2").await.unwrap();
    until("a third socket is rejected", async || {
        open("d3").await.is_err()
    })
    .await;
    drop(first);
    until("a connection is accepted again", async || {
        open("d3").await.is_ok()
    })
    .await;
    drop(second);
}

#[tokio::test]
async fn slow_device_is_closed_at_the_total_write_queue_limit() {
    let node = TestNode::start(limited(NodeLimits {
        // No limit of a single device: only the total one can close it.
        write_queue_frames: 100_000,
        write_queue_bytes: 1 << 30,
        total_write_queue_bytes: 1 << 20,
        ..quick_limits()
    }));
    let mut slow = TestDevice::open(&node, "slow").await;
    let mut good = TestDevice::open(&node, "good").await;
    for device in [&mut slow, &mut good] {
        device
            .send(json!({"type": "subscribe", "topic": "t"}))
            .await;
        device.ping(b"subscribed").await;
    }
    let body = json!({"body": "x".repeat(60_000)});
    // The kernel's buffers take some megabytes before anything waits in the node.
    until("the slow device is closed", async || {
        let sent = node.post("/topics/t/messages", body.clone()).await.json();
        assert_eq!(good.frame().await["type"], "message");
        sent["subscribers_here"] == 1
    })
    .await;
    assert_eq!(slow.close_code().await, Some(1013));
    good.ping(b"still in").await;
    until("the write queues are empty", async || {
        node.metric("highwater_write_queue_bytes").await == 0.0
    })
    .await;
}

#[tokio::test]
async fn partial_messages_of_all_devices_have_a_common_limit() {
    let node = TestNode::start(limited(NodeLimits {
        // Between one and two of the partial messages below.
        partial_message_bytes: 1_500,
        ..quick_limits()
    }));
    let fragment = |text: String, kind, last| {
        Message::Frame(Frame::message(text.into_bytes(), OpCode::Data(kind), last))
    };
    let begun = || {
        let body = "x".repeat(1_000);
        let text = format!(r#"{{"type":"reply","id":"c0","body":"{body}"#);
        fragment(text, Data::Text, false)
    };
    let mut first = TestDevice::open(&node, "first").await;
    first.socket.send(begun()).await.unwrap();
    first.ping(b"between").await;
    assert!(node.metric("highwater_partial_message_bytes").await >= 1_000.0);
    let mut second = TestDevice::open(&node, "second").await;
    second.socket.send(begun()).await.unwrap();
    assert_eq!(second.close_code().await, Some(1013));
    let metrics = node.get("/metrics").await.text();
    assert!(metrics.contains("highwater_sockets_closed_total{reason=\"partial_message_limit\"}"));

    // The first device can still complete its message.
    let rest = fragment("\"}".to_owned(), Data::Continue, true);
    first.socket.send(rest).await.unwrap();
    first.ping(b"still in").await;
    assert_eq!(node.metric("highwater_partial_message_bytes").await, 0.0);
}
