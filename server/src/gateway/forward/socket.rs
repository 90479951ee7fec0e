//! Upgrades to WebSocket: to a node, and if it takes the socket, a tunnel.
//!
//! A node that refuses (503) or cannot be reached is left for another. One that was
//! asked and does not answer is not: it may take the socket yet, and the device's
//! newest connection is the one that counts.

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
    time::{Instant, timeout_at},
};

use super::{
    answer,
    fields::{self, take_off_connection},
    origin,
};
use crate::{
    gateway::{
        account::SocketLease, fleet::Assigned, metrics::SocketOutcome, probe::failure,
        state::Gateway, tunnel::Ends, tunnels, upstream::Upstream,
    },
    wire::Wire,
};

/// What every node is asked.
struct Wish {
    uri: Uri,
    headers: HeaderMap,
}

/// Why a node gave no answer.
enum Failed {
    /// It was not asked.
    NotSent(io::Error),
    /// It was.
    Broken(hyper::Error),
}

/// Opens a socket at a node, and joins it with the client.
pub(super) async fn forward(gateway: &Arc<Gateway>, mut request: Request) -> Response {
    let limits = &gateway.config.limits;
    let deadline = Instant::now() + limits.upgrade_timeout;
    let client = hyper::upgrade::on(&mut request);
    let wish = Wish::of(gateway, request);
    let (mut tried, mut refusal) = (Vec::new(), None);
    while tried.len() < limits.attempts {
        let Some(Assigned { upstream, lease }) = gateway.fleet.assign(&tried, Instant::now())
        else {
            break;
        };
        match timeout_at(deadline, ask(gateway, &upstream, &wish)).await {
            Err(_) => {
                gateway.metrics.socket(SocketOutcome::TimedOut);
                return answer::timed_out(&upstream.id);
            }
            Ok(Ok(response)) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                return switched(gateway, response, client, lease);
            }
            Ok(Ok(response)) if response.status() == StatusCode::SERVICE_UNAVAILABLE => {
                tried.push(upstream.id.clone());
                gateway.metrics.retries.inc();
                refusal = Some(response);
            }
            Ok(Ok(response)) => {
                gateway.metrics.socket(SocketOutcome::Refused);
                return passed_on(response);
            }
            Ok(Err(Failed::Broken(error))) => {
                tracing::debug!(node = %upstream.id, %error, "upgrade");
                gateway.metrics.socket(SocketOutcome::Broken);
                return answer::broken(&upstream.id);
            }
            Ok(Err(Failed::NotSent(error))) => {
                tracing::debug!(node = %upstream.id, %error, "upgrade not sent");
                gateway
                    .fleet
                    .checked(&upstream, failure(&error), Instant::now());
                tried.push(upstream.id.clone());
                gateway.metrics.retries.inc();
            }
        }
    }
    match refusal {
        Some(response) => {
            gateway.metrics.socket(SocketOutcome::Refused);
            passed_on(response)
        }
        None => {
            gateway.metrics.socket(SocketOutcome::NoNode);
            answer::no_node()
        }
    }
}

impl Wish {
    fn of(gateway: &Gateway, request: Request) -> Self {
        let origin = origin(gateway, &request);
        let (mut parts, _) = request.into_parts();
        fields::prepare(&mut parts.headers, origin);
        let upgrade = HeaderValue::from_static("upgrade");
        parts.headers.insert(header::CONNECTION, upgrade);
        let websocket = HeaderValue::from_static("websocket");
        parts.headers.insert(header::UPGRADE, websocket);
        Self {
            uri: fields::origin_form(&parts.uri),
            headers: parts.headers,
        }
    }

    fn request(&self) -> hyper::Request<Empty<Bytes>> {
        let mut request = hyper::Request::new(Empty::new());
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// On a connection of its own, which the socket keeps.
async fn ask(
    gateway: &Gateway,
    upstream: &Upstream,
    wish: &Wish,
) -> Result<hyper::Response<Incoming>, Failed> {
    let within = gateway.config.limits.connect_timeout;
    let stream = upstream.dial(within).await.map_err(Failed::NotSent)?;
    let shaken = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(Failed::Broken)?;
    let connection = connection.with_upgrades();
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection to a node");
        }
    });
    let response = sender.send_request(wish.request()).await;
    response.map_err(Failed::Broken)
}

/// The node has taken the socket: so does the client, as soon as it has the answer.
fn switched(
    gateway: &Arc<Gateway>,
    mut response: hyper::Response<Incoming>,
    client: OnUpgrade,
    mut lease: SocketLease,
) -> Response {
    gateway.metrics.socket(SocketOutcome::Opened);
    lease.establish();
    let node = hyper::upgrade::on(&mut response);
    tokio::spawn(Box::pin(join(Arc::clone(gateway), client, node, lease)));
    let (parts, _) = response.into_parts();
    Response::from_parts(parts, Body::empty())
}

/// Waits for both connections to change hands, then starts the tunnel afresh: this
/// task's size is not paid for as long as the socket lives.
async fn join(gateway: Arc<Gateway>, client: OnUpgrade, node: OnUpgrade, lease: SocketLease) {
    let (client, node) = tokio::join!(client, node);
    let client = client.ok().map(Upgraded::downcast::<TokioIo<Wire>>);
    let node = node.ok().map(Upgraded::downcast::<TokioIo<TcpStream>>);
    // One of them is gone: so is the other, with this.
    let (Some(Ok(client)), Some(Ok(node))) = (client, node) else {
        return;
    };
    let ends = Ends {
        client: client.io.into_inner(),
        client_said: client.read_buf,
        node: node.io.into_inner(),
        node_said: node.read_buf,
    };
    tunnels::open(&gateway, ends, lease);
}

/// An answer that is no switch, as the node gave it.
fn passed_on(response: hyper::Response<Incoming>) -> Response {
    let mut response = response.map(Body::new);
    take_off_connection(response.headers_mut());
    response
}
