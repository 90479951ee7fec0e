//! The end of a gateway.

use bytes::Bytes;
use serde_json::json;
use tokio::net::TcpStream;

use super::rig::{TestGateway, config};
use crate::rig::{TestCluster, TestDevice, http_request, until};

#[tokio::test]
async fn a_drain_gives_notice_then_closes_every_socket_and_ends() {
    let cluster = TestCluster::start(2).await;
    let mut config = config("g1", &cluster.ground);
    config.limits.drain_delay = std::time::Duration::from_secs(3);
    let gateway = TestGateway::in_front(config, 2).await;
    let mut devices = Vec::new();
    for number in 0..10 {
        let device = TestDevice::open_at(gateway.address, &format!("d{number}")).await;
        devices.push(device.unwrap());
    }
    assert_eq!(gateway.get("/readyz").await.status, 200);
    let answer = gateway.post("/admin/drain", &[], json!({})).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.json()["sockets"], 10);
    until("it is not ready", async || {
        gateway.get("/readyz").await.status == 503
    })
    .await;
    // A balancer that looks now and then still sends here.
    let late = TestDevice::open_at(gateway.address, "late").await.unwrap();
    devices.push(late);
    for device in &mut devices {
        assert!(device.next().await.is_none());
    }
    let address = gateway.address;
    gateway.ended().await;
    assert!(TcpStream::connect(address).await.is_err());
    for node in &cluster.nodes {
        until("the node has heard", async || {
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
async fn operators_can_follow_a_drain() {
    let cluster = TestCluster::start(1).await;
    let mut config = config("g1", &cluster.ground);
    // With so many sockets it takes longer than all that follows.
    config.limits.drain_rate = "1/s".parse().unwrap();
    let gateway = TestGateway::start_with_admin(config);
    gateway.has_up(1).await;
    let mut devices = Vec::new();
    for number in 0..40 {
        let device = TestDevice::open_at(gateway.address, &format!("d{number}")).await;
        devices.push(device.unwrap());
    }
    let admin = gateway.admin.unwrap();
    let answer = http_request(admin, "POST", "/admin/drain", &[], Bytes::new()).await;
    assert_eq!(answer.status, 202);
    until("nobody is let in any more", async || {
        TcpStream::connect(gateway.address).await.is_err()
    })
    .await;
    until("the first socket is closed", async || {
        let answer = http_request(admin, "GET", "/metrics", &[], Bytes::new()).await;
        !answer.text().contains("highwater_gateway_sockets 40\n")
    })
    .await;
    let answer = http_request(admin, "GET", "/readyz", &[], Bytes::new()).await;
    assert_eq!(answer.status, 503);
}

#[tokio::test]
async fn a_gateway_that_dies_takes_its_sockets_with_it() {
    let cluster = TestCluster::start(1).await;
    let gateway = TestGateway::in_front(config("g1", &cluster.ground), 1).await;
    let mut device = TestDevice::open_at(gateway.address, "d1").await.unwrap();
    gateway.kill();
    assert!(device.next().await.is_none());
    until("the node has heard", async || {
        cluster.nodes[0].metric("highwater_sockets").await == 0.0
    })
    .await;
}
