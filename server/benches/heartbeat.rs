//! The cost of a heartbeat at the server: a ping and its pong on a device socket. The
//! reference is the same bytes over plain TCP in the same run.

#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot be set up should stop"
)]

use std::net::SocketAddr;

use criterion::{Criterion, criterion_group, criterion_main};
use highwater_server::{NodeConfig, listen, node};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tokio_util::sync::CancellationToken;

/// A masked ping of two bytes, and its pong.
const PING: [u8; 8] = [0x89, 0x82, 0, 0, 0, 0, b'h', b'w'];
const PONG: [u8; 4] = [0x8a, 0x02, b'h', b'w'];

/// Listens on a free port of this machine.
fn listener() -> TcpListener {
    listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap()
}

async fn device(node: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(node).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let request = "GET /ws?device=d HTTP/1.1\r\nHost: b\r\nConnection: Upgrade\r\n\
                   Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // The head is the whole answer: a 101 has no content (RFC 9110, section 6.4.1).
    while !answer.ends_with(b"\r\n\r\n") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"));
    stream
}

async fn echo() -> TcpStream {
    let listener = listener();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // As a node does for its sockets: the reference must not wait for acknowledgements.
        stream.set_nodelay(true).unwrap();
        let mut ping = [0; PING.len()];
        while stream.read_exact(&mut ping).await.is_ok() {
            stream.write_all(&PONG).await.unwrap();
        }
    });
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

async fn ping_pong(stream: &mut TcpStream) {
    stream.write_all(&PING).await.unwrap();
    let mut pong = [0; PONG.len()];
    stream.read_exact(&mut pong).await.unwrap();
    assert_eq!(pong, PONG);
}

fn heartbeat(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let (mut device, mut echo) = runtime.block_on(async {
        let listener = listener();
        let address = listener.local_addr().unwrap();
        let mut config = NodeConfig::new("n1".parse().unwrap());
        // The bench pings as fast as it gets answers.
        config.limits.frames_per_s = u16::MAX;
        tokio::spawn(node::run(listener, config, CancellationToken::new()));
        (device(address).await, echo().await)
    });
    let mut group = criterion.benchmark_group("heartbeat");
    group.bench_function("tcp ping-pong", |b| {
        b.iter(|| runtime.block_on(ping_pong(&mut echo)))
    });
    group.bench_function("websocket ping-pong", |b| {
        b.iter(|| runtime.block_on(ping_pong(&mut device)))
    });
    group.finish();
}

criterion_group!(benches, heartbeat);
criterion_main!(benches);
