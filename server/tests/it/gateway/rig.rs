//! A gateway in this process, on a free port.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use highwater_server::{
    GatewayConfig, GatewayError, GatewayLimits, ListenSockets, gateway, listen,
};
use hyper::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_tungstenite::tungstenite::Error;
use tokio_util::sync::CancellationToken;

use crate::{
    ground::Ground,
    rig::{HttpResponse, TEST_TIMEOUT, TestDevice, any_port, http_request, raw_request, until},
};

pub(crate) struct TestGateway {
    pub(crate) address: SocketAddr,
    /// Address of the admin listener, if there is one.
    pub(crate) admin: Option<SocketAddr>,
    task: JoinHandle<Result<(), GatewayError>>,
}

/// Returns a configuration for the nodes of that ground, with short time limits.
pub(crate) fn config(id: &str, ground: &Ground) -> GatewayConfig {
    let backplane = ground.config();
    GatewayConfig {
        cluster: backplane.cluster,
        cluster_secret: backplane.secret,
        membership_lease: backplane.lease,
        health_interval: Duration::from_millis(50),
        // With slow start, chance would decide whether a new node gets the next socket.
        slow_start: Duration::ZERO,
        limits: GatewayLimits {
            drain_delay: Duration::from_millis(50),
            ..GatewayLimits::default()
        },
        ..GatewayConfig::new(id.parse().unwrap(), ground.url())
    }
}

impl TestGateway {
    /// Starts a gateway without waiting for nodes.
    pub(crate) fn start(config: GatewayConfig) -> Self {
        Self::start_on(config, None)
    }

    /// Starts a gateway with an admin listener.
    pub(crate) fn start_with_admin(config: GatewayConfig) -> Self {
        Self::start_on(config, Some(listen(any_port()).unwrap()))
    }

    fn start_on(config: GatewayConfig, admin: Option<TcpListener>) -> Self {
        let public = listen(any_port()).unwrap();
        let address = public.local_addr().unwrap();
        let admin_address = admin.as_ref().map(|admin| admin.local_addr().unwrap());
        let listeners = ListenSockets { public, admin };
        let task = tokio::spawn(gateway::run(listeners, config, CancellationToken::new()));
        Self {
            address,
            admin: admin_address,
            task,
        }
    }

    /// Starts a gateway and waits until it has that many nodes that accept sockets.
    pub(crate) async fn in_front(config: GatewayConfig, nodes: usize) -> Self {
        let gateway = Self::start(config);
        gateway.has_up(nodes).await;
        gateway
    }

    /// Waits until that many nodes are up.
    pub(crate) async fn has_up(&self, nodes: usize) {
        until("the nodes are up", async || {
            let listed = self.nodes().await;
            listed.iter().filter(|node| node["state"] == "up").count() == nodes
        })
        .await;
    }

    /// Waits until a node is in that state.
    pub(crate) async fn sees(&self, id: &str, state: &str) {
        until(state, async || self.node(id).await["state"] == state).await;
    }

    /// Returns the rows of all nodes.
    pub(crate) async fn nodes(&self) -> Vec<Value> {
        // With an admin listener, the public one answers 404 here.
        let address = self.admin.unwrap_or(self.address);
        let answer = http_request(address, "GET", "/nodes", &[], Bytes::new()).await;
        answer.json()["nodes"].as_array().unwrap().clone()
    }

    /// Returns the row of a node, or `null` if the gateway does not know it.
    pub(crate) async fn node(&self, id: &str) -> Value {
        let nodes = self.nodes().await;
        let node = nodes.into_iter().find(|node| node["id"] == id);
        node.unwrap_or(Value::Null)
    }

    pub(crate) async fn get(&self, path: &str) -> HttpResponse {
        http_request(self.address, "GET", path, &[], Bytes::new()).await
    }

    /// Returns the response to an upgrade that is rejected.
    pub(crate) async fn rejection(&self, path: &str) -> (StatusCode, HeaderMap) {
        match TestDevice::open_path(self.address, path).await {
            Err(error) => match *error {
                Error::Http(response) => (response.status(), response.headers().clone()),
                other => panic!("{other}"),
            },
            Ok(_) => panic!("{path} was accepted"),
        }
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> HttpResponse {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        http_request(self.address, "POST", path, &all, body.to_string().into()).await
    }

    /// Sends these bytes, and returns all bytes until the end of the connection.
    pub(crate) async fn send_raw(&self, request: &str) -> String {
        raw_request(self.address, request).await
    }

    /// Sends a command with the rig's usual body.
    pub(crate) async fn command(&self, device: &str) -> HttpResponse {
        let path = format!("/devices/{device}/commands");
        self.post(&path, &[], json!({"name": "read", "body": [1]}))
            .await
    }

    /// Ends the gateway as SIGKILL would, without a drain.
    pub(crate) fn kill(self) {
        self.task.abort();
    }

    /// Waits for the gateway to end by itself.
    pub(crate) async fn ended(self) {
        timeout(TEST_TIMEOUT, self.task)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
}
