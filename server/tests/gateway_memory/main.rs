//! The heap of an idle forwarded socket: live bytes of the allocator, which are the same on
//! any machine. Gateway and node run in this process, and the devices are blocking sockets
//! without buffers. So the heap grows only by the memory of both servers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use highwater_server::{BrokerConfig, GatewayConfig, NodeConfig, broker, gateway, listen, node};
use tikv_jemalloc_ctl::{epoch, stats};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const SOCKETS: usize = 1500;
/// The limit in bytes for each idle socket: 2 KiB for the node, as in `tests/memory`, and 2
/// KiB for the gateway.
const LIMIT_BYTES: usize = 2048 + 2048;

fn live_bytes() -> usize {
    epoch::advance().unwrap();
    stats::allocated::read().unwrap()
}

/// Sends a GET and returns the connection; `None` if the answer does not begin with
/// `expected`.
fn get_expecting(
    address: SocketAddr,
    path: &str,
    fields: &str,
    expected: &[u8],
) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: t\r\n{fields}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = [0; 1024];
    let read = stream.read(&mut answer).unwrap();
    answer[..read].starts_with(expected).then_some(stream)
}

fn open(gateway: SocketAddr, device: usize) -> TcpStream {
    let fields = "Connection: Upgrade\r\nUpgrade: websocket\r\n\
                  Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let path = format!("/ws?device=device-{device}");
    let mut stream = get_expecting(gateway, &path, fields, b"HTTP/1.1 101").unwrap();
    ping(&mut stream);
    stream
}

/// Sends a ping and waits for its pong. Afterwards the socket's tasks run, and are idle.
fn ping(stream: &mut TcpStream) {
    stream.write_all(&[0x89, 0x80, 0, 0, 0, 0]).unwrap();
    let mut pong = [0; 2];
    stream.read_exact(&mut pong).unwrap();
    assert_eq!(pong, [0x8a, 0]);
}

/// Starts a broker, a node and a gateway in front of it. Returns the gateway's address.
fn start() -> SocketAddr {
    let any = || listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let broker_listener = any();
    let backplane: String = format!("local://{}", broker_listener.local_addr().unwrap());
    tokio::spawn(broker::run(
        broker_listener,
        BrokerConfig::default(),
        CancellationToken::new(),
    ));
    let mut config = NodeConfig::new("n1".parse().unwrap());
    config.backplane = Some(backplane.parse().unwrap());
    tokio::spawn(node::run(any(), config, CancellationToken::new()));
    let config = GatewayConfig::new("g1".parse().unwrap(), backplane.parse().unwrap());
    let listener = any();
    let address = listener.local_addr().unwrap();
    tokio::spawn(gateway::run(listener, config, CancellationToken::new()));
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_forwarded_socket_is_cheap() {
    let gateway = start();
    let per_socket = tokio::task::spawn_blocking(move || {
        // Polls until the gateway has discovered its node. Each poll waits for an answer.
        while get_expecting(gateway, "/readyz", "Connection: close\r\n", b"HTTP/1.1 200").is_none()
        {
        }
        let mut sockets = Vec::with_capacity(SOCKETS + 100);
        sockets.extend((0..100).map(|device| open(gateway, device)));
        let before = live_bytes();
        sockets.extend((100..100 + SOCKETS).map(|device| open(gateway, device)));
        sockets.iter_mut().for_each(ping);
        live_bytes().saturating_sub(before) / SOCKETS
    });
    let per_socket = per_socket.await.unwrap();
    println!("{per_socket} bytes of heap per idle forwarded socket, node and gateway");
    assert!(
        per_socket > 0 && per_socket <= LIMIT_BYTES,
        "{per_socket} bytes"
    );
}
