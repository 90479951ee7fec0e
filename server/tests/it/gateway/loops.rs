//! Requests that would come back to their gateway.

use bytes::Bytes;
use hyper::StatusCode;

use super::{
    fake::Fake,
    rig::{TestGateway, config},
};
use crate::{
    ground::TestBackplaneKind,
    rig::{self, TestNode, http_request, until},
};

async fn via_of(gateway: &TestGateway, headers: &[(&str, &str)]) -> String {
    let response = http_request(gateway.address, "GET", "/some/path", headers, Bytes::new());
    let seen = response.await.json();
    seen["fields"]["via"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn request_names_the_gateway_in_via() {
    let ground = TestBackplaneKind::Local.ground();
    let _fake = Fake::join(&ground, "n1");
    let gateway = TestGateway::in_front(config("g1", &ground), 1).await;
    let via = via_of(&gateway, &[("via", "1.0 elsewhere")]).await;
    // The fake node joins repeated fields with semicolons.
    assert!(via.starts_with("1.0 elsewhere; 1.1 g1-"), "{via}");
}

#[tokio::test]
async fn request_that_returns_to_its_gateway_gets_508() {
    let ground = TestBackplaneKind::Local.ground();
    let fake = Fake::join(&ground, "n1");
    let gateway = TestGateway::in_front(config("g1", &ground), 1).await;
    let via = via_of(&gateway, &[]).await;
    let before = fake.behaviour.requested().len();
    for via in [via, vec!["1.1 proxy"; 20].join(", ")] {
        let headers = [("via", via.as_str())];
        let response = http_request(gateway.address, "GET", "/", &headers, Bytes::new()).await;
        assert_eq!(response.status, StatusCode::LOOP_DETECTED, "{response:?}");
        assert!(response.json()["hint"].is_string());
    }
    assert_eq!(fake.behaviour.requested().len(), before);
    let metrics = gateway.get("/metrics").await.text();
    let counted = "highwater_gateway_requests_total{outcome=\"loop_detected\"} 2\n";
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test]
async fn node_that_advertises_a_gateway_is_down() {
    let ground = TestBackplaneKind::Local.ground();
    let gateway = TestGateway::start(config("g1", &ground));
    let mut config = rig::config("n1");
    config.advertise = Some(gateway.address.to_string());
    let _node = TestNode::join_with(config, &ground).await;
    gateway.sees("n1", "down").await;
    until("requests find no node", async || {
        gateway.get("/devices/d1").await.status == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
}
