//! Limits on TLS handshakes, which cost CPU before a client has shown a token.

use highwater_server::{NodeConfig, NodeLimits};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{admission::NodeWithAdmin, tls::TestAuthority};
use crate::rig::{quick_limits, until};

fn start(authority: &TestAuthority, limits: NodeLimits) -> NodeWithAdmin {
    NodeWithAdmin::start(NodeConfig {
        limits,
        ..authority.config()
    })
}

async fn is_rejected(node: &NodeWithAdmin, reason: &str) -> bool {
    let name = "highwater_tls_handshakes_rejected_total";
    let metrics = node.metrics().await;
    let known = format!("{name}{{reason=\"{reason}\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&known));
    line.unwrap().parse::<u64>().unwrap() > 0
}

#[tokio::test]
async fn handshakes_above_the_limit_are_rejected() {
    let authority = TestAuthority::new();
    let limits = NodeLimits {
        max_concurrent_handshakes: 2,
        ..quick_limits()
    };
    let node = start(&authority, limits);
    // A connection whose handshake both ends have finished does not count as pending.
    let mut served = authority.try_connect(node.public).await.unwrap();
    served
        .write_all(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n")
        .await
        .unwrap();
    assert!(served.read(&mut [0; 1024]).await.unwrap() > 0);
    let silent = [
        TcpStream::connect(node.public).await.unwrap(),
        TcpStream::connect(node.public).await.unwrap(),
    ];
    assert!(authority.try_connect(node.public).await.is_err());
    assert!(is_rejected(&node, "at_capacity").await);
    drop(silent);
    until("a handshake is accepted again", async || {
        authority.try_connect(node.public).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn handshakes_above_the_rate_are_rejected() {
    let authority = TestAuthority::new();
    let limits = NodeLimits {
        handshake_rate: Some("1/s".parse().unwrap()),
        ..quick_limits()
    };
    let node = start(&authority, limits);
    assert!(!is_rejected(&node, "rate_limited").await);
    assert!(authority.try_connect(node.public).await.is_ok());
    until("a handshake is rejected", async || {
        authority.try_connect(node.public).await.is_err()
    })
    .await;
    assert!(is_rejected(&node, "rate_limited").await);
    until("the rate admits another handshake", async || {
        authority.try_connect(node.public).await.is_ok()
    })
    .await;
}
