//! Tests of the broker against peers that it does not know.

mod admin;

use std::{io, net::SocketAddr, time::Duration};

use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{BrokerConfig, BrokerError, run};
use crate::{
    backplane::{
        BackplaneUrl, ClusterSecret, Identity, decode_frame, encode_frame,
        local::{
            frames::FrameDecoder,
            handshake::{Claim, introduce},
            protocol::{self, FrameReader, FrameWriter, FromBroker, ToBroker},
        },
    },
    id::Topic,
    ingest::{GroupsError, consumer_groups},
};

/// Longer than any condition takes.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

const SECRET: Option<&str> = Some("0123456789abcdef");
const OTHER_SECRET: Option<&str> = Some("0123456789abcdeF");

fn secret(text: Option<&str>) -> Option<ClusterSecret> {
    text.map(|text| text.parse().unwrap())
}

async fn start(config: BrokerConfig) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(run(listener, config, CancellationToken::new()));
    address
}

async fn introduce_node(broker: SocketAddr, secret: Option<&ClusterSecret>) -> io::Result<()> {
    let stream = TcpStream::connect(broker).await?;
    let (mut reader, mut writer) = protocol::framed(stream, FrameDecoder::of_peer())?;
    let claim = Claim::Member {
        identity: Identity::of_node("n", 1),
        last_version: 0,
    };
    introduce(&mut reader, &mut writer, &claim, secret).await
}

/// Waits until the broker closes a connection.
async fn wait_closed(mut stream: TcpStream) {
    let mut rest = Vec::new();
    let closed = timeout(TEST_TIMEOUT, stream.read_to_end(&mut rest)).await;
    // A reset is an end as well: the broker did not read what was sent.
    let _ = closed.expect("the broker keeps the connection");
}

