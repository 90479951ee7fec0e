//! Sockets through a gateway.

use highwater_server::Policy;
use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

use super::{
    fake::Fake,
    rig::{Gateway, config},
};
use crate::{
    ground::{Kind, on_every_backplane},
    rig::{Cluster, Device, Node, until},
};

on_every_backplane!(nodes_are_found_and_share_the_sockets);

async fn nodes_are_found_and_share_the_sockets(kind: Kind) {
    let cluster = Cluster::start_on(kind.ground(), 3).await;
    let mut config = config("g1", &cluster.ground);
    config.policy = Policy::LeastConn;
    let gateway = Gateway::in_front(config, 3).await;
    let mut devices = Vec::new();
    for number in 0..30 {
        let device = Device::open_at(gateway.address, &format!("d{number}")).await;
        devices.push(device.unwrap());
    }
    for node in &cluster.nodes {
        assert_eq!(node.metric("highwater_sockets").await, 10.0);
        // A gateway is no node.
        assert_eq!(node.members().await.len(), 3);
    }
    for listed in gateway.nodes().await {
        assert_eq!(listed["established"], 10, "{listed}");
        assert_eq!(listed["handshaking"], 0, "{listed}");
        assert_eq!(listed["assigned"], 10, "{listed}");
    }
    for device in &mut devices {
        assert!(device.headers["x-highwater-node"].len() > 1);
        assert_eq!(device.headers["x-highwater-gateway"], "g1");
        device.ping(b"through").await;
    }
    devices.truncate(6);
    until("closed sockets are counted off", async || {
        let open = gateway.nodes().await;
        open.iter()
            .map(|node| node["established"].as_u64().unwrap())
            .sum::<u64>()
            == 6
    })
    .await;
}

#[tokio::test]
async fn what_is_said_arrives_however_long_it_is() {
    let cluster = Cluster::start(2).await;
    let gateway = Gateway::in_front(config("g1", &cluster.ground), 2).await;
    let device = Device::open_at(gateway.address, "d1").await.unwrap();
    device.echo();
    for length in [1, 100, 20_000, 60_000] {
        let text = "x".repeat(length);
        let body = json!({"name": "say", "body": text});
        let answer = gateway.post("/devices/d1/commands", &[], body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["body"], json!(text));
    }
}

#[tokio::test]
async fn the_end_of_either_side_is_the_other_s() {
    let cluster = Cluster::start(1).await;
    let gateway = Gateway::in_front(config("g1", &cluster.ground), 1).await;
    let node = &cluster.nodes[0];
    let device = Device::open_at(gateway.address, "gone").await.unwrap();
    drop(device);
    until("the node has heard", async || {
        node.metric("highwater_sockets").await == 0.0
    })
    .await;
    // The node's own close, with its code.
    let mut first = Device::open_at(gateway.address, "d1").await.unwrap();
    let mut second = Device::open_at(gateway.address, "d1").await.unwrap();
    assert_eq!(first.close_code().await, Some(4000));
    assert!(first.next().await.is_none());
    second.ping(b"here").await;
    assert_eq!(gateway.node("n1").await["established"], 1);
}

#[tokio::test]
async fn a_refusal_is_passed_on_as_it_is() {
    let cluster = Cluster::start(1).await;
    let gateway = Gateway::in_front(config("g1", &cluster.ground), 1).await;
    let Err(error) = Device::open_path(gateway.address, "/ws?device=a%20b").await else {
        panic!("no device is called that");
    };
    let Error::Http(response) = *error else {
        panic!("{error:?}")
    };
    assert_eq!(response.status(), 400);
    assert_eq!(response.headers()["x-highwater-node"], "n1");
    assert_eq!(response.headers()["x-highwater-gateway"], "g1");
    assert_eq!(gateway.node("n1").await["handshaking"], 0);
}

#[tokio::test]
async fn a_node_that_is_full_or_away_is_left_for_another() {
    let cluster = Cluster::start(1).await;
    let full = Fake::join(&cluster.ground, "n2");
    full.behaviour.fill();
    let mut config = config("g1", &cluster.ground);
    config.policy = Policy::RoundRobin;
    let gateway = Gateway::in_front(config, 2).await;
    let mut devices = Vec::new();
    for number in 0..6 {
        let device = Device::open_at(gateway.address, &format!("d{number}")).await;
        let device = device.unwrap();
        assert_eq!(device.headers["x-highwater-node"], "n1");
        devices.push(device);
    }
    assert_eq!(
        full.behaviour.asked(),
        ["/ws"; 3],
        "it is asked in its turn"
    );
    // Refused by all of them, the last one's word is passed on.
    cluster.nodes.into_iter().for_each(Node::kill);
    gateway.has_up(1).await;
    let Err(error) = Device::open_at(gateway.address, "d9").await else {
        panic!("nobody takes it");
    };
    let Error::Http(response) = *error else {
        panic!("{error:?}")
    };
    assert_eq!(response.status(), 503);
}

#[tokio::test]
async fn without_nodes_the_answer_is_503() {
    let ground = Kind::Local.ground();
    let gateway = Gateway::start(config("g1", &ground));
    let Err(error) = Device::open_at(gateway.address, "d1").await else {
        panic!("there is no node");
    };
    let Error::Http(response) = *error else {
        panic!("{error:?}")
    };
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(gateway.get("/readyz").await.status, 503);
    assert_eq!(gateway.get("/devices/d1").await.status, 503);
}
