//! The drain and the death of a gateway.

use bytes::Bytes;
use serde_json::json;
use tokio::net::TcpStream;

use super::rig::{TestGateway, config};
use crate::rig::{TestCluster, TestDevice, http_request, until};

#[tokio::test]
async fn drain_waits_for_its_delay_then_closes_every_socket() {
    let cluster = TestCluster::start(2).await;
    let mut config = config("g1", &cluster.ground);
    // Long enough to open one more socket within it.
    config.limits.drain_delay = std::time::Duration::from_secs(3);
    let gateway = TestGateway::in_front(config, 2).await;
    let mut devices = Vec::new();
    for number in 0..10 {
        let device = TestDevice::open_at(gateway.address, &format!("d{number}")).await;
        devices.push(device.unwrap());
    }
    assert_eq!(gateway.get("/readyz").await.status, 200);
    let response = gateway.post("/admin/drain", &[], json!({})).await;
    assert_eq!(response.status, 202);
    assert_eq!(response.json()["sockets"], 10);
    until("the gateway is not ready", async || {
        gateway.get("/readyz").await.status == 503
    })
    .await;
    // A balancer that polls `/readyz` only at times still sends sockets here.
    let late = TestDevice::open_at(gateway.address, "late").await.unwrap();
    devices.push(late);
    for device in &mut devices {
        assert!(device.next().await.is_none());
    }
    let address = gateway.address;
    gateway.ended().await;
    assert!(TcpStream::connect(address).await.is_err());
    for node in &cluster.nodes {
        until("the node has closed the sockets", async || {
            node.metric("highwater_sockets").await == 0.0
        })
        .await;
        until("the gateway has left", async || {
            node.get("/nodes").await.json()["gateways"] == json!([])
        })
        .await;
    }
}

#[tokio::test]
async fn admin_listener_serves_during_a_drain() {
    let cluster = TestCluster::start(1).await;
    let mut config = config("g1", &cluster.ground);
    // With 40 sockets the drain lasts longer than this test.
    config.limits.drain_rate = "1/s".parse().unwrap();
    let gateway = TestGateway::start_with_admin(config);
    gateway.has_up(1).await;
    let mut devices = Vec::new();
    for number in 0..40 {
        let device = TestDevice::open_at(gateway.address, &format!("d{number}")).await;
        devices.push(device.unwrap());
    }
    let admin = gateway.admin.unwrap();
    let json = [("content-type", "application/json")];
    let response = http_request(admin, "POST", "/admin/drain", &json, Bytes::new()).await;
    assert_eq!(response.status, 202);
    until("no new connection is accepted", async || {
        TcpStream::connect(gateway.address).await.is_err()
    })
    .await;
    until("the first socket is closed", async || {
        let response = http_request(admin, "GET", "/metrics", &[], Bytes::new()).await;
        !response.text().contains("highwater_gateway_sockets 40\n")
    })
    .await;
    let response = http_request(admin, "GET", "/readyz", &[], Bytes::new()).await;
    assert_eq!(response.status, 503);
}

#[tokio::test]
async fn sockets_of_a_killed_gateway_are_closed() {
    let cluster = TestCluster::start(1).await;
    let gateway = TestGateway::in_front(config("g1", &cluster.ground), 1).await;
    let mut device = TestDevice::open_at(gateway.address, "d1").await.unwrap();
    gateway.kill();
    assert!(device.next().await.is_none());
    until("the node has closed the sockets", async || {
        cluster.nodes[0].metric("highwater_sockets").await == 0.0
    })
    .await;
}
