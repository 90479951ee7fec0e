//! Proxies in front of a node or a gateway, and the clients that they name.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use highwater_server::{NodeConfig, NodeLimits, ProxyConfig};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::tls::TestAuthority;
use crate::{
    gateway::{
        fake::Fake,
        rig::{TestGateway, config as gateway_config},
    },
    ground::TestBackplaneKind,
    rig::{
        TestDevice, TestNode, config, connect_from, http_request, quick_limits, raw_exchange, until,
    },
};

const PROXY: &str = "127.0.0.2";
const REQUEST: &str = "GET /devices/d HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";

/// Returns the PROXY header of a client.
fn header_of(client: &str) -> String {
    format!("PROXY TCP4 {client} 127.0.0.1 51256 80\r\n")
}

/// Returns a configuration in which [`PROXY`] speaks the PROXY protocol.
fn behind_proxy_protocol(limits: NodeLimits) -> NodeConfig {
    NodeConfig {
        limits,
        proxies: ProxyConfig {
            proxy_protocol: "127.0.0.2/32".parse().unwrap(),
            ..ProxyConfig::default()
        },
        ..config("n1")
    }
}

/// Returns a configuration in which header fields of [`PROXY`] count.
fn behind_trusted_proxy(limits: NodeLimits) -> NodeConfig {
    NodeConfig {
        limits,
        proxies: trusted_proxy(),
        ..config("n1")
    }
}

fn trusted_proxy() -> ProxyConfig {
    ProxyConfig {
        trusted_proxies: "127.0.0.2/32".parse().unwrap(),
        ..ProxyConfig::default()
    }
}

/// Returns the status in a response; nothing if the connection was closed without one.
fn status(response: &str) -> &str {
    response.get(9..12).unwrap_or_default()
}

