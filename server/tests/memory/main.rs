//! What an idle device socket costs in heap: live bytes of the allocator, which
//! are the same on any machine. The devices are plain blocking sockets, so all
//! that the heap gains is the node's.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use highwater_server::{NodeConfig, listen, node};
use tikv_jemalloc_ctl::{epoch, stats};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const SOCKETS: usize = 2000;
/// Per idle socket, in bytes; the node as a whole is allowed 3 KiB.
const LIMIT: usize = 2048;

fn live_bytes() -> usize {
    epoch::advance().unwrap();
    stats::allocated::read().unwrap()
}

fn open(node: SocketAddr, device: usize) -> TcpStream {
    let mut stream = TcpStream::connect(node).unwrap();
    let request = format!(
        "GET /ws?device=device-{device} HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = [0; 1024];
    let read = stream.read(&mut answer).unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 101"));
    beat(&mut stream);
    stream
}

/// A round trip: the steady task has started and is idle again.
fn beat(stream: &mut TcpStream) {
    stream.write_all(&[0x89, 0x80, 0, 0, 0, 0]).unwrap();
    let mut pong = [0; 2];
    stream.read_exact(&mut pong).unwrap();
    assert_eq!(pong, [0x8a, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_socket_is_cheap() {
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let config = NodeConfig::new("n1".parse().unwrap());
    tokio::spawn(node::run(listener, config, CancellationToken::new()));
    let per_socket = tokio::task::spawn_blocking(move || {
        let mut sockets = Vec::with_capacity(SOCKETS + 100);
        sockets.extend((0..100).map(|device| open(address, device)));
        let before = live_bytes();
        sockets.extend((100..100 + SOCKETS).map(|device| open(address, device)));
        sockets.iter_mut().for_each(beat);
        live_bytes().saturating_sub(before) / SOCKETS
    });
    let per_socket = per_socket.await.unwrap();
    println!("{per_socket} bytes of heap per idle socket");
    assert!(per_socket > 0 && per_socket <= LIMIT, "{per_socket} bytes");
}
