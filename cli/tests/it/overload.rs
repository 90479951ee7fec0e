//! A cluster of real processes whose broker stops and whose nodes get little CPU.
//!
//! No socket may be closed by it, a node's own devices must be served throughout, and all
//! devices must be found again afterwards.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use highwater_services::{NatsService, RedisOptions, RedisService, Service};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, client};

use crate::{
    harness::{ask, eventually},
    server::ServerProcess,
};

const NODES: usize = 4;
/// The time for which the broker stops.
const BROKER_STOP: Duration = Duration::from_secs(8);
/// The time for which the nodes get a tenth of a core each.
const STARVED: Duration = Duration::from_secs(15);
/// The turn of a starved node, and the part of it in which it runs.
const TURN: Duration = Duration::from_millis(100);
const RUNS: Duration = Duration::from_millis(10);

/// The nodes, with their idle sockets.
struct Cluster {
    nodes: Vec<ServerProcess>,
    sockets: Vec<TcpStream>,
}

impl Cluster {
    fn start(backplane: &str, sockets: usize) -> Self {
        let start = |number: usize| {
            ServerProcess::node_with(&format!("n{number}"), &["--backplane", backplane])
        };
        let nodes: Vec<_> = (0..NODES).map(start).collect();
        let mut cluster = Self {
            nodes,
            sockets: Vec::new(),
        };
        cluster.wait_until_ready();
        for number in 0..sockets {
            let node = &cluster.nodes[number % NODES];
            cluster
                .sockets
                .push(open_idle(&node.address, &format!("idle{number}")));
        }
        for (number, node) in cluster.nodes.iter().enumerate() {
            reply_to_commands(&node.address, &format!("own{number}"));
        }
        cluster.wait_until_registered();
        cluster
    }

    fn wait_until_ready(&self) {
        for node in &self.nodes {
            eventually("the node is ready", || {
                get(&node.address, "/readyz")
                    .starts_with("HTTP/1.1 200")
                    .then_some(())
            });
        }
    }

    /// Waits until the slot owners have all devices, and each node knows all members.
    fn wait_until_registered(&self) {
        let expected = self.sockets.len() + NODES;
        eventually("all devices are registered", || {
            let entries = self.sum("highwater_directory_entries");
            let unregistered = self.sum("highwater_unregistered_sockets");
            (entries == expected && unregistered == 0).then_some(())
        });
        // From every node to every other one.
        for node in &self.nodes {
            for number in 0..NODES {
                eventually("a device of another node is reached", || {
                    command(&node.address, &format!("own{number}")).then_some(())
                });
            }
        }
    }

    fn sum(&self, metric: &str) -> usize {
        let of_node = |node: &ServerProcess| {
            let text = get(&node.address, "/metrics");
            let line = text.lines().find_map(|line| {
                let value = line.strip_prefix(metric)?.strip_prefix(' ')?;
                value.parse::<f64>().ok()
            });
            line.map_or(usize::MAX / NODES, |value| value as usize)
        };
        self.nodes.iter().map(of_node).sum()
    }

    /// Runs `disturb` while each node is asked for its own device again and again, and
    /// asserts that every command is answered.
    fn command_during(&self, disturb: impl FnOnce()) {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let callers: Vec<_> = self
                .nodes
                .iter()
                .enumerate()
                .map(|(number, node)| {
                    let (is_over, address) = (&is_over, &node.address);
                    scope.spawn(move || {
                        let mut replies = 0;
                        while !is_over.load(Relaxed) {
                            assert!(
                                command(address, &format!("own{number}")),
                                "command {replies} at node {number}"
                            );
                            replies += 1;
                            pause(Duration::from_millis(50));
                        }
                        replies
                    })
                })
                .collect();
            disturb();
            is_over.store(true, Relaxed);
            for caller in callers {
                assert!(caller.join().expect("commands are answered") > 0);
            }
        });
    }

    /// Lets each node run for a tenth of the time.
    fn starve(&self) {
        let started = Instant::now();
        while started.elapsed() < STARVED {
            self.nodes
                .iter()
                .for_each(|node| node.signal(Signal::SIGSTOP));
            pause(TURN - RUNS);
            self.nodes
                .iter()
                .for_each(|node| node.signal(Signal::SIGCONT));
            pause(RUNS);
        }
    }

    /// Asserts that every socket is open, at both ends.
    fn assert_all_open(&self) {
        let closed = self.sockets.iter().filter(|socket| {
            let (mut byte, mut socket): (_, &TcpStream) = ([0], socket);
            // Nothing was sent to an idle device, so a byte can only be of a close frame.
            !matches!(socket.read(&mut byte), Err(error) if error.kind() == ErrorKind::WouldBlock)
        });
        assert_eq!(closed.count(), 0, "sockets closed by the cluster");
        let expected = self.sockets.len() + NODES;
        assert_eq!(self.sum("highwater_sockets"), expected);
        assert_eq!(self.sum("highwater_sockets_accepted_total"), expected);
    }
}

