//! The shares of connections: sockets leave room for requests, and clients for gateways.

use std::net::SocketAddr;

use bytes::Bytes;
use highwater_server::{NodeConfig, NodeLimits};
use tokio_tungstenite::tungstenite::Error;

use super::admission::NodeWithAdmin;
use crate::{
    gateway::rig::{TestGateway, config as gateway_config},
    ground::TestBackplaneKind,
    rig::{
        TestDevice, TestNode, config, connect_from, http_request, quick_limits, raw_exchange, until,
    },
};

const REQUEST: &str = "GET /devices/d HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";

fn with_connections(max_connections: usize) -> NodeConfig {
    NodeConfig {
        limits: NodeLimits {
            max_connections: Some(max_connections),
            ..quick_limits()
        },
        ..config("n1")
    }
}

/// Returns the status of a rejected socket.
async fn open_rejected(address: SocketAddr, device: &str) -> u16 {
    match TestDevice::open_at(address, device).await.map(|_| ()) {
        Err(error) => match *error {
            Error::Http(response) => response.status().as_u16(),
            other => panic!("{other}"),
        },
        Ok(()) => panic!("{device} was accepted"),
    }
}

#[tokio::test]
async fn sockets_leave_connections_for_requests() {
    // A sixteenth of 32 is 2.
    let node = NodeWithAdmin::start(with_connections(32));
    let mut devices = Vec::new();
    for number in 0..30 {
        let device = TestDevice::open_at(node.public, &format!("d{number}")).await;
        devices.push(device.unwrap());
    }
    assert_eq!(open_rejected(node.public, "d30").await, 503);
    let response = http_request(node.public, "GET", "/devices/d0", &[], Bytes::new()).await;
    assert_eq!(response.status, 200);
    until("only the sockets are open", async || {
        let metrics = node.metrics().await;
        [
            "highwater_connections{kind=\"socket\"} 30\n",
            "highwater_connections{kind=\"http\"} 0\n",
            "highwater_connections_limit{kind=\"socket\"} 30\n",
            "highwater_connections_limit{kind=\"http\"} 2\n",
            "highwater_upgrades_rejected_total{reason=\"at_capacity\"} 1\n",
        ]
        .iter()
        .all(|line| metrics.contains(line))
    })
    .await;
}

#[tokio::test]
async fn gateway_finds_room_at_a_node_that_clients_have_filled() {
    let ground = TestBackplaneKind::Local.ground();
    let node = TestNode::join_with(with_connections(2), &ground).await;
    let gateway = TestGateway::in_front(gateway_config("g1", &ground), 1).await;
    let client = "127.0.0.9";
    let mut held = Vec::new();
    until("the node has no room for clients", async || {
        held.push(connect_from(client, node.address).await);
        let stream = connect_from(client, node.address).await;
        raw_exchange(stream, REQUEST)
            .await
            .starts_with("HTTP/1.1 503")
    })
    .await;
    // Its health checks, and the requests that it forwards.
    for _ in 0..3 {
        assert_eq!(gateway.get("/devices/d").await.status, 200);
        assert_eq!(gateway.node("n1").await["state"], "up");
    }
    drop(held);
}

#[tokio::test]
async fn gateway_rejects_sockets_above_their_share() {
    let ground = TestBackplaneKind::Local.ground();
    let _node = TestNode::join("n1", &ground).await;
    let mut config = gateway_config("g1", &ground);
    // A sixteenth of 32 is 2.
    config.limits.max_connections = Some(32);
    let gateway = TestGateway::in_front(config, 1).await;
    let mut devices = Vec::new();
    for number in 0..30 {
        let device = TestDevice::open_at(gateway.address, &format!("d{number}")).await;
        devices.push(device.unwrap());
    }
    assert_eq!(open_rejected(gateway.address, "d30").await, 503);
    let metrics = gateway.get("/metrics").await.text();
    let counted = "highwater_gateway_upgrades_total{outcome=\"at_capacity\"} 1\n";
    assert!(metrics.contains(counted), "{metrics}");
    devices.pop();
    until("a socket is accepted again", async || {
        TestDevice::open_at(gateway.address, "d30").await.is_ok()
    })
    .await;
}
