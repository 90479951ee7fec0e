//! Commands on one node.

use bytes::Bytes;
use serde_json::json;

use highwater_server::NodeConfig;

use crate::rig::{HttpResponse, TestDevice, TestNode, config, http_request};

type Headers<'a> = &'a [(&'a str, &'a str)];

#[tokio::test]
async fn command_returns_the_reply_of_its_device() {
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
async fn command_without_connected_device_is_404() {
    let node = TestNode::standalone();
    let answer = node.command("d1").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("x-highwater-node"), "n1");
    assert!(answer.json()["error"].is_string());
}

#[tokio::test]
async fn command_without_reply_by_its_deadline_is_504() {
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
async fn command_of_replaced_connection_is_409() {
    let node = TestNode::standalone();
    let mut older = TestDevice::open(&node, "d1").await;
    let (answer, _newer) = tokio::join!(node.command("d1"), async {
        // The command has reached the older connection before the newer one opens.
        older.frame().await;
        TestDevice::open(&node, "d1").await
    });
    assert_eq!(answer.status, 409);
    assert_eq!(answer.header("x-highwater-owner"), "n1");
}

#[tokio::test]
async fn command_of_ended_connection_is_404() {
    let node = TestNode::standalone();
    let mut device = TestDevice::open(&node, "d1").await;
    let (answer, ()) = tokio::join!(node.command("d1"), async {
        device.frame().await;
        drop(device);
    });
    assert_eq!(answer.status, 404);
}

/// Returns the answer to a command that comes while another waits for its reply.
async fn second_of_two_commands(config: NodeConfig) -> HttpResponse {
    let node = TestNode::start(config);
    let mut device = TestDevice::open(&node, "d1").await;
    let (first, second) = tokio::join!(node.command("d1"), async {
        let pending = device.frame().await;
        let second = node.command("d1").await;
        device
            .send(json!({"type": "reply", "id": pending["id"], "body": null}))
            .await;
        second
    });
    assert_eq!(first.status, 200);
    assert!(!second.header("retry-after").is_empty());
    second
}

#[tokio::test]
async fn command_over_the_limit_of_its_device_is_429() {
    let mut config = config("n1");
    config.limits.commands_per_device = 1;
    assert_eq!(second_of_two_commands(config).await.status, 429);
}

#[tokio::test]
async fn command_over_the_limit_of_the_node_is_503() {
    let mut config = config("n1");
    config.limits.commands_in_flight = 1;
    assert_eq!(second_of_two_commands(config).await.status, 503);
}

#[tokio::test]
async fn invalid_request_gets_its_status_and_a_hint() {
    let node = TestNode::standalone();
    let json = [("content-type", "application/json")];
    let path = "/devices/d1/commands";
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(70_000));
    let text: Headers = &[("content-type", "text/plain")];
    let soon: Headers = &[json[0], ("x-highwater-timeout-ms", "soon")];
    let cases: [(&str, Headers, &str, u16); 8] = [
        (path, &json, "{", 400),
        (path, &json, "{}", 400),
        (path, &json, r#"{"name":"x","nam":1}"#, 400),
        (path, text, r#"{"name":"x"}"#, 415),
        (path, &[], r#"{"name":"x"}"#, 415),
        // Over the 64 KiB of the limit.
        (path, &json, &long, 413),
        (path, soon, r#"{"name":"x"}"#, 400),
        ("/devices/a%20b/commands", &json, r#"{"name":"x"}"#, 400),
    ];
    for (path, headers, body, status) in cases {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let answer = http_request(node.address, "POST", path, headers, body).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.json()["hint"].is_string());
    }
    assert_eq!(node.get(path).await.status, 405);
    assert_eq!(node.get("/nowhere").await.status, 404);
}

#[tokio::test]
async fn command_of_disconnected_caller_is_abandoned() {
    let node = TestNode::standalone();
    let mut device = TestDevice::open(&node, "d1").await;
    let request = node.command("d1");
    tokio::select! {
        _ = request => panic!("an answer without a reply"),
        _ = device.frame() => {}
    }
    node.wait_abandoned().await;
}

#[tokio::test]
async fn reply_to_unknown_command_is_dropped() {
    let node = TestNode::standalone();
    let mut device = TestDevice::open(&node, "d1").await;
    // Valid ids that no command has, and texts that are no ids.
    for id in ["c0", "cffff", "x", ""] {
        device
            .send(json!({"type": "reply", "id": id, "body": 1}))
            .await;
    }
    device.ping(b"still here").await;
}
