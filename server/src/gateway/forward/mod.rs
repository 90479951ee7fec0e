//! Forwarding of clients' requests and sockets to nodes.
//!
//! ```text
//! client ─► headers ─► request ─► UpstreamConnection ─► node
//!              │          └─► body ◄── response ◄──────── node
//!              └─► upgrade ─► tunnel ◄────────────────► node
//!                     no node or no answer ─► local_reply
//! ```
//!
//! In reading order: `headers` (added and removed header fields), `local_reply` (the gateway's
//! own
//! responses), `deadline` (time limits), `request`, `body`, `upgrade`.

mod body;
mod deadline;
mod headers;
mod local_reply;
mod request;
mod upgrade;

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::Method,
    response::{IntoResponse, Response},
};

use super::state::GatewayState;
use crate::{
    api::method_not_allowed,
    net::{listener::PeerAddr, ws::handshake::is_upgrade},
};

/// Forwards whatever is asked.
pub(super) async fn forward(
    State(gateway): State<Arc<GatewayState>>,
    request: Request,
) -> Response {
    // It would be a tunnel to wherever the client likes.
    if request.method() == Method::CONNECT {
        return method_not_allowed().await.into_response();
    }
    match is_upgrade(&request) {
        true => upgrade::forward(&gateway, request).await,
        // Any other wish to upgrade is not let through: the request is forwarded
        // without it.
        false => request::forward(&gateway, request).await,
    }
}

/// Returns the origin of a request.
fn client_info(gateway: &GatewayState, request: &Request) -> headers::ClientInfo {
    let peer = request.extensions().get::<PeerAddr>();
    headers::ClientInfo {
        address: peer.map(|PeerAddr(address)| address.ip()),
        is_tls: gateway.config.tls.is_some(),
    }
}
