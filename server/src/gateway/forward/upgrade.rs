//! Upgrades to WebSocket: to a node, and if it takes the socket, a tunnel.
//!
//! | a node that                          | is left for another |
//! |--------------------------------------|---------------------|
//! | cannot be reached, or breaks off     | at once             |
//! | refuses (503)                        | at once             |
//! | goes down, or is no member any more  | at that moment      |
//! | is slow                              | never               |
//!
//! One that is slow may take the socket yet, and the newest connection of a device is
//! the one that counts. One that was down finds the connection ended when it goes on,
//! and drops what it was asked: a device that came back by itself would leave it no
//! more time.

use std::{io, sync::Arc};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::Response,
};
use bytes::Bytes;
use http_body_util::Empty;
use hyper::{
    body::Incoming,
    client::conn::http1,
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep_until},
};

use super::{client_info, deadline::BodyTimeout, headers, local_reply, request::client_response};
use crate::{
    gateway::{
        backend_load::ConnectionGuard,
        backend_set::SocketPick,
        config::GatewayLimits,
        metrics::UpgradeOutcome,
        probe::classify_error,
        state::GatewayState,
        tunnel::{TunnelStreams, spawn_tunnel},
        upstream::Upstream,
    },
    net::stream::MaybeTlsStream,
};

/// The upgrade request that each node gets.
struct UpgradeRequest {
    uri: Uri,
    headers: HeaderMap,
}

/// The reason why a node gave no response.
enum UpgradeFailure {
    /// No byte was sent.
    NotSent(io::Error),
    /// The request was sent.
    Broken(hyper::Error),
    /// The node went down while the gateway waited.
    Unavailable,
    /// The client has waited for long enough.
    TimedOut,
}

/// Opens a socket at a node, and joins it with the client.
pub(super) async fn forward(gateway: &Arc<GatewayState>, mut request: Request) -> Response {
    let limits = &gateway.config.limits;
    let deadline = Instant::now() + limits.upgrade_timeout;
    let client = hyper::upgrade::on(&mut request);
    let upgrade = UpgradeRequest::new(gateway, request);
    let mut tried = Vec::new();
    // The response for the client if no node accepts the socket: that of the last node.
    let mut last = None;
    while tried.len() < limits.max_attempts {
        let Some(next) = gateway.backends.pick_for_socket(&tried, Instant::now()) else {
            break;
        };
        if !tried.is_empty() {
            gateway.metrics.retries.inc();
        }
        let id = next.upstream.id.clone();
        match send_until_deadline(gateway, &next, &upgrade, deadline).await {
            Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                return start_tunnel(gateway, response, client, next.guard);
            }
            Ok(response) => {
                let is_full = response.status() == StatusCode::SERVICE_UNAVAILABLE;
                let body_timeout = BodyTimeout::Idle(limits.response_idle_timeout);
                last = Some((
                    UpgradeOutcome::Rejected,
                    client_response(response, body_timeout, None),
                ));
                if !is_full {
                    break;
                }
            }
            Err(UpgradeFailure::TimedOut) => {
                last = Some((UpgradeOutcome::TimedOut, local_reply::timed_out(&id)));
                break;
            }
            Err(UpgradeFailure::Unavailable) => {
                last = Some((UpgradeOutcome::TimedOut, local_reply::timed_out(&id)))
            }
            Err(UpgradeFailure::Broken(error)) => {
                tracing::debug!(node = %id, %error, "upgrade");
                last = Some((UpgradeOutcome::Broken, local_reply::broken(&id)));
            }
            Err(UpgradeFailure::NotSent(error)) => {
                tracing::debug!(node = %id, %error, "upgrade not sent");
                let checked = classify_error(&error);
                gateway
                    .backends
                    .record_probe(&next.upstream, checked, Instant::now());
            }
        }
        tried.push(id);
    }
    let (outcome, answer) =
        last.unwrap_or_else(|| (UpgradeOutcome::NoNode, local_reply::no_node()));
    gateway.metrics.record_upgrade(outcome);
    answer
}