#[tokio::test]
async fn broker_and_peer_accept_each_other_with_one_secret_only() {
    const PEER_FAILS: &str = "it does not prove the cluster secret";
    const BROKER_FAILS: &str = "does not know the cluster secret";
    for (broker, peer, expected) in [
        (None, None, None),
        (SECRET, SECRET, None),
        (SECRET, None, Some(PEER_FAILS)),
        (SECRET, OTHER_SECRET, Some(PEER_FAILS)),
        (None, SECRET, Some(BROKER_FAILS)),
    ] {
        let address = start(BrokerConfig {
            secret: secret(broker),
            ..BrokerConfig::default()
        });
        let introduced = introduce_node(address.await, secret(peer).as_ref()).await;
        match expected {
            None => introduced.unwrap(),
            Some(reason) => {
                let error = introduced.unwrap_err().to_string();
                assert!(error.contains(reason), "{broker:?} {peer:?}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn broker_off_loopback_does_not_start_without_a_secret() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let started = run(listener, BrokerConfig::default(), CancellationToken::new());
    assert!(matches!(started.await, Err(BrokerError::NoSecret(_))));
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let config = BrokerConfig {
        secret: secret(SECRET),
        ..BrokerConfig::default()
    };
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    assert!(run(listener, config, shutdown).await.is_ok());
}

#[tokio::test]
async fn peer_that_does_not_finish_its_handshake_is_disconnected() {
    let broker = start(BrokerConfig {
        handshake_timeout: Duration::from_millis(50),
        ..BrokerConfig::default()
    })
    .await;
    let silent = TcpStream::connect(broker).await.unwrap();
    let mut unfinished = TcpStream::connect(broker).await.unwrap();
    unfinished.write_all(&[0, 0, 0x30, 0, 7]).await.unwrap();
    wait_closed(silent).await;
    wait_closed(unfinished).await;
}

#[tokio::test]
async fn handshakes_and_connections_are_bounded() {
    let broker = start(BrokerConfig {
        max_handshakes: 1,
        ..BrokerConfig::default()
    })
    .await;
    let _silent = TcpStream::connect(broker).await.unwrap();
    // The broker accepts in order, so the first one has the only permit.
    wait_closed(TcpStream::connect(broker).await.unwrap()).await;
    let broker = start(BrokerConfig {
        max_connections: 1,
        ..BrokerConfig::default()
    })
    .await;
    let _silent = TcpStream::connect(broker).await.unwrap();
    wait_closed(TcpStream::connect(broker).await.unwrap()).await;
}

#[tokio::test]
async fn announced_megabyte_of_an_unknown_peer_ends_its_connection() {
    let broker = start(BrokerConfig::default()).await;
    let mut stream = TcpStream::connect(broker).await.unwrap();
    stream.write_all(&[0, 0x10, 0, 0]).await.unwrap();
    wait_closed(stream).await;
}

#[tokio::test]
async fn operator_lists_groups_only_with_the_secret() {
    let broker = start(BrokerConfig {
        secret: secret(SECRET),
        ..BrokerConfig::default()
    })
    .await;
    let url: BackplaneUrl = format!("local://{broker}").parse().unwrap();
    let own = secret(SECRET);
    assert_eq!(consumer_groups(&url, own.as_ref(), None).await.unwrap(), []);
    let unknown = "g".parse().unwrap();
    let removed = consumer_groups(&url, own.as_ref(), Some(&unknown)).await;
    assert!(
        matches!(removed, Err(GroupsError::Broker(reason)) if reason.contains("no such group"))
    );
    let stranger = consumer_groups(&url, None, None).await;
    assert!(matches!(stranger, Err(GroupsError::Broker(_))));
}

#[tokio::test]
async fn slowest_peer_is_closed_when_the_queues_of_all_are_full() {
    let broker = start(BrokerConfig {
        // Longer than the test: only the full queues can close the peer.
        peer_timeout: 10 * TEST_TIMEOUT,
        total_queue_bytes: 1 << 20,
        ..BrokerConfig::default()
    })
    .await;
    let topic: Topic = "t".parse().unwrap();
    let (_unread, mut slow) = join_node(broker, "slow").await;
    let subscribe = ToBroker::Subscribe {
        topic: topic.clone(),
    };
    slow.send(encode_frame(&subscribe, &[])).await.unwrap();
    let (mut reader, mut writer) = join_node(broker, "fast").await;
    let publish = encode_frame(&ToBroker::Publish { topic }, &[0; 60_000]);
    let closed = async {
        let mut members = 0;
        while members != 1 {
            // The kernel's buffers take some megabytes before anything waits in the broker.
            let sent = timeout(Duration::from_millis(1), writer.send(publish.clone()));
            let _ = sent.await;
            while let Some(frame) = reader.next().now_or_never() {
                let frame = frame.expect("the fast peer is closed").unwrap().freeze();
                if let Some((FromBroker::View(view), _)) = decode_frame(&frame) {
                    members = view.members.len();
                }
            }
        }
    };
    timeout(TEST_TIMEOUT, closed)
        .await
        .expect("the slow peer stays");
}

/// Joins as a member, and returns when the broker has welcomed it.
async fn join_node(broker: SocketAddr, id: &str) -> (FrameReader, FrameWriter) {
    let stream = TcpStream::connect(broker).await.unwrap();
    let (mut reader, mut writer) = protocol::framed(stream, FrameDecoder::of_peer()).unwrap();
    let claim = Claim::Member {
        identity: Identity::of_node(id, 1),
        last_version: 0,
    };
    introduce(&mut reader, &mut writer, &claim, None)
        .await
        .unwrap();
    let welcome = timeout(TEST_TIMEOUT, reader.next()).await.unwrap();
    let welcome = decode_frame(&welcome.unwrap().unwrap().freeze());
    assert!(matches!(welcome, Some((FromBroker::Welcome { .. }, _))));
    (reader, writer)
}

#[tokio::test]
async fn handshakes_of_one_address_leave_room_for_others() {
    let broker = start(BrokerConfig {
        handshakes_per_address: 1,
        ..BrokerConfig::default()
    })
    .await;
    let connect = async |from: &str| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
        socket.connect(broker).await.unwrap()
    };
    let _silent = connect("127.0.0.2").await;
    wait_closed(connect("127.0.0.2").await).await;
    // Another address still joins.
    introduce_node(broker, None).await.unwrap();
}
