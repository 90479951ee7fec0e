//! `GET /stomp`: turns a request into a STOMP session.
//!
//! ```text
//! handshake ──► origin ──► draining? ──► admission ──► token, if there is one ──► 101 ──► CONNECT
//! ```

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use highwater_stomp::Version;
use tokio::task::yield_now;

use super::device_socket::{
    admit, new_session, reject_while_draining, rejected, socket_token, start_connection,
    switching_protocols,
};
use crate::{
    api::ApiError,
    auth::{Grant, TokenAccount},
    net::{
        admission::BucketPermit,
        ws::{
            close::CloseReason,
            handshake::{accept_key, offered_subprotocols},
        },
    },
    node::{
        Node,
        stomp::{StompHandler, StompHandshake, StompState, session_name},
        token::{check_token, client_address},
    },
};

/// Answers 101. The client opens its session with CONNECT.
pub(super) async fn open(
    State(node): State<Arc<Node>>,
    mut request: Request,
) -> Result<Response, ApiError> {
    let accept = accept_key(&request).map_err(ApiError::invalid_upgrade)?;
    node.allowed_origins.check(request.headers())?;
    reject_while_draining(&node)?;
    let permits = admit(&node, None, &request).map_err(|reason| rejected(&node, reason))?;
    let client = client_address(request.extensions());
    let grant = check_socket_token(&node, &request)?;
    let subprotocol = subprotocol(request.headers());
    let upgrade = hyper::upgrade::on(&mut request);
    drop(request);
    // Lets hyper drop this future if the client has disconnected.
    yield_now().await;
    reject_while_draining(&node)?;
    let now = node.sessions.wheel.now();
    let handshake = StompHandshake { client, grant };
    let state = Arc::new(StompState::new(handshake, now, &node.sessions.limits.stomp));
    let mut session = new_session(&node, session_name(), None);
    session.address_bucket = permits.address.as_ref().map_or(0, BucketPermit::bucket);
    session.protocol = Some(Arc::clone(&state) as _);
    let session = Arc::new(session);
    node.sessions.clients.insert(&session);
    // Counted from here on, so that a drain waits for its close.
    node.sessions.metrics.socket_opened();
    let handler = Arc::new(StompHandler::new(Arc::clone(&node), state));
    let (failed_node, failed) = (Arc::clone(&node), Arc::clone(&session));
    let on_failure = move || {
        failed_node.sessions.clients.remove(&failed, None);
        let metrics = &failed_node.sessions.metrics;
        metrics.socket_closed(CloseReason::ConnectionLost);
    };
    let starting = start_connection(node, handler, session, upgrade, permits, on_failure);
    tokio::spawn(Box::pin(starting));
    let mut response = switching_protocols(accept);
    if let Some(name) = subprotocol {
        let name = HeaderValue::from_static(name);
        response
            .headers_mut()
            .insert(header::SEC_WEBSOCKET_PROTOCOL, name);
    }
    Ok(response)
}

/// Checks the token of the handshake. Without one, the client sends it with CONNECT.
fn check_socket_token(node: &Node, request: &Request) -> Result<Option<Grant>, ApiError> {
    let access = node.access.as_ref().filter(|access| access.required);
    let (Some(access), Some(token)) = (access, socket_token(request)) else {
        return Ok(None);
    };
    let client = client_address(request.extensions());
    check_token(node, access, Some(&token), TokenAccount::User, client).map(Some)
}

/// Returns the newest version that the client offers as a subprotocol.
fn subprotocol(headers: &HeaderMap) -> Option<&'static str> {
    let offered = offered_subprotocols(headers).filter_map(Version::from_subprotocol);
    offered.max().map(Version::subprotocol)
}
