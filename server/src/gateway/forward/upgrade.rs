//! Upgrades to WebSocket: to a node, and if it accepts, a tunnel.
//!
//! | a node that                          | is given up for another |
//! |--------------------------------------|-------------------------|
//! | cannot be reached, or breaks off     | at once                 |
//! | rejects (503)                        | at once                 |
//! | goes down, or leaves the membership  | at that moment          |
//! | is slow                              | never                   |
//!
//! A slow node may still accept the socket, and would then replace the newer one at another node.
//! A node that was down finds the connection closed when it continues, and drops the request.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
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
use tokio::{net::TcpStream, time::Instant};

use super::{
    deadline::BodyTimeout,
    local_reply::{self, SendFailure},
    request::client_response,
    response_within, rewrite_request,
};
use crate::{
    api::UPGRADE_HEADERS,
    gateway::{
        backend_load::ConnectionGuard,
        config::GatewayLimits,
        metrics::Outcome,
        probe::classify_error,
        state::GatewayState,
        tunnel::{TunnelStreams, spawn_tunnel},
        upstream::Upstream,
    },
    net::{admission::Permit, stream::MaybeTlsStream},
};

/// The upgrade request that each node gets.
type UpgradeRequest = hyper::Request<Empty<Bytes>>;

/// Opens a socket at a node, and joins it with the client.
pub(super) async fn forward(gateway: &Arc<GatewayState>, mut request: Request) -> Response {
    let limits = &gateway.config.limits;
    let deadline = Instant::now() + limits.upgrade_timeout;
    // Before a node is asked, so that a socket beyond the limit costs no connection.
    let Some(permit) = gateway.connections.sockets.try_acquire() else {
        let (outcome, response) = local_reply::at_capacity();
        gateway.metrics.record_upgrade(outcome);
        return response;
    };
    let client = hyper::upgrade::on(&mut request);
    let upgrade = upgrade_request(gateway, request);
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
        let sent = send_to_node(limits, &next.upstream, upgrade.clone());
        match response_within(deadline, Some(&next.unavailable), sent).await {
            Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                return start_tunnel(gateway, response, client, next.guard, permit);
            }
            Ok(response) => {
                let is_full = response.status() == StatusCode::SERVICE_UNAVAILABLE;
                let body_timeout = BodyTimeout::Idle(limits.response_idle_timeout);
                let response = with_upgrade(client_response(response, body_timeout, None));
                last = Some((Outcome::Rejected, response));
                // With 503 the node is full or drains, and another may accept the socket.
                if !is_full {
                    break;
                }
            }
            Err(failure) => {
                tracing::debug!(node = %id, %failure, "a node did not answer an upgrade");
                last = failure.local_reply(&id).or(last);
                match failure {
                    SendFailure::NotSent((), error) => {
                        let (checked, now) = (classify_error(&error), Instant::now());
                        gateway.backends.record_probe(&next.upstream, checked, now);
                    }
                    SendFailure::Broken(_)
                    | SendFailure::ClientBroken(_)
                    | SendFailure::Unavailable => {}
                    SendFailure::TimedOut => break,
                }
            }
        }
        tried.push(id);
    }
    let (outcome, response) = last.unwrap_or_else(local_reply::no_node);
    gateway.metrics.record_upgrade(outcome);
    response
}

/// Names the protocol again in a 426, which is of the client's connection too (RFC 9110, section
/// 15.5.22).
fn with_upgrade(mut response: Response) -> Response {
    if response.status() == StatusCode::UPGRADE_REQUIRED {
        for (name, value) in UPGRADE_HEADERS {
            let value = HeaderValue::from_static(value);
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn upgrade_request(gateway: &GatewayState, request: Request) -> UpgradeRequest {
    let (parts, _) = rewrite_request(gateway, request).into_parts();
    let mut upgrade = UpgradeRequest::new(Empty::new());
    *upgrade.uri_mut() = parts.uri;
    *upgrade.headers_mut() = parts.headers;
    // Added again, because the rewrite has removed all fields of the client's connection.
    for (name, value) in [
        (header::CONNECTION, "upgrade"),
        (header::UPGRADE, "websocket"),
    ] {
        upgrade
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    upgrade
}

/// Sends the request on a new connection, which becomes the socket's.
async fn send_to_node(
    limits: &GatewayLimits,
    upstream: &Upstream,
    request: UpgradeRequest,
) -> Result<hyper::Response<Incoming>, SendFailure<()>> {
    let stream = upstream.dial(limits.connect_timeout).await;
    let stream = stream.map_err(|error| SendFailure::NotSent((), error))?;
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(SendFailure::Broken)?;
    let connection = connection.with_upgrades();
    // Ends with its sender, so giving up a node closes the connection.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "the connection to a node failed");
        }
    });
    let response = sender.send_request(request).await;
    response.map_err(SendFailure::Broken)
}

/// Forwards a node's 101, and joins both connections once the client has it.
fn start_tunnel(
    gateway: &Arc<GatewayState>,
    mut response: hyper::Response<Incoming>,
    client: OnUpgrade,
    mut guard: ConnectionGuard,
    permit: Permit,
) -> Response {
    gateway.metrics.record_upgrade(Outcome::Opened);
    guard.mark_active();
    let node = hyper::upgrade::on(&mut response);
    let joined = join_streams(Arc::clone(gateway), client, node, guard, permit);
    tokio::spawn(Box::pin(joined));
    response.map(|_| Body::empty())
}

/// Waits for both connections, then starts the tunnel.
async fn join_streams(
    gateway: Arc<GatewayState>,
    client: OnUpgrade,
    node: OnUpgrade,
    guard: ConnectionGuard,
    permit: Permit,
) {
    let (client, node) = tokio::join!(client, node);
    let client = client.map(Upgraded::downcast::<TokioIo<MaybeTlsStream>>);
    let node = node.map(Upgraded::downcast::<TokioIo<TcpStream>>);
    // If one connection has ended, returning closes the other.
    let (Ok(Ok(client)), Ok(Ok(node))) = (client, node) else {
        return;
    };
    let streams = TunnelStreams {
        client: client.io.into_inner(),
        client_buffered: client.read_buf,
        node: node.io.into_inner(),
        node_buffered: node.read_buf,
    };
    // In a new task: the size of this one is not paid for as long as the socket lives.
    spawn_tunnel(&gateway.tunnels, streams, guard, permit);
}