async fn connect_with_header(node: SocketAddr, header: &str) -> TcpStream {
    let mut stream = connect_from(PROXY, node).await;
    stream.write_all(header.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn proxy_header_names_the_client_of_a_connection() {
    let node = TestNode::start(behind_proxy_protocol(NodeLimits {
        connections_per_address: Some(2),
        ..quick_limits()
    }));
    let request = async |header: &str| {
        let stream = connect_with_header(node.address, header).await;
        raw_exchange(stream, REQUEST).await
    };
    let (one, other) = (header_of("192.0.2.7"), header_of("192.0.2.8"));
    let held = [
        connect_with_header(node.address, &one).await,
        connect_with_header(node.address, &one).await,
    ];
    until("the limit of the client is reached", async || {
        status(&request(&one).await) == "503"
    })
    .await;
    assert_eq!(status(&request(&other).await), "200");
    // The proxy's own health checks.
    assert_eq!(status(&request("PROXY UNKNOWN\r\n").await), "200");
    // A client without a proxy.
    let direct = connect_from("127.0.0.3", node.address).await;
    assert_eq!(status(&raw_exchange(direct, REQUEST).await), "200");
    drop(held);
    until("a connection of the client is accepted again", async || {
        status(&request(&one).await) == "200"
    })
    .await;
}

#[tokio::test]
async fn proxy_without_a_header_is_closed() {
    let node = TestNode::start(behind_proxy_protocol(NodeLimits {
        proxy_header_timeout: Duration::from_millis(100),
        ..quick_limits()
    }));
    let without = connect_from(PROXY, node.address).await;
    assert_eq!(raw_exchange(without, REQUEST).await, "");
    let slow = connect_with_header(node.address, "PROXY TCP4 192.0").await;
    assert_eq!(raw_exchange(slow, "").await, "");
    // A client that claims to be a proxy is a client with an invalid request.
    let direct = connect_from("127.0.0.3", node.address).await;
    let claim = header_of("192.0.2.7") + REQUEST;
    assert_eq!(status(&raw_exchange(direct, &claim).await), "400");
    let metrics = node.get("/metrics").await.text();
    let counted = "highwater_connections_rejected_total{reason=\"proxy_header\"} 2\n";
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test]
async fn proxy_header_comes_before_tls() {
    let authority = TestAuthority::new();
    let node = TestNode::start(NodeConfig {
        tls: authority.config().tls,
        ..behind_proxy_protocol(quick_limits())
    });
    let stream = connect_with_header(node.address, &header_of("192.0.2.7")).await;
    let stream = authority.handshake(stream).await.unwrap();
    assert_eq!(status(&raw_exchange(stream, REQUEST).await), "200");
    let without = connect_from(PROXY, node.address).await;
    assert!(authority.handshake(without).await.is_err());
}

/// Returns a request that [`PROXY`] forwards for a client.
fn forwarded_request(client: &str, path: &str) -> String {
    let method = if path.ends_with("/commands") {
        "POST"
    } else {
        "GET"
    };
    let body = json!({"name": "read"}).to_string();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: t\r\nX-Forwarded-For: {client}\r\n\
         Accept: text/event-stream\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn requests_of_a_trusted_proxy_count_for_their_clients() {
    let node = TestNode::start(behind_trusted_proxy(NodeLimits {
        connections_per_address: Some(1),
        ..quick_limits()
    }));
    let request = async |from: &str, client: &str, path: &str| {
        let stream = connect_from(from, node.address).await;
        raw_exchange(stream, &forwarded_request(client, path)).await
    };
    let mut device = TestDevice::open(&node, "d1").await;
    let command = request(PROXY, "203.0.113.1, 192.0.2.7", "/devices/d1/commands");
    let meanwhile = async {
        // The stream of the first request lasts until its reply.
        device.frame().await;
        let same = request(PROXY, "192.0.2.7", "/devices/d").await;
        assert!(same.contains("\r\nretry-after: 1\r\n"), "{same}");
        assert_eq!(status(&same), "429");
        let other = request(PROXY, "192.0.2.8", "/devices/d").await;
        assert_eq!(status(&other), "200");
        // Other peers name only themselves.
        let direct = request("127.0.0.3", "192.0.2.7", "/devices/d").await;
        assert_eq!(status(&direct), "200");
        drop(device);
    };
    let (streamed, ()) = tokio::join!(command, meanwhile);
    assert_eq!(status(&streamed), "200");
    let after = request(PROXY, "192.0.2.7", "/devices/d").await;
    assert_eq!(status(&after), "200");
    let metrics = node.get("/metrics").await.text();
    let counted = "highwater_connections_rejected_total{reason=\"address_limit\"} 1\n";
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test]
async fn gateway_names_the_client_behind_trusted_proxies_to_nodes() {
    let ground = TestBackplaneKind::Local.ground();
    let _fake = Fake::join(&ground, "n1");
    let mut config = gateway_config("g1", &ground);
    config.proxies = trusted_proxy();
    let gateway = TestGateway::in_front(config, 1).await;
    let fields = async |from: &str, lines: &str| {
        let stream = connect_from(from, gateway.address).await;
        let request = format!("GET /a HTTP/1.1\r\nHost: t\r\n{lines}Connection: close\r\n\r\n");
        let response = raw_exchange(stream, &request).await;
        let (_, body) = response.split_once("\r\n\r\n").unwrap();
        let seen: serde_json::Value = serde_json::from_str(body).unwrap();
        let fields = &seen["fields"];
        assert!(fields["forwarded"].is_null(), "{fields}");
        let text = |name: &str| fields[name].as_str().unwrap().to_owned();
        (text("x-forwarded-for"), text("x-forwarded-proto"))
    };
    let claims = "X-Forwarded-For: 203.0.113.1, 192.0.2.7\r\nX-Forwarded-Proto: https\r\n";
    let rfc_7239 = "Forwarded: for=\"192.0.2.7:4711\";proto=https\r\n";
    let client = ("192.0.2.7".to_owned(), "https".to_owned());
    for lines in [claims, rfc_7239, &format!("{claims}{rfc_7239}")] {
        assert_eq!(fields(PROXY, lines).await, client, "{lines}");
        let peer = ("127.0.0.3".to_owned(), "http".to_owned());
        assert_eq!(fields("127.0.0.3", lines).await, peer, "{lines}");
    }
    // The client has written one of the two itself.
    let both = format!("{claims}Forwarded: for=198.51.100.1\r\n");
    let proxy = (PROXY.to_owned(), "http".to_owned());
    assert_eq!(fields(PROXY, &both).await, proxy);
}

#[tokio::test]
async fn node_counts_the_sockets_of_a_client_behind_proxy_and_gateway() {
    let ground = TestBackplaneKind::Local.ground();
    let mut limits = config("n1");
    limits.limits.sockets_per_address = Some(1);
    let node = TestNode::join_with(limits, &ground).await;
    let mut config = gateway_config("g1", &ground);
    config.proxies = trusted_proxy();
    let gateway = TestGateway::in_front(config, 1).await;
    let open = async |client: &str, device: &str| {
        let mut stream = connect_from(PROXY, gateway.address).await;
        let request = format!(
            "GET /ws?device={device} HTTP/1.1\r\nHost: t\r\nX-Forwarded-For: {client}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = [0; 12];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut head)
            .await
            .unwrap();
        (String::from_utf8(head[9..].to_vec()).unwrap(), stream)
    };
    let (first, _held) = open("192.0.2.7", "d1").await;
    assert_eq!(first, "101");
    assert_eq!(open("192.0.2.7", "d2").await.0, "429");
    let (other, _held) = open("192.0.2.8", "d3").await;
    assert_eq!(other, "101");
    let path = "/metrics";
    let metrics = http_request(node.address, "GET", path, &[], Bytes::new()).await;
    let counted = "highwater_upgrades_rejected_total{reason=\"address_limit\"} 1\n";
    assert!(metrics.text().contains(counted));
}
