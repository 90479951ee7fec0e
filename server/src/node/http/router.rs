//! The routes of a node.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::HeaderValue,
    middleware::map_response_with_state,
    response::Response,
    routing::{any, get, post},
};

use super::{admin, commands, device_socket, devices, echo, health, nodes, sessions, topics};
use crate::{
    api::{NODE_HEADER, method_not_allowed, path_not_found},
    node::Node,
};

/// Returns all routes of the node, for one listener.
pub(crate) fn combined_router(node: &Arc<Node>) -> Router {
    into_router(public_routes(node).merge(admin_routes()), node)
}

/// Returns the routes for devices and callers, for a node with an admin listener.
pub(crate) fn public_router(node: &Arc<Node>) -> Router {
    into_router(public_routes(node), node)
}

/// Returns the routes for probes and operators, for the admin listener.
pub(crate) fn admin_router(node: &Arc<Node>) -> Router {
    into_router(admin_routes(), node)
}

fn public_routes(node: &Node) -> Router<Arc<Node>> {
    let echo = match node.echo {
        true => Router::new().route("/echo", any(echo::open)),
        false => Router::new(),
    };
    Router::new()
        .merge(echo)
        // Takes any method, because the handshake's own check gives a better error than 405.
        .route("/ws", any(device_socket::open))
        .route("/devices/{id}", get(devices::show))
        .route("/devices/{id}/commands", post(commands::create))
        .route("/topics/{topic}/messages", post(topics::publish))
        .route("/sessions", post(sessions::create))
        .route("/sessions/{id}", get(sessions::show).put(sessions::replace))
}

fn admin_routes() -> Router<Arc<Node>> {
    Router::new()
        .route("/nodes", get(nodes::list))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/admin/drain", post(admin::drain))
        .route("/admin/rebalance", post(admin::rebalance))
        .route("/admin/load", post(admin::load))
        .route("/admin/faults", post(admin::inject_fault))
}

fn into_router(routes: Router<Arc<Node>>, node: &Arc<Node>) -> Router {
    routes
        .fallback(path_not_found)
        .method_not_allowed_fallback(method_not_allowed)
        // The layer comes after the fallbacks, so that their answers carry the header too.
        .layer(map_response_with_state(Arc::clone(node), add_node_header))
        .with_state(Arc::clone(node))
}

async fn add_node_header(State(node): State<Arc<Node>>, mut response: Response) -> Response {
    // Never an error, because every character of a node id is valid in a header.
    if let Ok(id) = HeaderValue::from_str(node.cluster.me.as_str()) {
        response.headers_mut().insert(NODE_HEADER, id);
    }
    response
}
