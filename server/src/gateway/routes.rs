//! The routes of a gateway: its own status, and forwarding for all other paths.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode},
    middleware::{Next, from_fn_with_state, map_response_with_state},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{backend_set::BackendStatus, export, forward::forward, state::GatewayState};
use crate::{
    api::{
        ApiError, GATEWAY_HEADER, address_limit_reached, method_not_allowed, metrics_response,
        path_not_found,
    },
    net::listener::Rejections,
};

/// Returns all routes, for a server with one listener.
pub(super) fn combined_router(gateway: &Arc<GatewayState>) -> Router {
    let routes = admin_routes(gateway)
        .merge(hidden_admin_routes())
        .fallback(forward)
        .method_not_allowed_fallback(method_not_allowed);
    with_gateway_state(routes, gateway)
}

/// Returns the forwarded routes, for a server with an admin listener.
pub(super) fn public_router(gateway: &Arc<GatewayState>) -> Router {
    let mut routes = hidden_admin_routes();
    // Not forwarded: they are paths of the nodes too, and the admin listener serves the gateway's.
    for path in ["/nodes", "/healthz", "/readyz", "/metrics"] {
        routes = routes.route(path, any(path_not_found));
    }
    with_gateway_state(routes.fallback(forward), gateway)
}

/// Returns the routes of the admin listener.
pub(super) fn admin_router(gateway: &Arc<GatewayState>) -> Router {
    let routes = admin_routes(gateway)
        .fallback(path_not_found)
        .method_not_allowed_fallback(method_not_allowed);
    with_gateway_state(routes, gateway)
}

/// Returns the answers to clients above a limit.
pub(super) fn rejections() -> Rejections {
    let router = Router::new().fallback(async || {
        ApiError::unavailable(
            "this gateway has no room for more connections",
            "use another gateway, or come back later",
        )
    });
    Rejections {
        router,
        address_limit: address_limit_reached,
    }
}

fn admin_routes(gateway: &Arc<GatewayState>) -> Router<Arc<GatewayState>> {
    Router::new()
        .route("/nodes", get(nodes))
        .route("/metrics", get(metrics))
        .route("/admin/drain", post(drain))
        .route_layer(from_fn_with_state(Arc::clone(gateway), require_operator))
        // Probes have no token, and these paths tell them no more than a status.
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
}

async fn require_operator(
    State(gateway): State<Arc<GatewayState>>,
    request: Request,
    next: Next,
) -> Response {
    match gateway.operators.check(&request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Returns 404 for the nodes' admin paths.
fn hidden_admin_routes() -> Router<Arc<GatewayState>> {
    // Forwarded, they would let a client of the gateway drain a node.
    Router::new()
        .route("/admin", any(path_not_found))
        .route("/admin/{*rest}", any(path_not_found))
}

fn with_gateway_state(routes: Router<Arc<GatewayState>>, gateway: &Arc<GatewayState>) -> Router {
    routes
        .layer(map_response_with_state(
            Arc::clone(gateway),
            add_gateway_header,
        ))
        .with_state(Arc::clone(gateway))
}

async fn add_gateway_header(
    State(gateway): State<Arc<GatewayState>>,
    mut response: Response,
) -> Response {
    // Never fails: ids are letters, digits and marks that every header may hold.
    if let Ok(id) = HeaderValue::from_str(gateway.config.id.as_str()) {
        response.headers_mut().insert(GATEWAY_HEADER, id);
    }
    response
}

/// Returns 200 while a new socket would find a node and every task of the gateway runs.
async fn ready(State(gateway): State<Arc<GatewayState>>) -> Result<&'static str, ApiError> {
    if let Some(ended) = gateway.task_health.ended() {
        return Err(ApiError::unavailable(
            ended.to_string(),
            "use another gateway",
        ));
    }
    if gateway.leaving.is_cancelled() {
        let hint = "use another gateway";
        return Err(ApiError::unavailable("this gateway is leaving", hint));
    }
    match gateway.backends.accepts_sockets() {
        true => Ok("ready\n"),
        false => Err(ApiError::unavailable(
            "no node takes sockets",
            "GET /nodes says what is known of each",
        )),
    }
}

async fn metrics(State(gateway): State<Arc<GatewayState>>) -> Response {
    metrics_response(export::encode(&gateway))
}

/// Begins a drain. A second request has no further effect.
async fn drain(State(gateway): State<Arc<GatewayState>>) -> (StatusCode, Json<Value>) {
    gateway.drain.cancel();
    let sockets = gateway.tunnels.count();
    let body = json!({ "state": "draining", "sockets": sockets });
    (StatusCode::ACCEPTED, Json(body))
}

#[derive(Serialize)]
struct GatewayNodesResponse {
    /// The version of the gateway's current view.
    version: u64,
    /// Whether the gateway is connected to the backplane.
    connected: bool,
    policy: String,
    nodes: Vec<BackendStatus>,
}

async fn nodes(State(gateway): State<Arc<GatewayState>>) -> Json<GatewayNodesResponse> {
    // Copied: a borrow would block the membership task.
    let view = gateway.backplane.view().borrow().clone();
    Json(GatewayNodesResponse {
        version: view.version,
        connected: view.connected,
        policy: gateway.config.policy.to_string(),
        nodes: gateway.backends.statuses(),
    })
}
