//! The heap of an idle device socket: live bytes of the allocator, which are the same on any
//! machine. The devices are plain blocking sockets, so the heap grows by what the node keeps.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use highwater_server::{AuthConfig, NodeConfig, NodeLimits, listen, node};
use jwt_compact::{
    AlgorithmExt, Claims, Header, TimeOptions,
    alg::{Hs256, Hs256Key},
};
use serde_json::json;
use tikv_jemalloc_ctl::{epoch, stats};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const SOCKETS: usize = 2000;
/// Sockets that are opened before the measurement, for the memory that a node takes once.
const WARMUP_SOCKETS: usize = 100;
const SECRET: &str = "an-example-secret-of-32-bytes-ok";

/// The features of a socket beside being idle.
struct SocketCase {
    name: &'static str,
    config: NodeConfig,
    /// The token of each device.
    token: Option<String>,
    /// The topic that each device subscribes to.
    topic: Option<&'static str>,
    /// Whether the sockets are STOMP sessions, which subscribe to a topic.
    is_stomp: bool,
    /// The most bytes per idle socket. The node as a whole may take more.
    limit: usize,
}

impl SocketCase {
    fn open(&self, node: SocketAddr, device: usize) -> TcpStream {
        let mut stream = TcpStream::connect(node).unwrap();
        // Two frames in a row would wait for each other.
        stream.set_nodelay(true).unwrap();
        let token = self.token.as_deref().unwrap_or_default();
        let path = match self.is_stomp {
            true => "/stomp".to_owned(),
            false => format!("/ws?device=device-{device}"),
        };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Authorization: Bearer {token}\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = [0; 1024];
        let read = stream.read(&mut answer).unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 101"));
        if let Some(topic) = self.topic {
            let text = json!({"type": "subscribe", "topic": topic}).to_string();
            send_text(&mut stream, &text);
        }
        if self.is_stomp {
            start_session(&mut stream, device);
        }
        ping(&mut stream);
        stream
    }

    /// Returns the bytes of heap per idle socket.
    fn measure(&self, node: SocketAddr) -> usize {
        let mut sockets = Vec::with_capacity(WARMUP_SOCKETS + SOCKETS);
        sockets.extend((0..WARMUP_SOCKETS).map(|device| self.open(node, device)));
        let before = live_bytes();
        sockets.extend(
            (WARMUP_SOCKETS..WARMUP_SOCKETS + SOCKETS).map(|device| self.open(node, device)),
        );
        sockets.iter_mut().for_each(ping);
        let per_socket = live_bytes().saturating_sub(before) / SOCKETS;
        drop(sockets);
        // Memory that these sockets free must not count for the next node.
        while !metrics(node).contains("\nhighwater_sockets 0\n") {}
        per_socket
    }
}

fn live_bytes() -> usize {
    // jemalloc caches its statistics until the epoch advances.
    epoch::advance().unwrap();
    stats::allocated::read().unwrap()
}

/// Opens a STOMP session with a subscription.
fn start_session(stream: &mut TcpStream, user: usize) {
    let connect =
        format!("CONNECT\naccept-version:1.2\nhost:t\nlogin:user-{user}\nheart-beat:0,10000\n\n\0");
    send_text(stream, &connect);
    let mut head = [0; 2];
    stream.read_exact(&mut head).unwrap();
    // One text frame with a short length.
    assert!(head[0] == 0x81 && head[1] <= 126, "{head:?}");
    let mut length = u16::from(head[1]);
    if length == 126 {
        let mut long = [0; 2];
        stream.read_exact(&mut long).unwrap();
        length = u16::from_be_bytes(long);
    }
    let mut connected = vec![0; length.into()];
    stream.read_exact(&mut connected).unwrap();
    assert!(connected.starts_with(b"CONNECTED\n"), "{connected:?}");
    send_text(
        stream,
        "SUBSCRIBE\nid:sub-0\ndestination:/topic/news\nack:client\n\n\0",
    );
}

/// Sends a final text frame with an empty mask (RFC 6455, section 5.2).
fn send_text(stream: &mut TcpStream, text: &str) {
    let head = [0x81, 0x80 | text.len() as u8, 0, 0, 0, 0];
    stream
        .write_all(&[&head, text.as_bytes()].concat())
        .unwrap();
}

/// Makes a round trip, after which the steady task has started and is idle again.
fn ping(stream: &mut TcpStream) {
    // A masked ping without a payload, and its pong.
    stream.write_all(&[0x89, 0x80, 0, 0, 0, 0]).unwrap();
    let mut pong = [0; 2];
    stream.read_exact(&mut pong).unwrap();
    assert_eq!(pong, [0x8a, 0]);
}

/// Returns the metrics of the node.
fn metrics(node: SocketAddr) -> String {
    let mut stream = TcpStream::connect(node).unwrap();
    let request = format!(
        "GET /metrics HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\
         Authorization: Bearer {SECRET}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Returns a node with a long timeout, so that a busy machine ends no socket.
fn config() -> NodeConfig {
    NodeConfig {
        limits: NodeLimits {
            idle_timeout: Duration::from_secs(3600),
            ..NodeLimits::default()
        },
        ..NodeConfig::new("n1".parse().unwrap())
    }
}

fn plain() -> SocketCase {
    SocketCase {
        name: "nothing else",
        config: config(),
        token: None,
        topic: None,
        is_stomp: false,
        limit: 2048,
    }
}

fn with_token_and_topic() -> SocketCase {
    let times = TimeOptions::default();
    let claims = Claims::new(json!({"sub": "anna", "devices": ["*"]}))
        .set_duration_and_issuance(&times, chrono::Duration::hours(1));
    let key = Hs256Key::new(SECRET);
    SocketCase {
        name: "a token and a topic",
        config: NodeConfig {
            auth: Some(AuthConfig::required(SECRET.parse().unwrap())),
            // The node's metrics need it, because its clients need tokens.
            admin_token: Some(SECRET.parse().unwrap()),
            ..config()
        },
        token: Some(Hs256.token(&Header::empty(), &claims, &key).unwrap()),
        topic: Some("news"),
        is_stomp: false,
        limit: 2048,
    }
}

#[cfg(feature = "stomp")]
fn with_stomp() -> SocketCase {
    let mut config = config();
    // No heart-beat falls into the round trips of the test.
    config.limits.stomp.heart_beat = Duration::from_secs(3600);
    SocketCase {
        name: "a STOMP session",
        config,
        token: None,
        topic: None,
        is_stomp: true,
        limit: 2048,
    }
}

/// Measures one case after the other, because there is one heap.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_socket_stays_within_its_bytes() {
    let cases = [
        plain(),
        with_token_and_topic(),
        #[cfg(feature = "stomp")]
        with_stomp(),
    ];
    for case in cases {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let running = node::run(listener, case.config.clone(), CancellationToken::new());
        let running = tokio::spawn(running);
        let (name, limit) = (case.name, case.limit);
        let per_socket = tokio::task::spawn_blocking(move || case.measure(address));
        let per_socket = per_socket.await.unwrap();
        println!("{per_socket} bytes of heap per idle socket with {name}");
        assert!(
            per_socket > 0 && per_socket <= limit,
            "{name}: {per_socket}"
        );
        running.abort();
    }
}
