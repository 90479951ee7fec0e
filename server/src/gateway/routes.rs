//! The routes of a gateway: its own status, and forwarding for all other paths.
//!
//! Admin paths are never forwarded: a client that reaches a gateway must not be able to drain
//! a
//! node.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode},
    middleware::map_response_with_state,
    response::Response,
    routing::{any, get, post},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{export, forward::forward, state::GatewayState};
use crate::{
    api::{ApiError, method_not_allowed, metrics_response, path_not_found},
    id::NodeId,
};

/// The gateway that handled the request. Every response carries it.
const GATEWAY: HeaderName = HeaderName::from_static("x-highwater-gateway");

/// All routes, on one listener.
pub(super) fn combined_router(gateway: &Arc<GatewayState>) -> Router {
    let routes = admin_routes()
        .merge(hidden_admin_routes())
        .fallback(forward)
        .method_not_allowed_fallback(method_not_allowed);
    with_gateway_state(routes, gateway)
}

/// Returns the forwarded routes, for a server with an admin listener.
pub(super) fn public_router(gateway: &Arc<GatewayState>) -> Router {
    let hidden = ["/nodes", "/healthz", "/readyz", "/metrics"];
    let routes = hidden
        .into_iter()
        .fold(hidden_admin_routes(), |routes, path| {
            routes.route(path, any(path_not_found))
        })
        .fallback(forward);
    with_gateway_state(routes, gateway)
}

/// The routes for probes and operators alone.
pub(super) fn admin_router(gateway: &Arc<GatewayState>) -> Router {
    let routes = admin_routes()
        .fallback(path_not_found)
        .method_not_allowed_fallback(method_not_allowed);
    with_gateway_state(routes, gateway)
}

/// Returns the response for connections above the limit.
pub(super) fn rejection_router() -> Router {
    Router::new().fallback(async || {
        ApiError::unavailable(
            "this gateway has no room for more connections",
            "use another gateway, or come back later",
        )
    })
}

fn admin_routes() -> Router<Arc<GatewayState>> {
    Router::new()
        .route("/nodes", get(nodes))
        .route("/healthz", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/admin/drain", post(drain))
}

/// Returns 404 for the nodes' admin paths.
fn hidden_admin_routes() -> Router<Arc<GatewayState>> {
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
    // Ids are letters, digits and marks that every header may hold.
    if let Ok(id) = HeaderValue::from_str(gateway.config.id.as_str()) {
        response.headers_mut().insert(GATEWAY, id);
    }
    response
}

/// The process answers.
async fn live() -> &'static str {
    "ok\n"
}

/// A new socket would find a node.
async fn ready(State(gateway): State<Arc<GatewayState>>) -> Result<&'static str, ApiError> {
    if gateway.is_leaving() {
        return Err(ApiError::unavailable(
            "this gateway is leaving",
            "use another gateway",
        ));
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

/// Begins a drain; again is the same.
async fn drain(State(gateway): State<Arc<GatewayState>>) -> (StatusCode, Json<Value>) {
    gateway.drain.cancel();
    let sockets = gateway.tunnels.count();
    (
        StatusCode::ACCEPTED,
        Json(json!({ "state": "draining", "sockets": sockets })),
    )
}

#[derive(Serialize)]
struct GatewayNodesResponse {
    /// The version of the view that this gateway goes by.
    version: u64,
    /// Whether it is connected to the backplane.
    connected: bool,
    policy: String,
    nodes: Vec<GatewayNodeRow>,
}

/// Unknown values are `null`.
#[derive(Serialize)]
struct GatewayNodeRow {
    id: NodeId,
    /// Milliseconds since 1970 at the node's start.
    incarnation: u64,
    address: String,
    state: &'static str,
    /// Open sockets through this gateway.
    active: u64,
    pending: u64,
    assigned: u64,
    /// The sockets in the node's latest report.
    sockets: Option<u64>,
    /// The load of its own making.
    reported_load: Option<f64>,
    /// The load that the policy compares.
    load: Option<f64>,
}

async fn nodes(State(gateway): State<Arc<GatewayState>>) -> Json<GatewayNodesResponse> {
    let view = gateway.backplane.view().borrow().clone();
    let counts = gateway.backends.loads_by_node();
    let listed = gateway
        .backends
        .statuses()
        .into_iter()
        .map(|node| GatewayNodeRow {
            active: counts.get(&node.id).map_or(0, |counts| counts.active),
            pending: counts.get(&node.id).map_or(0, |counts| counts.pending),
            id: node.id,
            incarnation: node.incarnation,
            address: node.address,
            state: node.state,
            assigned: node.assigned,
            sockets: node.reported_sockets,
            reported_load: node.reported_load,
            load: node.load,
        });
    Json(GatewayNodesResponse {
        version: view.version,
        connected: view.connected,
        policy: gateway.config.policy.to_string(),
        nodes: listed.collect(),
    })
}
