//! The rig of the tests: nodes, a broker, devices and an HTTP client.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use highwater_server::{BrokerConfig, NodeConfig, NodeError, NodeLimits, broker, listen, node};
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Error, Message, client::IntoClientRequest},
};
use tokio_util::sync::CancellationToken;

use crate::ground::{Ground, TestBackplaneKind};

/// Longer than any condition takes. A test that reaches it has failed.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// Returns limits with short waits. A drain with the default limits takes seconds.
pub(crate) fn quick_limits() -> NodeLimits {
    NodeLimits {
        drain_delay: Duration::from_millis(50),
        drain_reconnect_window: Duration::from_millis(200),
        ..NodeLimits::default()
    }
}

pub(crate) struct TestBroker {
    pub(crate) address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl TestBroker {
    pub(crate) fn start_at(address: SocketAddr, config: BrokerConfig) -> Self {
        let listener = listen(address).unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let running = broker::run(listener, config, shutdown.clone());
        let task = tokio::spawn(async { running.await.unwrap() });
        Self {
            address,
            shutdown,
            task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("local://{}", self.address)
    }

    pub(crate) async fn stop(self) -> SocketAddr {
        self.shutdown.cancel();
        self.task.await.unwrap();
        self.address
    }
}

/// The token of operators at nodes whose clients need tokens.
pub(crate) const ADMIN_TOKEN: &str = "an-admin-token-of-32-bytes-or-so";

pub(crate) struct TestNode {
    pub(crate) address: SocketAddr,
    /// Whether operators need [`ADMIN_TOKEN`].
    guards_operators: bool,
    pub(crate) shutdown: CancellationToken,
    task: JoinHandle<Result<(), NodeError>>,
}

pub(crate) fn config(id: &str) -> NodeConfig {
    NodeConfig {
        limits: quick_limits(),
        ..NodeConfig::new(id.parse().unwrap())
    }
}

impl TestNode {
    /// Starts a cluster of one node.
    pub(crate) fn standalone() -> Self {
        Self::start(config("n1"))
    }

    pub(crate) fn start(mut config: NodeConfig) -> Self {
        let listener = listen(any_port()).unwrap();
        let address = listener.local_addr().unwrap();
        let guards_operators = config.auth.as_ref().is_some_and(|auth| auth.required);
        if guards_operators {
            config.admin_token = Some(ADMIN_TOKEN.parse().unwrap());
        }
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(node::run(listener, config, shutdown.clone()));
        Self {
            address,
            guards_operators,
            shutdown,
            task,
        }
    }

    /// Starts a node, and returns it when it has joined the backplane and is ready.
    pub(crate) async fn join(id: &str, ground: &Ground) -> Self {
        Self::join_with(config(id), ground).await
    }

    pub(crate) async fn join_with(mut config: NodeConfig, ground: &Ground) -> Self {
        let backplane = ground.config();
        config.backplane = backplane.url;
        config.cluster = backplane.cluster;
        config.cluster_secret = backplane.secret;
        config.membership_lease = backplane.lease;
        let node = Self::start(config);
        // A node answers 503 until it is connected to its backplane.
        until("the node is ready", async || {
            node.get("/readyz").await.status == 200
        })
        .await;
        node
    }

    /// Ends the node as SIGKILL would, without a drain.
    pub(crate) fn kill(self) {
        // A dropped `node::run` closes its sockets as if the process had died.
        self.task.abort();
    }

    /// Waits for the node to end by itself.
    pub(crate) async fn wait_ended(self) {
        // The timeout, a panic and an error of the node all fail the test.
        self.result().await.unwrap();
    }

    /// Waits for the node to end by itself, and returns its result.
    pub(crate) async fn result(self) -> Result<(), NodeError> {
        let ended = timeout(TEST_TIMEOUT, self.task).await.unwrap();
        ended.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> HttpResponse {
        let token = format!("Bearer {ADMIN_TOKEN}");
        let is_guarded = self.guards_operators && matches!(path, "/metrics" | "/nodes");
        let headers: &[_] = match is_guarded {
            true => &[("authorization", token.as_str())],
            false => &[],
        };
        http_request(self.address, "GET", path, headers, Bytes::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> HttpResponse {
        self.post_with(path, &[], body).await
    }

    pub(crate) async fn post_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> HttpResponse {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        http_request(self.address, "POST", path, &all, body.to_string().into()).await
    }

    /// Sends a command with the rig's usual body.
    pub(crate) async fn command(&self, device: &str) -> HttpResponse {
        self.post(
            &format!("/devices/{device}/commands"),
            json!({"name": "read", "body": [1]}),
        )
        .await
    }

    pub(crate) async fn members(&self) -> Vec<String> {
        let nodes = self.get("/nodes").await.json();
        let id = |node: &Value| node["id"].as_str().unwrap().to_owned();
        nodes["nodes"].as_array().unwrap().iter().map(id).collect()
    }

    /// Returns the owner that this node sees.
    pub(crate) async fn owner(&self, device: &str) -> Option<String> {
        let answer = self.get(&format!("/devices/{device}")).await;
        answer.json()["owner"].as_str().map(str::to_owned)
    }

    /// Returns the value of a metric without labels.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").await.text();
        // With the space, so that the name is not the beginning of a longer one.
        let name = format!("{name} ");
        let value = text.lines().find_map(|line| line.strip_prefix(&name));
        value
            .unwrap_or_else(|| panic!("no {name}"))
            .parse()
            .unwrap()
    }

    /// Waits until the only command in flight has ended because its caller has left.
    pub(crate) async fn wait_abandoned(&self) {
        until("the command ends", async || {
            self.metric("highwater_commands_in_flight").await == 0.0
        })
        .await;
        let metrics = self.get("/metrics").await.text();
        let abandoned = "highwater_commands_total{outcome=\"abandoned\"} 1";
        assert!(metrics.contains(abandoned), "{metrics}");
    }
}

pub(crate) struct TestCluster {
    pub(crate) ground: Ground,
    pub(crate) nodes: Vec<TestNode>,
}

impl TestCluster {
    /// Starts nodes on the embedded broker.
    pub(crate) async fn start(count: usize) -> Self {
        Self::start_on(TestBackplaneKind::Local.ground(), count).await
    }

    pub(crate) async fn start_on(ground: Ground, count: usize) -> Self {
        Self::start_with(ground, count, |_| {}).await
    }

    pub(crate) async fn start_with(
        ground: Ground,
        count: usize,
        change: impl Fn(&mut NodeConfig),
    ) -> Self {
        let mut nodes = Vec::new();
        for number in 1..=count {
            let mut config = config(&format!("n{number}"));
            change(&mut config);
            nodes.push(TestNode::join_with(config, &ground).await);
        }
        let cluster = Self { ground, nodes };
        cluster.wait_for_members(count).await;
        cluster
    }

    /// Waits until every node sees `count` members.
    pub(crate) async fn wait_for_members(&self, count: usize) {
        for node in &self.nodes {
            until("the members are seen", async || {
                node.members().await.len() == count
            })
            .await;
        }
    }
}

/// Checks a condition until it holds. Each check makes a round trip, so the loop does not
/// spin.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waited = timeout(TEST_TIMEOUT, async {
        while !holds().await {
            // Nodes and devices of the test may run on this thread.
            tokio::task::yield_now().await;
        }
    });
    assert!(waited.await.is_ok(), "timed out before {what}");
}

#[derive(Debug)]
pub(crate) struct HttpResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl HttpResponse {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// Sends these bytes, and returns all bytes until the end of the connection.
pub(crate) async fn raw_request(address: SocketAddr, request: &str) -> String {
    let received = timeout(TEST_TIMEOUT, async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut received = Vec::new();
        // After a reset, the bytes before it count.
        let _ = stream.read_to_end(&mut received).await;
        String::from_utf8(received).unwrap()
    });
    received.await.unwrap()
}

/// Sends a request on a connection of its own.
pub(crate) async fn http_request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> HttpResponse {
    let done = timeout(TEST_TIMEOUT, async {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        // The request makes progress only while its connection is polled.
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = client
            .send_request(request.body(Full::new(body)).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        HttpResponse {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    });
    done.await
        .unwrap_or_else(|_| panic!("no answer to {method} {path}"))
}

/// A device's end of a socket. Its implementation (tungstenite) shares no code with the node.
pub(crate) struct TestDevice {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) headers: HeaderMap,
}

impl TestDevice {
    pub(crate) async fn open(node: &TestNode, id: &str) -> Self {
        Self::try_open(node, id).await.unwrap()
    }

    pub(crate) async fn try_open(node: &TestNode, id: &str) -> Result<Self, Box<Error>> {
        Self::open_at(node.address, id).await
    }

    pub(crate) async fn open_at(address: SocketAddr, id: &str) -> Result<Self, Box<Error>> {
        Self::open_path(address, &format!("/ws?device={id}")).await
    }

    /// Opens a device socket at any path.
    pub(crate) async fn open_path(address: SocketAddr, path: &str) -> Result<Self, Box<Error>> {
        let url = format!("ws://{address}{path}");
        let request = url.into_client_request().unwrap();
        let connected = timeout(TEST_TIMEOUT, tokio_tungstenite::connect_async(request));
        // Boxed, because tungstenite's error is large.
        let (socket, response) = connected.await.unwrap().map_err(Box::new)?;
        Ok(Self {
            socket,
            headers: response.headers().clone(),
        })
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.send_text(&frame.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> Option<Message> {
        let next = timeout(TEST_TIMEOUT, self.socket.next()).await;
        next.expect("the device timed out").and_then(Result::ok)
    }

    /// Returns the next JSON frame.
    pub(crate) async fn frame(&mut self) -> Value {
        loop {
            match self.next().await {
                Some(Message::Text(text)) => return serde_json::from_str(&text).unwrap(),
                // The pong of a ping whose test did not wait for it.
                Some(Message::Pong(_)) => {}
                other => panic!("expected a text frame, got {other:?}"),
            }
        }
    }

    /// Makes a round trip. The node has handled all earlier frames then, since it handles
    /// frames in order.
    pub(crate) async fn ping(&mut self, payload: &'static [u8]) {
        self.socket
            .send(Message::Ping(Bytes::from_static(payload)))
            .await
            .unwrap();
        loop {
            match self.next().await {
                Some(Message::Pong(answer)) if answer == payload => return,
                Some(Message::Text(_) | Message::Pong(_)) => {}
                other => panic!("expected a pong, got {other:?}"),
            }
        }
    }

    /// Returns the close code of the node; `None` if the socket ends without a close frame.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        loop {
            match self.next().await {
                Some(Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
                Some(_) => {}
                None => return None,
            }
        }
    }

    /// Replies to the next command with the command's body.
    pub(crate) async fn reply_to_next(&mut self) {
        let command = self.frame().await;
        assert_eq!(command["type"], "command");
        self.send(json!({"type": "reply", "id": command["id"], "body": command["body"]}))
            .await;
    }

    /// Replies to commands until the socket ends.
    pub(crate) fn reply_to_all(mut self) -> JoinHandle<()> {
        tokio::spawn(async move {
            while let Some(Ok(message)) = self.socket.next().await {
                let Message::Text(text) = message else {
                    continue;
                };
                let frame: Value = serde_json::from_str(&text).unwrap();
                if frame["type"] == "command" {
                    let reply = json!({"type": "reply", "id": frame["id"], "body": frame["body"]});
                    let sent = self.socket.send(Message::text(reply.to_string())).await;
                    // The node may close the socket between a command and its reply.
                    if sent.is_err() {
                        return;
                    }
                }
            }
        })
    }
}
