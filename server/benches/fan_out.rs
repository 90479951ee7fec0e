//! The cost of a delivery: one message to the subscribers of a topic. The reference is the
//! same bytes written to as many plain TCP sockets in the same run.
//!
//! Elements are deliveries, so that criterion shows deliveries a second. They include both
//! ends and the kernel, on all cores of the machine.

#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot be set up should stop"
)]

use std::{net::SocketAddr, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use highwater_server::{NodeConfig, listen, node};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

const SUBSCRIBERS: usize = 1000;
/// The bytes of a message's text.
const BODY: usize = 128;

/// The subscribers' sockets. Each reports when it has read one message.
struct SubscriberSockets {
    received: mpsc::Receiver<()>,
}

/// Listens on a free port of this machine.
fn listener() -> TcpListener {
    listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap()
}

fn body() -> String {
    format!("\"{}\"", "x".repeat(BODY))
}

/// Returns a message as sent: two bytes of header, two of length, the text.
fn frame() -> Vec<u8> {
    let text = format!(r#"{{"type":"message","topic":"t","body":{}}}"#, body());
    let length = u16::try_from(text.len()).unwrap().to_be_bytes();
    [&[0x81, 126], &length[..], text.as_bytes()].concat()
}

impl SubscriberSockets {
    fn spawn(sockets: Vec<TcpStream>) -> Self {
        let (received_tx, received) = mpsc::channel(SUBSCRIBERS);
        for mut socket in sockets {
            let received_tx = received_tx.clone();
            tokio::spawn(async move {
                let expected = frame();
                let mut frame_bytes = vec![0; expected.len()];
                while socket.read_exact(&mut frame_bytes).await.is_ok() {
                    // A bench of wrong bytes would measure nothing.
                    assert_eq!(frame_bytes, expected);
                    received_tx.send(()).await.unwrap();
                }
            });
        }
        Self { received }
    }

    async fn wait_all_received(&mut self) {
        for _ in 0..SUBSCRIBERS {
            self.received.recv().await.unwrap();
        }
    }
}

/// Returns a text frame of a client, masked with zeros.
fn masked_text_frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    // A longer frame has its length in two more bytes (RFC 6455, section 5.2).
    assert!(length < 126);
    [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat()
}

async fn subscriber(node: SocketAddr, number: usize) -> TcpStream {
    let mut stream = TcpStream::connect(node).await.unwrap();
    let request = format!(
        "GET /ws?device=d{number} HTTP/1.1\r\nHost: b\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let subscribe = masked_text_frame(r#"{"type":"subscribe","topic":"t"}"#);
    stream.write_all(&subscribe).await.unwrap();
    // A masked ping "hw": its pong comes after the subscription, since frames are handled
    // in order.
    stream
        .write_all(&[0x89, 0x82, 0, 0, 0, 0, b'h', b'w'])
        .await
        .unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(&[0x8a, 0x02, b'h', b'w']) {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
    }
    stream
}

/// A keep-alive connection over which messages are published.
struct BenchPublisher(TcpStream);

impl BenchPublisher {
    async fn publish(&mut self) {
        let body = format!(r#"{{"body":{}}}"#, body());
        let request = format!(
            "POST /topics/t/messages HTTP/1.1\r\nHost: b\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // The JSON body is the end of the answer.
        while !answer.ends_with(b"}") {
            assert_ne!(self.0.read_buf(&mut answer).await.unwrap(), 0);
        }
        assert!(answer.starts_with(b"HTTP/1.1 202"));
    }
}

async fn via_node() -> (BenchPublisher, SubscriberSockets) {
    let listener = listener();
    let address = listener.local_addr().unwrap();
    let config = NodeConfig::new("n1".parse().unwrap());
    tokio::spawn(node::run(listener, config, CancellationToken::new()));
    let mut sockets = Vec::new();
    for number in 0..SUBSCRIBERS {
        sockets.push(subscriber(address, number).await);
    }
    let caller = BenchPublisher(TcpStream::connect(address).await.unwrap());
    (caller, SubscriberSockets::spawn(sockets))
}

async fn via_plain_tcp() -> (Vec<TcpStream>, SubscriberSockets) {
    let listener = listener();
    let address = listener.local_addr().unwrap();
    let (mut writers, mut readers) = (Vec::new(), Vec::new());
    for _ in 0..SUBSCRIBERS {
        readers.push(TcpStream::connect(address).await.unwrap());
        let (writer, _) = listener.accept().await.unwrap();
        // As a node does for its sockets.
        writer.set_nodelay(true).unwrap();
        writers.push(writer);
    }
    (writers, SubscriberSockets::spawn(readers))
}

fn fan_out(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let (mut writers, mut readers) = runtime.block_on(via_plain_tcp());
    let (mut caller, mut subscribers) = runtime.block_on(via_node());
    let frame = frame();
    let mut group = criterion.benchmark_group("fan-out to 1000");
    group.throughput(Throughput::Elements(SUBSCRIBERS as u64));
    group.measurement_time(Duration::from_secs(5));
    group.bench_function("plain tcp", |b| {
        b.iter(|| {
            runtime.block_on(async {
                for writer in &mut writers {
                    writer.write_all(&frame).await.unwrap();
                }
                readers.wait_all_received().await;
            });
        });
    });
    group.bench_function("a topic", |b| {
        b.iter(|| {
            runtime.block_on(async {
                caller.publish().await;
                subscribers.wait_all_received().await;
            });
        });
    });
    group.finish();
}

criterion_group!(benches, fan_out);
criterion_main!(benches);
