//! Requests through a gateway.

use std::time::Duration;

use bytes::Bytes;
use highwater_server::GatewayPolicy;
use hyper::StatusCode;
use serde_json::json;

use super::{
    fake::{Fake, before_one_that_hangs},
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
        let answer = gateway.command(&format!("d{number}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["body"], json!([1]));
        assert_eq!(answer.header("x-highwater-gateway"), "g1");
        assert!(answer.header("x-highwater-owner").starts_with('n'));
    }
    let path = "/devices/d0/commands";
    let headers = [("accept", "text/event-stream")];
    let answer = gateway.post(path, &headers, json!({"name": "read"})).await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let text = answer.text();
    assert!(text.starts_with("event: accepted\n"), "{text}");
    assert!(text.contains("\nevent: reply\n"), "{text}");
    assert_eq!(gateway.command("nobody").await.status, 404);
}

#[tokio::test]
async fn a_node_is_told_whom_a_request_comes_from() {
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
    let answer = http_request(
        gateway.address,
        "PUT",
        "/some/path?a=b%20c",
        &headers,
        Bytes::from_static(b"body"),
    );
    let said = answer.await.json();
    assert_eq!(said["method"], "PUT");
    assert_eq!(said["uri"], "/some/path?a=b%20c");
    let fields = &said["fields"];
    assert_eq!(fields["host"], "test");
    assert_eq!(fields["x-forwarded-for"], "203.0.113.9, 127.0.0.1");
    assert_eq!(fields["x-forwarded-proto"], "http");
    assert_eq!(fields["x-forwarded-host"], "test");
    assert_eq!(fields["content-length"], "4");
    for gone in ["connection", "x-private", "upgrade"] {
        assert!(fields[gone].is_null(), "{gone}: {fields}");
    }
}

#[tokio::test]
async fn a_node_where_nobody_listens_is_passed_over() {
    let ground = TestBackplaneKind::Local.ground();
    let _here = Fake::join(&ground, "n1");
    let absent = Fake::absent(&ground, "n2");
    let gateway = TestGateway::start(config("g1", &ground));
    gateway.sees("n1", "up").await;
    gateway.sees("n2", "down").await;
    for _ in 0..10 {
        assert_eq!(gateway.get("/a").await.status, 200);
    }
    assert_eq!(
        gateway.node("n2").await["address"],
        absent.address.to_string()
    );
}

#[tokio::test]
async fn a_hung_node_holds_nobody_past_the_deadline_and_comes_back() {
    let ground = TestBackplaneKind::Local.ground();
    let fake = Fake::join(&ground, "n1");
    let gateway = TestGateway::in_front(config("g1", &ground), 1).await;
    fake.behaviour.hang(true);
    let deadline = [("x-highwater-timeout-ms", "300")];
    for headers in [
        deadline.to_vec(),
        [&deadline[..], &[("accept", "text/event-stream")]].concat(),
    ] {
        let answer = gateway
            .post("/devices/d1/commands", &headers, json!({"name": "read"}))
            .await;
        // By the time of the second the node may be known to be down.
        assert!([503, 504].contains(&answer.status.as_u16()), "{answer:?}");
        if answer.status == 504 {
            assert_eq!(answer.header("x-highwater-node"), "n1");
        }
    }
    gateway.sees("n1", "down").await;
    assert_eq!(gateway.get("/a").await.status, 503, "nobody waits for it");
    fake.behaviour.hang(false);
    gateway.sees("n1", "up").await;
    assert_eq!(gateway.get("/a").await.status, 200);
}

#[tokio::test]
async fn only_a_get_of_http_1_1_asks_for_a_socket() {
    let ground = TestBackplaneKind::Local.ground();
    let _fake = Fake::join(&ground, "n1");
    let gateway = TestGateway::in_front(config("g1", &ground), 1).await;
    let fields = [("connection", "upgrade"), ("upgrade", "websocket")];
    let body = Bytes::from_static(b"body");
    let said = http_request(gateway.address, "POST", "/a", &fields, body).await;
    let said = said.json();
    assert_eq!(said["method"], "POST");
    assert_eq!(said["fields"]["content-length"], "4");
    assert!(said["fields"]["upgrade"].is_null(), "{said}");
    let asked = "GET /a HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    let heard = gateway.say(asked).await;
    assert!(heard.contains(" 200 OK\r\n"), "{heard}");
    assert!(heard.contains(r#""method":"GET""#), "{heard}");
    assert!(!heard.contains(r#""upgrade""#), "{heard}");
}

/// Two words on a request's length: a node must not read what follows as another one.
#[tokio::test]
async fn one_request_does_not_become_two() {
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
        let said = format!("POST /outer HTTP/1.1\r\nHost: t\r\n{outer}{inner}");
        let last = "GET /last HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
        let before = fake.behaviour.asked().len();
        let heard = gateway.say(&format!("{said}{last}")).await;
        let answers = heard.matches("HTTP/1.1 ").count();
        let ok = heard.matches("HTTP/1.1 200").count();
        let asked = fake.behaviour.asked().split_off(before);
        // Every request that a node has seen is one that this client was answered.
        assert_eq!(asked.len(), ok, "{outer:?}: {asked:?}\n{heard}");
        assert!(answers - ok <= 1, "{outer:?}: {heard}");
    }
}

#[tokio::test]
async fn a_request_that_was_sent_is_repeated_only_if_it_is_safe() {
    let ground = TestBackplaneKind::Local.ground();
    let _here = Fake::join(&ground, "n1");
    let _brittle = Fake::brittle(&ground, "n2");
    let mut config = config("g1", &ground);
    config.policy = GatewayPolicy::RoundRobin;
    let gateway = TestGateway::in_front(config, 2).await;
    let mut answers = Vec::new();
    for _ in 0..4 {
        let answer = gateway.post("/a", &[], json!({})).await;
        answers.push(answer.status.as_u16());
    }
    answers.sort_unstable();
    assert_eq!(answers, [200, 200, 502, 502]);
    for _ in 0..4 {
        assert_eq!(gateway.get("/a").await.status, 200);
    }
}

#[tokio::test]
async fn who_asks_a_node_that_hangs_what_is_safe_is_answered_by_another() {
    let (gateway, _nodes) = before_one_that_hangs().await;
    let (first, second) = tokio::join!(gateway.get("/a"), gateway.get("/b"));
    assert_eq!(
        (first.status, second.status),
        (StatusCode::OK, StatusCode::OK)
    );
    let text = gateway.get("/metrics").await.text();
    assert!(
        text.contains("highwater_gateway_retries_total 1\n"),
        "{text}"
    );
}

#[tokio::test]
async fn a_node_that_falls_silent_in_an_answer_is_not_waited_for() {
    let ground = TestBackplaneKind::Local.ground();
    let _fake = Fake::join(&ground, "n1");
    let mut config = config("g1", &ground);
    config.limits.response_idle_timeout = Duration::from_millis(100);
    let gateway = TestGateway::in_front(config, 1).await;
    let heard = gateway.say("GET /silent HTTP/1.1\r\nHost: t\r\n\r\n").await;
    assert!(heard.contains("\r\nbegun\r\n"), "{heard}");
    assert!(
        !heard.ends_with("0\r\n\r\n"),
        "it is no whole answer: {heard}"
    );
    until("the request is over", async || {
        let text = gateway.get("/metrics").await.text();
        text.contains("highwater_gateway_requests{node=\"n1\"} 0\n")
    })
    .await;
}

#[tokio::test]
async fn connections_to_nodes_are_used_again() {
    let ground = TestBackplaneKind::Local.ground();
    let fake = Fake::join(&ground, "n1");
    let gateway = TestGateway::in_front(config("g1", &ground), 1).await;
    for _ in 0..20 {
        assert_eq!(gateway.get("/a").await.status, 200);
    }
    assert_eq!(fake.behaviour.asked().len(), 20);
    // The client may be quicker than the gateway is with putting one back.
    let connections = fake.behaviour.connections();
    assert!(connections < 10, "{connections} for 20 requests");
    until("all of them are over and counted", async || {
        let text = gateway.get("/metrics").await.text();
        text.contains("highwater_gateway_requests_total{outcome=\"answered\"} 20\n")
            && text.contains("highwater_gateway_requests{node=\"n1\"} 0\n")
    })
    .await;
}
