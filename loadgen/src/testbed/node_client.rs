//! HTTP requests of the testbed to nodes and gateways.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use reqwest::{Client, RequestBuilder, Response, header};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{TestbedError, credentials::Credentials};
use crate::{
    access::bearer_headers,
    sampling::scrape::{ScrapeError, scrape},
};

/// The longest time for one answer. A paused node accepts the connection and never answers.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The most characters of a rejection that an error shows.
const MAX_SHOWN_BODY_CHARS: usize = 300;

/// An HTTP client for nodes.
#[derive(Debug)]
pub(super) struct NodeClient {
    client: Client,
    /// The scheme of nodes: `http` or `https`.
    pub(super) scheme: &'static str,
}

/// The part of the answer to `GET /nodes` that the testbed reads.
#[derive(Debug, Deserialize)]
struct NodesResponse {
    /// Whether the node is connected to the backplane. A node that is cut off still lists
    /// the nodes that it saw last.
    connected: bool,
    nodes: Vec<NodesResponseRow>,
}

#[derive(Debug, Deserialize)]
struct NodesResponseRow {
    id: String,
}

impl NodeClient {
    /// A client that trusts the certificates of the cluster.
    pub(super) fn new(credentials: &Credentials) -> Result<Self, TestbedError> {
        let client = credentials.verification().http_client(|client| {
            client
                .timeout(REQUEST_TIMEOUT)
                .default_headers(bearer_headers(credentials.admin_token.as_ref()))
                // No idle connections: a node would count them among its open files.
                .pool_max_idle_per_host(0)
        })?;
        Ok(Self {
            client,
            scheme: credentials.node_scheme().http,
        })
    }

    /// Sends `GET /readyz` to a process that speaks `scheme`, and fails unless it is ready.
    pub(super) async fn ready(
        &self,
        scheme: &str,
        process: SocketAddr,
    ) -> Result<(), TestbedError> {
        let url = format!("{scheme}://{process}/readyz");
        send(self.client.get(&url), &url).await.map(drop)
    }

    /// Returns the text at any address, within less than a second.
    pub(super) async fn text(&self, url: &str) -> Result<String, ScrapeError> {
        scrape(&self.client, url).await
    }

    /// Sends `GET /nodes` and returns the names of the nodes that this node sees now; none
    /// if it is cut off from the backplane.
    pub(super) async fn visible_nodes(
        &self,
        node: SocketAddr,
    ) -> Result<BTreeSet<String>, TestbedError> {
        let url = format!("{}://{node}/nodes", self.scheme);
        let answer = send(self.client.get(&url), &url).await?;
        let body = answer
            .bytes()
            .await
            .map_err(|source| request_error(&url, source))?;
        match serde_json::from_slice::<NodesResponse>(&body) {
            // Otherwise a restart of the broker would look finished before it has begun.
            Ok(response) if !response.connected => Ok(BTreeSet::new()),
            Ok(response) => Ok(response.nodes.into_iter().map(|node| node.id).collect()),
            Err(error) => Err(TestbedError::InvalidResponse {
                url,
                reason: error.to_string(),
            }),
        }
    }

    /// Sends `POST /admin/drain`.
    pub(super) async fn drain(&self, node: SocketAddr) -> Result<(), TestbedError> {
        // Nodes take no request of operators without JSON.
        self.post(node, "/admin/drain", &json!({})).await
    }

    /// Sends a JSON body with `POST` to a path of a node.
    pub(super) async fn post(
        &self,
        node: SocketAddr,
        path: &str,
        body: &impl Serialize,
    ) -> Result<(), TestbedError> {
        let url = format!("{}://{node}{path}", self.scheme);
        let body = serde_json::to_vec(body).map_err(TestbedError::RequestBody)?;
        let request = self
            .client
            .post(&url)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body);
        send(request, &url).await.map(drop)
    }
}

async fn send(request: RequestBuilder, url: &str) -> Result<Response, TestbedError> {
    let sent = request.send().await;
    let answer = sent.map_err(|source| request_error(url, source))?;
    if answer.status().is_success() {
        return Ok(answer);
    }
    let status = answer.status().as_u16();
    // The status is the error; a body that breaks off only shortens its text.
    let body = answer.text().await.unwrap_or_default();
    Err(TestbedError::RequestRejected {
        url: url.into(),
        status,
        body: body.chars().take(MAX_SHOWN_BODY_CHARS).collect(),
    })
}

fn request_error(url: &str, source: reqwest::Error) -> TestbedError {
    TestbedError::Request {
        url: url.into(),
        source,
    }
}
