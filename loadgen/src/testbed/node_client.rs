//! What is asked of a node over HTTP.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use reqwest::{Client, RequestBuilder, Response, header};
use serde::{Deserialize, Serialize};

use super::{TestbedError, credentials::Credentials};
use crate::sampling::scrape::{ScrapeError, scrape};

/// Longest time for one answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How much of a refusal an error message shows, in characters.
const MAX_SHOWN_BODY_CHARS: usize = 300;

/// Asks nodes.
#[derive(Debug)]
pub(super) struct NodeClient {
    client: Client,
    scheme: &'static str,
}

/// The answer of `GET /nodes`, as far as it matters here.
#[derive(Debug, Deserialize)]
struct NodesResponse {
    /// A node that is cut off goes on to list those it saw last.
    connected: bool,
    nodes: Vec<NodesResponseRow>,
}

#[derive(Debug, Deserialize)]
struct NodesResponseRow {
    id: String,
}

impl NodeClient {
    pub(super) fn new(credentials: &Credentials) -> Result<Self, TestbedError> {
        let client = credentials.trust().http_client(|client| {
            client
                .timeout(REQUEST_TIMEOUT)
                // No connection that a node would count among its open files.
                .pool_max_idle_per_host(0)
        })?;
        let scheme = if credentials.nodes_use_tls() {
            "https"
        } else {
            "http"
        };
        Ok(Self { client, scheme })
    }

    /// `GET /readyz` of a process that speaks `scheme`: nothing if it is ready, else
    /// why not.
    pub(super) async fn ready(
        &self,
        scheme: &str,
        process: SocketAddr,
    ) -> Result<(), TestbedError> {
        let url = format!("{scheme}://{process}/readyz");
        send(self.client.get(&url), &url).await.map(drop)
    }

    /// `GET` of any address: the text of the answer, within less than a second.
    pub(super) async fn text(&self, url: &str) -> Result<String, ScrapeError> {
        scrape(&self.client, url).await
    }

    /// What nodes speak: `http` or `https`.
    pub(super) fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// `GET /nodes`: the names of the nodes that this node sees now.
    pub(super) async fn visible_nodes(
        &self,
        node: SocketAddr,
    ) -> Result<BTreeSet<String>, TestbedError> {
        let url = format!("{}://{node}/nodes", self.scheme);
        let answer = send(self.client.get(&url), &url).await?;
        let body = answer
            .bytes()
            .await
            .map_err(|source| failed(&url, source))?;
        match serde_json::from_slice::<NodesResponse>(&body) {
            Ok(members) if !members.connected => Ok(BTreeSet::new()),
            Ok(members) => Ok(members.nodes.into_iter().map(|node| node.id).collect()),
            Err(error) => Err(TestbedError::InvalidResponse {
                url,
                reason: error.to_string(),
            }),
        }
    }

    /// `POST /admin/drain`.
    pub(super) async fn drain(&self, node: SocketAddr) -> Result<(), TestbedError> {
        let url = format!("{}://{node}/admin/drain", self.scheme);
        send(self.client.post(&url), &url).await.map(drop)
    }

    /// `POST /admin/faults` with this body.
    pub(super) async fn inject_fault(
        &self,
        node: SocketAddr,
        body: &impl Serialize,
    ) -> Result<(), TestbedError> {
        self.post(node, "/admin/faults", body).await
    }

    /// `POST /admin/rebalance` with this body.
    pub(super) async fn rebalance(
        &self,
        node: SocketAddr,
        body: &impl Serialize,
    ) -> Result<(), TestbedError> {
        self.post(node, "/admin/rebalance", body).await
    }

    async fn post(
        &self,
        node: SocketAddr,
        path: &str,
        body: &impl Serialize,
    ) -> Result<(), TestbedError> {
        let url = format!("{}://{node}{path}", self.scheme);
        let body = serde_json::to_vec(body).map_err(|error| TestbedError::InvalidResponse {
            url: url.clone(),
            reason: error.to_string(),
        })?;
        let request = self
            .client
            .post(&url)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body);
        send(request, &url).await.map(drop)
    }
}

async fn send(request: RequestBuilder, url: &str) -> Result<Response, TestbedError> {
    let answer = request.send().await.map_err(|source| failed(url, source))?;
    if answer.status().is_success() {
        return Ok(answer);
    }
    let status = answer.status().as_u16();
    let body = answer.text().await.unwrap_or_default();
    Err(TestbedError::RequestRejected {
        url: url.into(),
        status,
        body: body.chars().take(MAX_SHOWN_BODY_CHARS).collect(),
    })
}

fn failed(url: &str, source: reqwest::Error) -> TestbedError {
    TestbedError::Request {
        url: url.into(),
        source,
    }
}
