//! Requests through a gateway.

use std::time::Duration;

use bytes::Bytes;
use highwater_server::GatewayPolicy;
use hyper::StatusCode;
use serde_json::json;

use super::{
    fake::{Fake, gateway_with_hung_node},
    rig::{TestGateway, config},
};
use crate::{
    ground::TestBackplaneKind,
    rig::{TestCluster, TestDevice, http_request, until},
};

#[tokio::test]
async fn commands_and_event_streams_find_their_device() {
    let cluster = TestCluster::start(3).await;
    let gateway = TestGateway::in_front(config("g1", &cluster.ground), 3).await;
    for number in 0..9 {
        let device = TestDevice::open_at(gateway.address, &format!("d{number}")).await;
        device.unwrap().reply_to_all();
    }
    for number in 0..9 {
        let response = gateway.command(&format!("d{number}")).await;
        assert_eq!(response.status, 200, "{response:?}");
        assert_eq!(response.json()["body"], json!([1]));
        assert_eq!(response.header("x-highwater-gateway"), "g1");
        assert!(response.header("x-highwater-owner").starts_with('n'));
    }
    let path = "/devices/d0/commands";
    let headers = [("accept", "text/event-stream")];
    let response = gateway.post(path, &headers, json!({"name": "read"})).await;
    assert_eq!(response.header("content-type"), "text/event-stream");
    let text = response.text();
    assert!(text.starts_with("event: accepted\n"), "{text}");
    assert!(text.contains("\nevent: reply\n"), "{text}");
    assert_eq!(gateway.command("unknown").await.status, 404);
}

#[tokio::test]
async fn node_gets_the_client_in_forwarded_fields() {
    let ground = TestBackplaneKind::Local.ground();
    let _fake = Fake::join(&ground, "n1");
    let gateway = TestGateway::in_front(config("g1", &ground), 1).await;
    let headers = [
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-proto", "https"),
        ("connection", "close, x-private"),
        ("x-private", "1"),
        ("upgrade", "h2c"),
    ];
    let (path, body) = ("/some/path?a=b%20c", Bytes::from_static(b"body"));
    let response = http_request(gateway.address, "PUT", path, &headers, body);
    let seen = response.await.json();
    assert_eq!(seen["method"], "PUT");
    assert_eq!(seen["uri"], path);
    let fields = &seen["fields"];
    assert_eq!(fields["host"], "test");
    assert_eq!(fields["x-forwarded-for"], "127.0.0.1");
    assert_eq!(fields["x-forwarded-proto"], "http");
    assert_eq!(fields["x-forwarded-host"], "test");
    assert_eq!(fields["content-length"], "4");
    for removed in ["connection", "x-private", "upgrade"] {
        assert!(fields[removed].is_null(), "{removed}: {fields}");
    }
}

#[tokio::test]
async fn invalid_body_of_a_client_is_not_counted_against_the_node() {
    let ground = TestBackplaneKind::Local.ground();
    let _fake = Fake::join(&ground, "n1");
    let gateway = TestGateway::in_front(config("g1", &ground), 1).await;
    let request = "POST /some/path HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n\
                   4\r\nbody\r\nno length\r\n";
    let response = gateway.send_raw(request).await;
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    let metrics = gateway.get("/metrics").await.text();
    for (outcome, count) in [("client_broken", 1), ("broken", 0)] {
        let line = format!("highwater_gateway_requests_total{{outcome=\"{outcome}\"}} {count}\n");
        assert!(metrics.contains(&line), "{metrics}");
    }
}

#[tokio::test]
async fn node_without_a_listener_is_passed_over() {
    let ground = TestBackplaneKind::Local.ground();
    let _here = Fake::join(&ground, "n1");
    let absent = Fake::absent(&ground, "n2");
    let gateway = TestGateway::start(config("g1", &ground));
    gateway.sees("n1", "up").await;
    gateway.sees("n2", "down").await;
    for _ in 0..10 {
        assert_eq!(gateway.get("/a").await.status, 200);
    }
    let address = absent.address.to_string();
    assert_eq!(gateway.node("n2").await["address"], address);
}

#[tokio::test]
async fn hung_node_holds_no_request_past_its_deadline() {
    let ground = TestBackplaneKind::Local.ground();
    let fake = Fake::join(&ground, "n1");
    let gateway = TestGateway::in_front(config("g1", &ground), 1).await;
    // After the gateway has found the node up: it would not send to it otherwise.
    fake.behaviour.hang(true);
    let deadline = [("x-highwater-timeout-ms", "300")];
    for headers in [
        deadline.to_vec(),
        [&deadline[..], &[("accept", "text/event-stream")]].concat(),
    ] {
        let response = gateway
            .post("/devices/d1/commands", &headers, json!({"name": "read"}))
            .await;
        // Before the second request the node may have been found down.
        assert!(
            [503, 504].contains(&response.status.as_u16()),
            "{response:?}"
        );
        if response.status == 504 {
            assert_eq!(response.header("x-highwater-node"), "n1");
        }
    }
    gateway.sees("n1", "down").await;
    assert_eq!(
        gateway.get("/a").await.status,
        503,
        "it waits for a node that is down"
    );
    fake.behaviour.hang(false);
    gateway.sees("n1", "up").await;
    assert_eq!(gateway.get("/a").await.status, 200);
}

