//! Forwarding of clients' requests and sockets to nodes.
//!
//! ```text
//! client ─► headers ─► request ─► UpstreamConnection ─► node
//!              │          └─► body ◄── response ◄──────── node
//!              └─► upgrade ─► tunnel ◄────────────────► node
//!                     no node or no answer ─► local_reply
//! ```
//!
//! In reading order: `headers` (added and removed header fields), `max_forwards` (the proxies
//! that a request may pass), `local_reply` (the gateway's own responses), `deadline` (time
//! limits), `request`, `body`, `upgrade`.

mod body;
mod deadline;
mod headers;
mod local_reply;
mod max_forwards;
mod request;
mod upgrade;

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{Method, StatusCode, Version, header},
    response::{IntoResponse, Response},
};
use futures_util::future::OptionFuture;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use self::{
    local_reply::SendFailure,
    max_forwards::{MaxForwards, count_down},
};
use super::state::GatewayState;
use crate::{
    api::{ApiError, method_not_allowed},
    net::{
        listener::Client,
        ws::handshake::{InvalidUpgrade, has_upgrade_headers, is_upgrade},
    },
};

/// The paths of sockets at nodes.
const SOCKET_PATHS: [&str; 2] = ["/ws", "/stomp"];
/// The methods that nodes know (RFC 9110, section 15.5.6).
const ALLOWED_METHODS: &str = "GET, HEAD, POST, PUT, OPTIONS";

/// Forwards a request or an upgrade.
pub(super) async fn forward(
    State(gateway): State<Arc<GatewayState>>,
    mut request: Request,
) -> Response {
    let allow = [(header::ALLOW, ALLOWED_METHODS)];
    // CONNECT would be a tunnel to any address that the client names. TRACE would show the page
    // of a browser the fields that it must not read, such as cookies.
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        return (allow, method_not_allowed().await).into_response();
    }
    let method = request.method().clone();
    match count_down(&method, request.headers_mut()) {
        MaxForwards::Forward => {}
        MaxForwards::Answer => return (StatusCode::OK, allow).into_response(),
        MaxForwards::Invalid => {
            let hint = "send one whole number, or none";
            return ApiError::bad_request("Max-Forwards is not a number", hint).into_response();
        }
    }
    if is_old_upgrade(&request) {
        return ApiError::invalid_upgrade(InvalidUpgrade::HttpVersion).into_response();
    }
    if let Some(found) = gateway.via.find_loop(request.headers()) {
        return local_reply::loop_detected(&gateway, found, is_upgrade(&request));
    }
    match is_upgrade(&request) {
        true => upgrade::forward(&gateway, request).await,
        // An upgrade to another protocol is removed, and the request forwarded without it.
        false => request::forward(&gateway, request).await,
    }
}

/// Whether a request asks for a socket in HTTP/1.0, which has no upgrade (RFC 9110, section
/// 7.8). Forwarded without its `Upgrade`, it would get another reason from the node.
fn is_old_upgrade(request: &Request) -> bool {
    request.version() == Version::HTTP_10
        && SOCKET_PATHS.contains(&request.uri().path())
        && has_upgrade_headers(request.headers())
}

/// Prepares a request for a node.
fn rewrite_request(gateway: &GatewayState, mut request: Request) -> Request {
    let client = request.extensions().get::<Client>().copied();
    let uri = request.uri().clone();
    let received = request.version();
    headers::rewrite_headers(request.headers_mut(), &uri, client);
    gateway.via.append(request.headers_mut(), received);
    *request.uri_mut() = headers::origin_form(&uri);
    // The version is of each connection (RFC 9110, section 2.5), and nodes speak HTTP/1.1.
    *request.version_mut() = Version::HTTP_11;
    request
}

/// Waits for a node's response until `deadline`, or until `unavailable` is cancelled.
async fn response_within<T, R>(
    deadline: Instant,
    unavailable: Option<&CancellationToken>,
    response: impl Future<Output = Result<T, SendFailure<R>>>,
) -> Result<T, SendFailure<R>> {
    let unavailable = OptionFuture::from(unavailable.map(CancellationToken::cancelled));
    tokio::select! {
        // After a stall of this process, a response that has arrived counts before its deadline.
        biased;
        response = response => response,
        Some(()) = unavailable => Err(SendFailure::Unavailable),
        () = sleep_until(deadline) => Err(SendFailure::TimedOut),
    }
}