#[expect(clippy::disallowed_methods, reason = "a disturbance of a known length")]
fn pause(time: Duration) {
    thread::sleep(time);
}

fn get(address: &str, path: &str) -> String {
    ask(
        address,
        &format!("GET {path} HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n"),
    )
}

/// Sends a command and returns whether the device has replied.
fn command(address: &str, device: &str) -> bool {
    let body = r#"{"name":"read"}"#;
    let request = format!(
        "POST /devices/{device}/commands HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    ask(address, &request).starts_with("HTTP/1.1 200")
}

/// Opens a device socket that sends nothing. Returns it without blocking reads.
fn open_idle(address: &str, device: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("the node listens");
    let request = format!(
        "GET /ws?device={device} HTTP/1.1\r\nHost: n\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream
        .write_all(request.as_bytes())
        .expect("the node reads");
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("the node answers");
        head.push(byte[0]);
    }
    assert!(
        head.starts_with(b"HTTP/1.1 101"),
        "{}",
        String::from_utf8_lossy(&head)
    );
    stream.set_nonblocking(true).expect("a socket");
    stream
}

/// Opens a device that replies to each command, on a thread that ends with the node.
fn reply_to_commands(address: &str, device: &str) {
    let stream = TcpStream::connect(address).expect("the node listens");
    let url = format!("ws://{address}/ws?device={device}");
    let (mut socket, _) = client(url, stream).expect("a device socket");
    thread::spawn(move || {
        while let Ok(message) = socket.read() {
            let Message::Text(text) = message else {
                continue;
            };
            let frame: Value = serde_json::from_str(&text).expect("JSON");
            if frame["type"] == "command" {
                let reply = json!({"type": "reply", "id": frame["id"], "body": null});
                if socket.send(Message::text(reply.to_string())).is_err() {
                    return;
                }
            }
        }
    });
}

/// Stops the broker, then starves the nodes.
fn disturb(cluster: &Cluster, stop: impl FnOnce(), go_on: impl FnOnce()) {
    cluster.command_during(|| {
        stop();
        pause(BROKER_STOP);
        go_on();
    });
    cluster.wait_until_ready();
    cluster.wait_until_registered();
    cluster.assert_all_open();
    cluster.command_during(|| cluster.starve());
    cluster.wait_until_ready();
    cluster.wait_until_registered();
    cluster.assert_all_open();
}

#[test]
fn stopped_embedded_broker_and_starved_nodes_cost_no_socket() {
    let broker = ServerProcess::start(&["serve", "broker", "--listen", "127.0.0.1:0"]);
    let cluster = Cluster::start(&format!("local://{}", broker.address), 8000);
    let stop = || broker.signal(Signal::SIGSTOP);
    disturb(&cluster, stop, || broker.signal(Signal::SIGCONT));
}

/// The sockets of a test with another broker. The load on the broker does not depend on
/// them, and both tests run beside the one above.
const FEWER_SOCKETS: usize = 1000;

fn stopped_service_costs_no_socket(service: &Service) {
    let cluster = Cluster::start(&service.url(), FEWER_SOCKETS);
    let stop = || service.pause().expect("it stops");
    disturb(&cluster, stop, || service.resume().expect("it goes on"));
}

#[test]
fn stopped_redis_and_starved_nodes_cost_no_socket() {
    let redis = RedisService::start(RedisOptions { persistent: false });
    stopped_service_costs_no_socket(&redis.expect("Redis starts"));
}

#[test]
fn stopped_nats_and_starved_nodes_cost_no_socket() {
    stopped_service_costs_no_socket(&NatsService::start().expect("NATS starts"));
}
