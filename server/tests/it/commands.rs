//! Commands on one node.

use bytes::Bytes;
use serde_json::json;

use highwater_server::NodeConfig;

use crate::rig::{HttpResponse, TestDevice, TestNode, config, http_request, until};

type Headers<'a> = &'a [(&'a str, &'a str)];

#[tokio::test]
async fn a_command_brings_its_reply() {
    let node = TestNode::standalone();
    TestDevice::open(&node, "d1").await.reply_to_all();
    let answer = node.command("d1").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({"device": "d1", "node": "n1", "owner": "n1", "body": [1]})
    );
    assert_eq!(answer.header("x-highwater-node"), "n1");
    assert_eq!(answer.header("x-highwater-owner"), "n1");
}

#[tokio::test]
async fn nobody_there_is_404() {
    let node = TestNode::standalone();
    let answer = node.command("d1").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("x-highwater-node"), "n1");
    assert!(answer.json()["error"].is_string());
}

#[tokio::test]
async fn no_reply_by_the_deadline_is_504() {
    let node = TestNode::standalone();
    let _silent = TestDevice::open(&node, "d1").await;
    let headers = [("x-highwater-timeout-ms", "30")];
    let body = json!({"name": "read"});
    let answer = node.post_with("/devices/d1/commands", &headers, body).await;
    assert_eq!(answer.status, 504);
    assert_eq!(answer.header("x-highwater-owner"), "n1");
    assert_eq!(node.metric("highwater_commands_in_flight").await, 0.0);
}

#[tokio::test]
async fn replaced_while_waiting_is_409() {
    let node = TestNode::standalone();
    let mut older = TestDevice::open(&node, "d1").await;
    let (answer, _newer) = tokio::join!(node.command("d1"), async {
        older.frame().await;
        TestDevice::open(&node, "d1").await
    });
    assert_eq!(answer.status, 409);
    assert_eq!(answer.header("x-highwater-owner"), "n1");
}

#[tokio::test]
async fn a_device_that_leaves_while_waiting_is_404() {
    let node = TestNode::standalone();
    let mut device = TestDevice::open(&node, "d1").await;
    let (answer, ()) = tokio::join!(node.command("d1"), async {
        device.frame().await;
        drop(device);
    });
    assert_eq!(answer.status, 404);
}

/// The answer to a command that comes while another waits for its reply.
async fn second_of_two_at_once(config: NodeConfig) -> HttpResponse {
    let node = TestNode::start(config);
    let mut device = TestDevice::open(&node, "d1").await;
    let (first, second) = tokio::join!(node.command("d1"), async {
        let waiting = device.frame().await;
        let second = node.command("d1").await;
        device
            .send(json!({"type": "reply", "id": waiting["id"], "body": null}))
            .await;
        second
    });
    assert_eq!(first.status, 200);
    assert!(!second.header("retry-after").is_empty());
    second
}

#[tokio::test]
async fn more_than_a_device_may_have_waiting_is_429() {
    let mut config = config("n1");
    config.limits.commands_per_device = 1;
    assert_eq!(second_of_two_at_once(config).await.status, 429);
}

#[tokio::test]
async fn more_than_a_node_may_have_in_flight_is_503() {
    let mut config = config("n1");
    config.limits.commands_in_flight = 1;
    assert_eq!(second_of_two_at_once(config).await.status, 503);
}

#[tokio::test]
async fn bad_requests_say_what_is_wrong() {
    let node = TestNode::standalone();
    let json = [("content-type", "application/json")];
    let path = "/devices/d1/commands";
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(70_000));
    let text: Headers = &[("content-type", "text/plain")];
    let cases: [(&str, Headers, &str, u16); 7] = [
        (path, &json, "{", 400),
        (path, &json, "{}", 400),
        (path, &json, r#"{"name":"x","nam":1}"#, 400),
        (path, text, r#"{"name":"x"}"#, 415),
        (path, &[], r#"{"name":"x"}"#, 415),
        (path, &json, &long, 413),
        ("/devices/a%20b/commands", &json, r#"{"name":"x"}"#, 400),
    ];
    for (path, headers, body, status) in cases {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let answer = http_request(node.address, "POST", path, headers, body).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.json()["hint"].is_string());
    }
    let headers = [
        ("content-type", "application/json"),
        ("x-highwater-timeout-ms", "soon"),
    ];
    let answer = http_request(
        node.address,
        "POST",
        path,
        &headers,
        r#"{"name":"x"}"#.into(),
    )
    .await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        http_request(node.address, "GET", path, &[], Bytes::new())
            .await
            .status,
        405
    );
    assert_eq!(
        http_request(node.address, "GET", "/nowhere", &[], Bytes::new())
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_nothing_behind() {
    let node = TestNode::standalone();
    let mut device = TestDevice::open(&node, "d1").await;
    let request = node.command("d1");
    tokio::select! {
        _ = request => panic!("nobody replied"),
        _ = device.frame() => {}
    }
    until("the command is over", async || {
        node.metric("highwater_commands_in_flight").await == 0.0
    })
    .await;
    let metrics = node.get("/metrics").await.text();
    assert!(
        metrics.contains("highwater_commands_total{outcome=\"abandoned\"} 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_late_or_made_up_reply_is_dropped() {
    let node = TestNode::standalone();
    let mut device = TestDevice::open(&node, "d1").await;
    for id in ["c0", "cffff", "x", ""] {
        device
            .send(json!({"type": "reply", "id": id, "body": 1}))
            .await;
    }
    device.ping(b"still here").await;
}
