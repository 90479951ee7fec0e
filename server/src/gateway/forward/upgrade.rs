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

use super::{deadline::Rest, headers, local_reply, origin, request::returned};
use crate::{
    gateway::{
        backend_load::SocketLease, backend_set::Assigned, config::GatewayLimits,
        metrics::SocketOutcome, probe::failure, state::Gateway, tunnel::Ends, tunnels,
        upstream::Upstream,
    },
    stream::Wire,
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
    /// It went down meanwhile.
    Fallen,
    /// The client has waited for long enough.
    TimedOut,
}

/// Opens a socket at a node, and joins it with the client.
pub(super) async fn forward(gateway: &Arc<Gateway>, mut request: Request) -> Response {
    let limits = &gateway.config.limits;
    let deadline = Instant::now() + limits.upgrade_timeout;
    let client = hyper::upgrade::on(&mut request);
    let wish = Wish::of(gateway, request);
    let mut tried = Vec::new();
    // What the client is told if nobody takes the socket: the word of the last node
    // that was asked.
    let mut last = None;
    while tried.len() < limits.attempts {
        let Some(next) = gateway.fleet.assign(&tried, Instant::now()) else {
            break;
        };
        if !tried.is_empty() {
            gateway.metrics.retries.inc();
        }
        let id = next.upstream.id.clone();
        match ask(gateway, &next, &wish, deadline).await {
            Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                return switched(gateway, response, client, next.lease);
            }
            Ok(response) => {
                let is_full = response.status() == StatusCode::SERVICE_UNAVAILABLE;
                let rest = Rest::Silence(limits.answer_silence);
                last = Some((SocketOutcome::Refused, returned(response, rest, None)));
                if !is_full {
                    break;
                }
            }
            Err(Failed::TimedOut) => {
                last = Some((SocketOutcome::TimedOut, local_reply::timed_out(&id)));
                break;
            }
            Err(Failed::Fallen) => {
                last = Some((SocketOutcome::TimedOut, local_reply::timed_out(&id)))
            }
            Err(Failed::Broken(error)) => {
                tracing::debug!(node = %id, %error, "upgrade");
                last = Some((SocketOutcome::Broken, local_reply::broken(&id)));
            }
            Err(Failed::NotSent(error)) => {
                tracing::debug!(node = %id, %error, "upgrade not sent");
                let checked = failure(&error);
                gateway
                    .fleet
                    .checked(&next.upstream, checked, Instant::now());
            }
        }
        tried.push(id);
    }
    let (outcome, answer) = last.unwrap_or_else(|| (SocketOutcome::NoNode, local_reply::no_node()));
    gateway.metrics.socket(outcome);
    answer
}

impl Wish {
    fn of(gateway: &Gateway, request: Request) -> Self {
        let origin = origin(gateway, &request);
        let (mut parts, _) = request.into_parts();
        headers::prepare(&mut parts.headers, &parts.uri, origin);
        let upgrade = HeaderValue::from_static("upgrade");
        parts.headers.insert(header::CONNECTION, upgrade);
        let websocket = HeaderValue::from_static("websocket");
        parts.headers.insert(header::UPGRADE, websocket);
        Self {
            uri: headers::origin_form(&parts.uri),
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

/// Asks a node for as long as there is hope. Given up, its connection is closed.
async fn ask(
    gateway: &Gateway,
    next: &Assigned,
    wish: &Wish,
    deadline: Instant,
) -> Result<hyper::Response<Incoming>, Failed> {
    tokio::select! {
        // After a stall, what has come counts before that it is late.
        biased;
        answer = exchange(&gateway.config.limits, &next.upstream, wish) => answer,
        () = next.fallen.cancelled() => Err(Failed::Fallen),
        () = sleep_until(deadline) => Err(Failed::TimedOut),
    }
}

/// On a connection of its own, which the socket keeps.
async fn exchange(
    limits: &GatewayLimits,
    upstream: &Upstream,
    wish: &Wish,
) -> Result<hyper::Response<Incoming>, Failed> {
    let stream = upstream.dial(limits.connect_timeout).await;
    let shaken = http1::handshake(TokioIo::new(stream.map_err(Failed::NotSent)?)).await;
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
