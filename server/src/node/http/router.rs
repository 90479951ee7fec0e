//! The routes of a node.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::HeaderValue,
    middleware::{Next, from_fn_with_state, map_response_with_state},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};

use super::{admin, commands, device_socket, devices, echo, health, nodes, sessions, topics};
use crate::{
    api::{
        AdminAccess, AdminRejected, ApiError, NODE_HEADER, answer_cors, method_not_allowed,
        path_not_found,
    },
    node::{
        Node,
        token::{SHARED_SECRET, client_address, limit_attempts, wrong_admin_token},
    },
};

/// Returns all routes of the node, for one listener.
pub(crate) fn combined_router(node: &Arc<Node>) -> Router {
    let access = match (node.admin_access(), node.requires_tokens()) {
        // Clients and operators share the listener, so the paths of operators need a token too.
        (AdminAccess::Open, true) => AdminAccess::Closed,
        (access, _) => access,
    };
    into_router(public_routes(node).merge(admin_routes(node, access)), node)
}

/// Returns the routes for devices and callers, for a node with an admin listener.
pub(crate) fn public_router(node: &Arc<Node>) -> Router {
    into_router(public_routes(node), node)
}

/// Returns the routes for probes and operators, for the admin listener.
pub(crate) fn admin_router(node: &Arc<Node>) -> Router {
    into_router(admin_routes(node, node.admin_access()), node)
}

fn public_routes(node: &Node) -> Router<Arc<Node>> {
    let echo = match node.echo {
        true => Router::new().route("/echo", any(echo::open)),
        false => Router::new(),
    };
    #[cfg(feature = "stomp")]
    let stomp = Router::new().route("/stomp", any(super::stomp_socket::open));
    #[cfg(not(feature = "stomp"))]
    let stomp = Router::new();
    Router::new()
        .merge(echo)
        .merge(stomp)
        // Takes any method, because the handshake's own check gives a better error than 405.
        .route("/ws", any(device_socket::open))
        .route("/devices/{id}", get(devices::show))
        .route("/devices/{id}/commands", post(commands::create))
        .route("/topics/{topic}/messages", post(topics::publish))
        .route("/sessions", post(sessions::create))
        .route("/sessions/{id}", get(sessions::show).put(sessions::replace))
}

fn admin_routes(node: &Arc<Node>, access: AdminAccess) -> Router<Arc<Node>> {
    let node = Arc::clone(node);
    let check = from_fn_with_state((node, access), require_operator);
    Router::new()
        .route("/nodes", get(nodes::list))
        .route("/metrics", get(health::metrics))
        .route("/admin/drain", post(admin::drain))
        .route("/admin/rebalance", post(admin::rebalance))
        .route("/admin/load", post(admin::load))
        .route("/admin/faults", post(admin::inject_fault))
        .route_layer(check)
        // Probes have no token, and these paths tell them no more than a status.
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
}

async fn require_operator(
    State((node, access)): State<(Arc<Node>, AdminAccess)>,
    request: Request,
    next: Next,
) -> Response {
    match check_operator(&node, &access, &request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn check_operator(node: &Node, access: &AdminAccess, request: &Request) -> Result<(), ApiError> {
    let client = client_address(request.extensions());
    if let AdminAccess::Token(_) = access {
        limit_attempts(node, &node.admin_limit, client)?;
    }
    let checked = access.check(request.method(), request.headers(), &node.allowed_origins);
    match checked {
        Ok(()) => {
            if let AdminAccess::Token(_) = access {
                node.admin_limit.record_right(SHARED_SECRET, client);
            }
            Ok(())
        }
        Err(AdminRejected::WrongToken) => Err(wrong_admin_token(node, client)),
        Err(AdminRejected::Other(error)) => Err(error),
    }
}

async fn allow_origins(State(node): State<Arc<Node>>, request: Request, next: Next) -> Response {
    answer_cors(node.allowed_origins.clone(), request, next).await
}

fn into_router(routes: Router<Arc<Node>>, node: &Arc<Node>) -> Router {
    let routes = routes
        .fallback(path_not_found)
        .method_not_allowed_fallback(method_not_allowed);
    // Layers come after the fallbacks, so that their answers carry the headers too.
    let routes = match node.allowed_origins.is_empty() {
        true => routes,
        false => routes.layer(from_fn_with_state(Arc::clone(node), allow_origins)),
    };
    routes
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
