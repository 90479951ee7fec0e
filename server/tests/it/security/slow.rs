//! Slow clients: a connection without a request, a body that never ends, a response that is not
//! read.

use std::{net::SocketAddr, time::Duration};

use highwater_server::{NodeConfig, NodeLimits};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use super::admission::NodeWithAdmin;
use crate::rig::{TEST_TIMEOUT, TestNode, config, quick_limits, until};

const SOON: Duration = Duration::from_millis(50);
const GET: &[u8] = b"GET /devices/d HTTP/1.1\r\nHost: t\r\n\r\n";

fn limited(limits: NodeLimits) -> NodeConfig {
    NodeConfig {
        limits,
        ..config("n1")
    }
}

async fn connect(node: SocketAddr) -> TcpStream {
    TcpStream::connect(node).await.unwrap()
}

/// Reads to the end of the connection.
async fn read_to_end(mut stream: TcpStream) -> String {
    let mut all = Vec::new();
    let read = timeout(TEST_TIMEOUT, stream.read_to_end(&mut all)).await;
    read.expect("the connection does not end").unwrap();
    String::from_utf8(all).unwrap()
}

/// Whether a request on this connection is served. The responses here fit one read.
async fn is_served(stream: &mut TcpStream) -> bool {
    let mut bytes = [0; 4096];
    let exchange = async {
        stream.write_all(GET).await?;
        stream.read(&mut bytes).await
    };
    let read = timeout(TEST_TIMEOUT, exchange).await.unwrap();
    read.is_ok() && bytes.starts_with(b"HTTP/1.1 200")
}

#[tokio::test]
async fn silent_connection_is_closed() {
    let node = TestNode::start(limited(NodeLimits {
        first_request_timeout: SOON,
        ..quick_limits()
    }));
    let mut served = connect(node.address).await;
    // Repeated, because on a busy machine a request may miss the short timeout.
    until("a request is served", async || {
        let is_served = is_served(&mut served).await;
        if !is_served {
            served = connect(node.address).await;
        }
        is_served
    })
    .await;
    let silent = connect(node.address).await;
    let mut begins = connect(node.address).await;
    begins.write_all(&GET[..10]).await.unwrap();
    assert_eq!(read_to_end(silent).await, "");
    assert_eq!(read_to_end(begins).await, "");
    // After a first request, a connection may be idle for longer.
    assert!(is_served(&mut served).await);
}

#[tokio::test]
async fn missing_body_ends_the_command_with_408() {
    let node = TestNode::start(limited(NodeLimits {
        body_timeout: SOON,
        ..quick_limits()
    }));
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n\
             Content-Length: 100\r\n\r\n{{\"name\":"
        )
    };
    for path in ["/devices/d/commands", "/topics/t/messages"] {
        let mut stream = connect(node.address).await;
        stream.write_all(head(path).as_bytes()).await.unwrap();
        let response = read_to_end(stream).await;
        assert!(response.starts_with("HTTP/1.1 408"), "{response}");
        let hint = "send the body together with the head";
        assert!(response.contains(hint), "{response}");
    }
    assert_eq!(node.metric("highwater_commands_in_flight").await, 0.0);
    let metrics = node.get("/metrics").await.text();
    assert!(metrics.contains("highwater_commands_total{outcome=\"invalid\"} 1"));
}

#[tokio::test]
async fn client_that_does_not_read_is_disconnected() {
    let node = NodeWithAdmin::start(limited(NodeLimits {
        max_connections: Some(1),
        idle_timeout: Duration::from_secs(1),
        ..quick_limits()
    }));
    // Sends requests until the kernel's buffers are full, and the node reads no more.
    let socket = TcpSocket::new_v4().unwrap();
    // Small, so that the client's kernel accepts few responses.
    socket.set_recv_buffer_size(4096).unwrap();
    let mut client = socket.connect(node.public).await.unwrap();
    let requests = GET.repeat(1_000);
    let sent = async { while client.write_all(&requests).await.is_ok() {} };
    let cut = timeout(TEST_TIMEOUT, sent).await;
    cut.expect("the client is never disconnected");
    until("its connection is not counted", async || {
        is_served(&mut connect(node.public).await).await
    })
    .await;
}
