//! Commands whose reply comes on an event stream.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::rig::{TestCluster, TestDevice, TestNode, config};

/// An event stream, as the bytes that arrive.
struct SseStream(TcpStream);

impl SseStream {
    /// Sends a command to device `d1` that requests its reply as events.
    async fn open(node: &TestNode, timeout_ms: u32) -> Self {
        let mut stream = TcpStream::connect(node.address).await.unwrap();
        // With `Connection: close` the connection ends with the stream.
        let request = format!(
            "POST /devices/d1/commands HTTP/1.1\r\nHost: t\r\nAccept: text/event-stream\r\n\
             X-Highwater-Timeout-Ms: {timeout_ms}\r\nContent-Type: application/json\r\n\
             Content-Length: 15\r\nConnection: close\r\n\r\n{{\"name\":\"read\"}}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        Self(stream)
    }

    /// Reads up to `end`, and returns the text with it.
    async fn read_until(&mut self, end: &str) -> String {
        let mut text = Vec::new();
        while !String::from_utf8_lossy(&text).contains(end) {
            assert_ne!(self.0.read_buf(&mut text).await.unwrap(), 0, "no {end:?}");
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Reads until the node ends the stream.
    async fn read_to_end(mut self) -> String {
        let mut text = Vec::new();
        self.0.read_to_end(&mut text).await.unwrap();
        String::from_utf8_lossy(&text).into_owned()
    }
}

#[tokio::test]
async fn event_stream_has_accepted_and_then_the_reply() {
    let node = TestNode::standalone();
    TestDevice::open(&node, "d1").await.reply_to_all();
    let headers = [("accept", "text/event-stream")];
    let body = json!({"name": "read", "body": {"a": 1}});
    let answer = node.post_with("/devices/d1/commands", &headers, body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert_eq!(
        answer.text(),
        "event: accepted\ndata: n1\n\n\
         event: reply\ndata: {\"device\":\"d1\",\"node\":\"n1\",\"owner\":\"n1\",\"body\":{\"a\":1}}\n\n"
    );
}

#[tokio::test]
async fn event_stream_has_an_error_as_event() {
    let node = TestNode::standalone();
    let headers = [("accept", "text/event-stream")];
    let answer = node
        .post_with("/devices/d1/commands", &headers, json!({"name": "read"}))
        .await;
    assert_eq!(answer.status, 200);
    let text = answer.text();
    assert!(
        text.contains("event: error\ndata: {\"status\":404,"),
        "{text}"
    );
}

#[tokio::test]
async fn event_stream_has_the_reply_of_another_node() {
    let cluster = TestCluster::start(2).await;
    TestDevice::open(&cluster.nodes[1], "d1")
        .await
        .reply_to_all();
    let headers = [("accept", "text/event-stream")];
    let body = json!({"name": "read", "body": 7});
    let answer = cluster.nodes[0]
        .post_with("/devices/d1/commands", &headers, body)
        .await;
    assert_eq!(
        answer.text(),
        "event: accepted\ndata: n1\n\n\
         event: reply\ndata: {\"device\":\"d1\",\"node\":\"n1\",\"owner\":\"n2\",\"body\":7}\n\n"
    );
}

#[tokio::test]
async fn silent_stream_is_kept_alive_until_its_deadline() {
    let node = TestNode::standalone();
    let mut device = TestDevice::open(&node, "d1").await;
    let mut stream = SseStream::open(&node, 50_000).await;
    stream.read_until("event: accepted\ndata: n1").await;
    assert_eq!(device.frame().await["type"], "command");
    // The paused clock advances from timer to timer of the node: 50 s take no time.
    tokio::time::pause();
    let rest = stream.read_to_end().await;
    // After 15, 30 and 45 s.
    assert_eq!(rest.matches("\n:\n\n").count(), 3, "{rest}");
    let error = rest.find("event: error\ndata: {\"status\":504,").unwrap();
    assert!(error > rest.rfind("\n:\n\n").unwrap(), "{rest}");
}

#[tokio::test]
async fn command_of_closed_stream_is_abandoned() {
    let mut config = config("n1");
    // A command that is left over would block the next one.
    config.limits.commands_per_device = 1;
    let node = TestNode::start(config);
    let mut device = TestDevice::open(&node, "d1").await;
    let mut stream = SseStream::open(&node, 60_000).await;
    stream.read_until("event: accepted").await;
    assert_eq!(device.frame().await["type"], "command");
    drop(stream);
    node.wait_abandoned().await;
    // The device may have one command, so the abandoned one does not count any more.
    device.reply_to_all();
    assert_eq!(node.command("d1").await.status, 200);
}
