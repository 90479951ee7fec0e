//! `/app/…`: commands to devices and telemetry.

use highwater_stomp::{Frame, header};
use serde_json::{Value, json};

use super::{StompClient, client::message_to};
use crate::rig::{TestCluster, TestDevice, TestNode};

fn json_of(frame: &Frame) -> Value {
    serde_json::from_slice(&frame.body).unwrap()
}

#[tokio::test]
async fn command_reaches_a_device_of_another_node_and_its_reply_comes_back() {
    let cluster = TestCluster::start(2).await;
    let mut client = StompClient::connect(&cluster.nodes[0], "anna").await;
    let device = TestDevice::open(&cluster.nodes[1], "lamp").await;
    let device = device.reply_to_all();
    client.subscribe("1", "/user/queue/replies", "auto").await;
    client
        .request(
            message_to("/app/devices/lamp/commands/switch", r#"{"on":true}"#)
                .with("correlation-id", "c-1"),
        )
        .await;
    let reply = client.message().await;
    assert_eq!(json_of(&reply), json!({"on": true}));
    for (name, value) in [
        ("status", "200"),
        ("device", "lamp"),
        ("owner", "n2"),
        ("correlation-id", "c-1"),
        (header::CONTENT_TYPE, "application/json"),
    ] {
        assert_eq!(reply.get(name), Some(value), "{reply:?}");
    }
    // To a destination of the client's choice.
    client.subscribe("2", "/queue/mine", "auto").await;
    client
        .request(
            message_to("/app/devices/lamp/commands/switch", "1").with("reply-to", "/queue/mine"),
        )
        .await;
    let reply = client.message().await;
    assert_eq!(reply.get(header::DESTINATION), Some("/queue/mine"));
    device.abort();
}

#[tokio::test]
async fn command_to_an_absent_device_is_answered_with_404() {
    let node = TestNode::standalone();
    let mut client = StompClient::connect(&node, "anna").await;
    client.subscribe("1", "/user/queue/replies", "auto").await;
    client.publish("/app/devices/nowhere/commands/x", "").await;
    let reply = client.message().await;
    assert_eq!(reply.get("status"), Some("404"));
    assert_eq!(json_of(&reply)["error"], "the device is not connected");
}

#[tokio::test]
async fn command_with_an_invalid_body_or_timeout_ends_the_session() {
    let node = TestNode::standalone();
    for (frame, text) in [
        (
            message_to("/app/devices/d/commands/x", "{"),
            "invalid body: expected JSON: EOF while parsing an object at line 1 column 1",
        ),
        (
            message_to("/app/devices/d/commands/x", "1").with("timeout-ms", "0"),
            "invalid header timeout-ms \"0\": expected milliseconds from 1 to 60000",
        ),
    ] {
        let mut client = StompClient::connect(&node, "anna").await;
        client.send(frame).await;
        assert_eq!(client.error().await, (text.to_owned(), 1007));
    }
}

#[tokio::test]
async fn telemetry_gets_its_outcome() {
    // A consumer group at the embedded broker is needed to accept a record, and a node alone has
    // no queue.
    let node = TestNode::standalone();
    let mut client = StompClient::connect(&node, "anna").await;
    client.subscribe("1", "/user/queue/replies", "auto").await;
    client.publish("/app/devices/d/telemetry/r-1", "21.5").await;
    let reply = client.message().await;
    assert_eq!(reply.get("status"), Some("503"));
    let body = json_of(&reply);
    assert_eq!(
        (&body["rejected"], &body["reason"]),
        (&json!("r-1"), &json!("no_queue"))
    );
}