#[tokio::test]
async fn only_a_get_of_http_1_1_is_an_upgrade() {
    let ground = TestBackplaneKind::Local.ground();
    let _fake = Fake::join(&ground, "n1");
    let gateway = TestGateway::in_front(config("g1", &ground), 1).await;
    let fields = [("connection", "upgrade"), ("upgrade", "websocket")];
    let body = Bytes::from_static(b"body");
    let response = http_request(gateway.address, "POST", "/a", &fields, body).await;
    let seen = response.json();
    assert_eq!(seen["method"], "POST");
    assert_eq!(seen["fields"]["content-length"], "4");
    assert!(seen["fields"]["upgrade"].is_null(), "{seen}");
    let request = "GET /a HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    let received = gateway.send_raw(request).await;
    assert!(received.contains(" 200 OK\r\n"), "{received}");
    assert!(received.contains(r#""method":"GET""#), "{received}");
    assert!(!received.contains(r#""upgrade""#), "{received}");
}

/// Two different lengths of a request must not make a node read its rest as another request.
#[tokio::test]
async fn ambiguous_length_smuggles_no_request() {
    let ground = TestBackplaneKind::Local.ground();
    let fake = Fake::join(&ground, "n1");
    let gateway = TestGateway::in_front(config("g1", &ground), 1).await;
    let inner = "GET /smuggled HTTP/1.1\r\nHost: t\r\n\r\n";
    for outer in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
        "Content-Length: 0\r\nConnection: content-length\r\n\r\n",
        "Transfer-Encoding: chunked\r\nConnection: transfer-encoding\r\n\r\n0\r\n\r\n",
    ] {
        let requests = format!("POST /outer HTTP/1.1\r\nHost: t\r\n{outer}{inner}");
        // Closes the connection, so that the read below ends.
        let last = "GET /last HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
        let before = fake.behaviour.requested().len();
        let received = gateway.send_raw(&format!("{requests}{last}")).await;
        let responses = received.matches("HTTP/1.1 ").count();
        let ok = received.matches("HTTP/1.1 200").count();
        let requested = fake.behaviour.requested().split_off(before);
        // The client has a response to every request that the node has seen.
        assert_eq!(requested.len(), ok, "{outer:?}: {requested:?}\n{received}");
        assert!(responses - ok <= 1, "{outer:?}: {received}");
    }
}

#[tokio::test]
async fn sent_request_is_repeated_only_if_it_is_safe() {
    let ground = TestBackplaneKind::Local.ground();
    let _here = Fake::join(&ground, "n1");
    let _brittle = Fake::brittle(&ground, "n2");
    let mut config = config("g1", &ground);
    config.policy = GatewayPolicy::RoundRobin;
    let gateway = TestGateway::in_front(config, 2).await;
    let mut responses = Vec::new();
    for _ in 0..4 {
        let response = gateway.post("/a", &[], json!({})).await;
        responses.push(response.status.as_u16());
    }
    // Which of the nodes has the first turn is open.
    responses.sort_unstable();
    assert_eq!(responses, [200, 200, 502, 502]);
    for _ in 0..4 {
        assert_eq!(gateway.get("/a").await.status, 200);
    }
}

#[tokio::test]
async fn safe_request_at_a_hung_node_is_answered_by_another() {
    let (gateway, _nodes) = gateway_with_hung_node().await;
    // Round-robin gives one of two requests to the node that hangs.
    let (first, second) = tokio::join!(gateway.get("/a"), gateway.get("/b"));
    assert_eq!([first.status, second.status], [StatusCode::OK; 2]);
    let text = gateway.get("/metrics").await.text();
    let retries = "highwater_gateway_retries_total 1\n";
    assert!(text.contains(retries), "{text}");
}

#[tokio::test]
async fn silence_within_a_response_ends_it() {
    let ground = TestBackplaneKind::Local.ground();
    let _fake = Fake::join(&ground, "n1");
    let mut config = config("g1", &ground);
    config.limits.response_idle_timeout = Duration::from_millis(100);
    let gateway = TestGateway::in_front(config, 1).await;
    let received = gateway
        .send_raw("GET /silent HTTP/1.1\r\nHost: t\r\n\r\n")
        .await;
    assert!(received.contains("\r\nbegun\r\n"), "{received}");
    assert!(
        !received.ends_with("0\r\n\r\n"),
        "a cut response looks complete: {received}"
    );
    until("the request is over", async || {
        let text = gateway.get("/metrics").await.text();
        text.contains("highwater_gateway_requests{node=\"n1\"} 0\n")
    })
    .await;
}

#[tokio::test]
async fn connections_to_nodes_are_reused() {
    let ground = TestBackplaneKind::Local.ground();
    let fake = Fake::join(&ground, "n1");
    let gateway = TestGateway::in_front(config("g1", &ground), 1).await;
    for _ in 0..20 {
        assert_eq!(gateway.get("/a").await.status, 200);
    }
    assert_eq!(fake.behaviour.requested().len(), 20);
    // Below 20, not 1: a client may send before the gateway has put a connection back.
    let connections = fake.behaviour.connections();
    assert!(connections < 10, "{connections} for 20 requests");
    until("all requests have ended and are counted", async || {
        let text = gateway.get("/metrics").await.text();
        text.contains("highwater_gateway_requests_total{outcome=\"answered\"} 20\n")
            && text.contains("highwater_gateway_requests{node=\"n1\"} 0\n")
    })
    .await;
}
