//! A node in this process, on a free port.

use std::net::SocketAddr;

use bytes::Bytes;
use highwater_server::{NodeConfig, NodeError, listen, node};
use serde_json::{Value, json};
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{HttpResponse, TEST_TIMEOUT, any_port, http_request, quick_limits, until};
use crate::ground::Ground;

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
        config.telemetry = ground.telemetry_queue();
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