impl UpgradeRequest {
    fn new(gateway: &GatewayState, request: Request) -> Self {
        let client = client_info(gateway, &request);
        let (mut parts, _) = request.into_parts();
        headers::rewrite_headers(&mut parts.headers, &parts.uri, client);
        let upgrade = HeaderValue::from_static("upgrade");
        parts.headers.insert(header::CONNECTION, upgrade);
        let websocket = HeaderValue::from_static("websocket");
        parts.headers.insert(header::UPGRADE, websocket);
        Self {
            uri: headers::origin_form(&parts.uri),
            headers: parts.headers,
        }
    }

    fn to_request(&self) -> hyper::Request<Empty<Bytes>> {
        let mut request = hyper::Request::new(Empty::new());
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// Asks a node for as long as there is hope. Given up, its connection is closed.
async fn send_until_deadline(
    gateway: &GatewayState,
    next: &SocketPick,
    upgrade: &UpgradeRequest,
    deadline: Instant,
) -> Result<hyper::Response<Incoming>, UpgradeFailure> {
    tokio::select! {
        // After a stall, what has come counts before that it is late.
        biased;
        answer = send_to_node(&gateway.config.limits, &next.upstream, upgrade) => answer,
        () = next.unavailable.cancelled() => Err(UpgradeFailure::Unavailable),
        () = sleep_until(deadline) => Err(UpgradeFailure::TimedOut),
    }
}

/// Sends the request on a new connection, which becomes the socket's.
async fn send_to_node(
    limits: &GatewayLimits,
    upstream: &Upstream,
    upgrade: &UpgradeRequest,
) -> Result<hyper::Response<Incoming>, UpgradeFailure> {
    let stream = upstream.dial(limits.connect_timeout).await;
    let shaken = http1::handshake(TokioIo::new(stream.map_err(UpgradeFailure::NotSent)?)).await;
    let (mut sender, connection) = shaken.map_err(UpgradeFailure::Broken)?;
    let connection = connection.with_upgrades();
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection to a node");
        }
    });
    let response = sender.send_request(upgrade.to_request()).await;
    response.map_err(UpgradeFailure::Broken)
}

/// The node has taken the socket: so does the client, as soon as it has the answer.
fn start_tunnel(
    gateway: &Arc<GatewayState>,
    mut response: hyper::Response<Incoming>,
    client: OnUpgrade,
    mut guard: ConnectionGuard,
) -> Response {
    gateway.metrics.record_upgrade(UpgradeOutcome::Opened);
    guard.mark_active();
    let node = hyper::upgrade::on(&mut response);
    tokio::spawn(Box::pin(join_streams(
        Arc::clone(gateway),
        client,
        node,
        guard,
    )));
    let (parts, _) = response.into_parts();
    Response::from_parts(parts, Body::empty())
}

/// Waits for both connections to change hands, then starts the tunnel afresh: this
/// task's size is not paid for as long as the socket lives.
async fn join_streams(
    gateway: Arc<GatewayState>,
    client: OnUpgrade,
    node: OnUpgrade,
    guard: ConnectionGuard,
) {
    let (client, node) = tokio::join!(client, node);
    let client = client
        .ok()
        .map(Upgraded::downcast::<TokioIo<MaybeTlsStream>>);
    let node = node.ok().map(Upgraded::downcast::<TokioIo<TcpStream>>);
    // One of them is gone: so is the other, with this.
    let (Some(Ok(client)), Some(Ok(node))) = (client, node) else {
        return;
    };
    let streams = TunnelStreams {
        client: client.io.into_inner(),
        client_buffered: client.read_buf,
        node: node.io.into_inner(),
        node_buffered: node.read_buf,
    };
    spawn_tunnel(&gateway.tunnels, streams, guard);
}
