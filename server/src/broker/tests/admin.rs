//! Tests of the admin listener, and of the counters of each limit.

use super::*;
use crate::{auth::Secret, ingest::local_protocol::ToConsumer, net::listen::ListenSockets};

const ADMIN_TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A broker with an admin listener.
struct AdminBroker {
    address: SocketAddr,
    admin: SocketAddr,
}

impl AdminBroker {
    async fn start(config: BrokerConfig) -> Self {
        let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let broker = Self {
            address: public.local_addr().unwrap(),
            admin: admin.local_addr().unwrap(),
        };
        let listeners = ListenSockets {
            public,
            admin: Some(admin),
        };
        tokio::spawn(run(listeners, config, CancellationToken::new()));
        broker
    }

    /// Returns the answer to a request with these header lines, each with its line end.
    async fn get(&self, path: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(self.admin).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: b\r\n{headers}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Waits until `/metrics` has this line.
    async fn wait_for_line(&self, line: &str) {
        let mut page = String::new();
        let seen = async {
            while !page.lines().any(|found| found == line) {
                page = self.get("/metrics", "").await;
            }
        };
        if timeout(TEST_TIMEOUT, seen).await.is_err() {
            panic!("{line} is missing in {page}");
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Opens a connection that has made its handshake.
    async fn introduce(&self, claim: Claim) -> (FrameReader, FrameWriter) {
        let stream = self.connect().await;
        let (mut reader, mut writer) = protocol::framed(stream, FrameDecoder::of_peer()).unwrap();
        introduce(&mut reader, &mut writer, &claim, None)
            .await
            .unwrap();
        (reader, writer)
    }
}

fn member(id: &str) -> Claim {
    Claim::Member {
        identity: Identity::of_node(id, 1),
        last_version: 0,
    }
}

fn consumer(group: &str) -> Claim {
    Claim::Consumer {
        group: group.parse().unwrap(),
        name: "c".to_owned(),
    }
}

#[tokio::test]
async fn probes_are_open_and_metrics_need_the_token() {
    let broker = AdminBroker::start(BrokerConfig {
        admin_token: Some(ADMIN_TOKEN.parse::<Secret>().unwrap()),
        ..BrokerConfig::default()
    })
    .await;
    let right = format!("Authorization: Bearer {ADMIN_TOKEN}\r\n");
    for (path, headers, status) in [
        ("/healthz", "", 200),
        ("/readyz", "", 200),
        ("/metrics", "", 401),
        ("/metrics", "Authorization: Bearer wrong\r\n", 401),
        ("/metrics", right.as_str(), 200),
        ("/nodes", right.as_str(), 404),
    ] {
        let answer = broker.get(path, headers).await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{path}: {answer:.200}");
    }
}

#[tokio::test]
async fn listener_of_peers_serves_no_http() {
    let broker = start(BrokerConfig::default()).await;
    let mut stream = TcpStream::connect(broker).await.unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nHost: b\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let closed = timeout(TEST_TIMEOUT, stream.read_to_end(&mut answer)).await;
    // A reset is an end as well.
    let _ = closed.expect("the broker keeps the connection");
    assert!(answer.is_empty(), "{answer:?}");
}

#[tokio::test]
async fn failed_handshakes_are_counted_by_reason() {
    let failed =
        |reason| format!("highwater_broker_handshakes_failed_total{{reason=\"{reason}\"}} 1");
    let hasty = AdminBroker::start(BrokerConfig {
        handshake_timeout: Duration::from_millis(100),
        ..BrokerConfig::default()
    })
    .await;
    wait_closed(hasty.connect().await).await;
    hasty.wait_for_line(&failed("timed_out")).await;
    let broker = AdminBroker::start(BrokerConfig {
        secret: secret(SECRET),
        ..BrokerConfig::default()
    })
    .await;
    drop(broker.connect().await);
    let other = secret(OTHER_SECRET);
    assert!(
        introduce_node(broker.address, other.as_ref())
            .await
            .is_err()
    );
    let mut stream = broker.connect().await;
    stream.write_all(&[0, 0, 0, 1, 0xff]).await.unwrap();
    wait_closed(stream).await;
    for reason in ["broken", "not_proved", "invalid"] {
        broker.wait_for_line(&failed(reason)).await;
    }
    let idle = "highwater_broker_connections{kind=\"handshake\"} 0";
    broker.wait_for_line(idle).await;
}

#[tokio::test]
async fn rejected_connections_are_counted_by_the_limit() {
    let rejected = async |config: BrokerConfig, held: usize, reason: &str| {
        let broker = AdminBroker::start(config).await;
        let mut silent = Vec::new();
        for _ in 0..held {
            silent.push(broker.connect().await);
        }
        wait_closed(broker.connect().await).await;
        let line = format!("highwater_broker_connections_rejected_total{{reason=\"{reason}\"}} 1");
        broker.wait_for_line(&line).await;
    };
    let default = BrokerConfig::default;
    let per_address = BrokerConfig {
        handshakes_per_address: 2,
        ..default()
    };
    rejected(per_address, 2, "address_limit").await;
    let handshakes = BrokerConfig {
        max_handshakes: 1,
        ..default()
    };
    rejected(handshakes, 1, "handshake_limit").await;
    let connections = BrokerConfig {
        max_connections: 1,
        ..default()
    };
    rejected(connections, 1, "at_capacity").await;
}

#[tokio::test]
async fn members_topics_and_ignored_subscriptions_are_counted() {
    let broker = AdminBroker::start(BrokerConfig {
        topics_per_member: 2,
        ..BrokerConfig::default()
    })
    .await;
    let (_reader, mut writer) = broker.introduce(member("n1")).await;
    for name in ["a", "b", "c", "d"] {
        let topic: Topic = name.parse().unwrap();
        let subscribe = encode_frame(&ToBroker::Subscribe { topic }, &[]);
        writer.send(subscribe).await.unwrap();
    }
    // Another process with the name of a connected one.
    let _second = broker.introduce(member("n1")).await;
    for line in [
        "highwater_broker_members{role=\"node\"} 1",
        "highwater_broker_members{role=\"gateway\"} 0",
        "highwater_broker_topics 2",
        "highwater_broker_subscriptions 2",
        "highwater_broker_subscriptions_rejected_total 2",
        "highwater_broker_members_rejected_total 1",
        "highwater_broker_connections{kind=\"node\"} 1",
        "highwater_broker_connections_limit{kind=\"handshake\"} 512",
    ] {
        broker.wait_for_line(line).await;
    }
}

#[tokio::test]
async fn consumers_beyond_their_limits_are_counted() {
    let broker = AdminBroker::start(BrokerConfig {
        // A quarter for consumers: two.
        max_connections: 8,
        max_groups: 1,
        ..BrokerConfig::default()
    })
    .await;
    let (mut reader, _writer) = broker.introduce(consumer("g")).await;
    let frame = timeout(TEST_TIMEOUT, reader.next()).await.unwrap().unwrap();
    let joined = decode_frame(&frame.unwrap().freeze());
    assert!(matches!(joined, Some((ToConsumer::Joined, _))));
    let _other_group = broker.introduce(consumer("other")).await;
    broker
        .wait_for_line("highwater_broker_groups_rejected_total 1")
        .await;
    broker
        .wait_for_line("highwater_broker_consumer_groups 1")
        .await;
    let _same_group = broker.introduce(consumer("g")).await;
    broker
        .wait_for_line("highwater_broker_connections{kind=\"consumer\"} 2")
        .await;
    let _third = broker.introduce(consumer("g")).await;
    let line = "highwater_broker_connections_rejected_total{reason=\"consumer_limit\"} 1";
    broker.wait_for_line(line).await;
}

#[tokio::test]
async fn unfinished_frames_and_full_queues_are_counted() {
    let broker = AdminBroker::start(BrokerConfig {
        partial_frame_bytes: 32 * 1024,
        queue_bytes: 100,
        ..BrokerConfig::default()
    })
    .await;
    let (reader, mut writer) = broker.introduce(member("n1")).await;
    writer
        .send(encode_frame(&ToBroker::Pong, &[]))
        .await
        .unwrap();
    broker
        .wait_for_line("highwater_broker_members{role=\"node\"} 1")
        .await;
    // A frame to itself that is longer than its queue.
    let to_itself = ToBroker::Unicast {
        to: "n1".parse().unwrap(),
        generation: generation(reader).await,
    };
    writer
        .send(encode_frame(&to_itself, &[0; 200]))
        .await
        .unwrap();
    broker
        .wait_for_line("highwater_broker_frames_dropped_total 1")
        .await;
    broker
        .wait_for_line("highwater_broker_queued_bytes 0")
        .await;
    broker
        .wait_for_line("highwater_broker_slow_peers_closed_total 0")
        .await;
    let mut stream = writer.into_inner();
    stream
        .write_all(&(64_u32 * 1024).to_be_bytes())
        .await
        .unwrap();
    // A write may fail when the broker has ended the connection already.
    let _ = stream.write_all(&[0; 48 * 1024]).await;
    broker
        .wait_for_line("highwater_broker_partial_frames_rejected_total 1")
        .await;
    broker
        .wait_for_line("highwater_broker_partial_frame_bytes 0")
        .await;
}

/// Returns the generation of the only member in its first view.
async fn generation(mut reader: FrameReader) -> u64 {
    loop {
        let frame = timeout(TEST_TIMEOUT, reader.next()).await.unwrap().unwrap();
        if let Some((FromBroker::View(view), _)) = decode_frame(&frame.unwrap().freeze()) {
            return view.members[0].generation;
        }
    }
}
