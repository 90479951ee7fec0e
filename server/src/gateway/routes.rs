//! What a gateway serves: its own figures, and everything else by its nodes.
//!
//! Paths of operators are never forwarded: who may reach a gateway may not drain a
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

use super::{forward::forward, metrics, state::Gateway};
use crate::{
    http::{ApiError, as_metrics, no_such_method, no_such_path},
    id::NodeId,
};

/// Which gateway took the call; on every answer.
const GATEWAY: HeaderName = HeaderName::from_static("x-highwater-gateway");

/// All routes, on one listener.
pub(super) fn everything(gateway: &Arc<Gateway>) -> Router {
    let routes = for_operators()
        .merge(nodes_own())
        .fallback(forward)
        .method_not_allowed_fallback(no_such_method);
    finish(routes, gateway)
}

/// What is forwarded, where operators have a listener of their own.
pub(super) fn public(gateway: &Arc<Gateway>) -> Router {
    let hidden = ["/nodes", "/healthz", "/readyz", "/metrics"];
    let routes = hidden
        .into_iter()
        .fold(nodes_own(), |routes, path| {
            routes.route(path, any(no_such_path))
        })
        .fallback(forward);
    finish(routes, gateway)
}

/// The routes for probes and operators alone.
pub(super) fn operators(gateway: &Arc<Gateway>) -> Router {
    let routes = for_operators()
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method);
    finish(routes, gateway)
}

/// What is answered when there is no room for another connection.
pub(super) fn no_room() -> Router {
    Router::new().fallback(async || {
        ApiError::unavailable(
            "this gateway has no room for more connections",
            "use another gateway, or come back later",
        )
    })
}

fn for_operators() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/nodes", get(nodes))
        .route("/healthz", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/admin/drain", post(drain))
}

/// What nodes keep for their operators.
fn nodes_own() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/admin", any(no_such_path))
        .route("/admin/{*rest}", any(no_such_path))
}

fn finish(routes: Router<Arc<Gateway>>, gateway: &Arc<Gateway>) -> Router {
    routes
        .layer(map_response_with_state(
            Arc::clone(gateway),
            name_the_gateway,
        ))
        .with_state(Arc::clone(gateway))
}

async fn name_the_gateway(State(gateway): State<Arc<Gateway>>, mut response: Response) -> Response {
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
async fn ready(State(gateway): State<Arc<Gateway>>) -> Result<&'static str, ApiError> {
    if gateway.is_leaving() {
        return Err(ApiError::unavailable(
            "this gateway is leaving",
            "use another gateway",
        ));
    }
    match gateway.fleet.takes_sockets() {
        true => Ok("ready\n"),
        false => Err(ApiError::unavailable(
            "no node takes sockets",
            "GET /nodes says what is known of each",
        )),
    }
}

async fn metrics(State(gateway): State<Arc<Gateway>>) -> Response {
    as_metrics(metrics::text(&gateway))
}

/// Begins a drain; again is the same.
async fn drain(State(gateway): State<Arc<Gateway>>) -> (StatusCode, Json<Value>) {
    gateway.drain.cancel();
    let sockets = gateway.tunnels.count();
    (
        StatusCode::ACCEPTED,
        Json(json!({ "state": "draining", "sockets": sockets })),
    )
}

#[derive(Serialize)]
struct Nodes {
    /// The version of the view that this gateway goes by.
    version: u64,
    /// Whether it is connected to the backplane.
    connected: bool,
    policy: String,
    nodes: Vec<Listed>,
}

/// What is not known is `null`.
#[derive(Serialize)]
struct Listed {
    id: NodeId,
    /// Milliseconds since 1970 at the node's start.
    epoch: u64,
    address: String,
    state: &'static str,
    /// Of this gateway: open, on their way, ever assigned.
    established: u64,
    handshaking: u64,
    assigned: u64,
    /// What the node said last that it has.
    sockets: Option<u64>,
    /// The load of its own making.
    own_load: Option<f64>,
    /// What the policy goes by.
    load: Option<f64>,
}

async fn nodes(State(gateway): State<Arc<Gateway>>) -> Json<Nodes> {
    let view = gateway.backplane.view().borrow().clone();
    let counts = gateway.fleet.counts();
    let listed = gateway.fleet.figures().into_iter().map(|node| Listed {
        established: counts.get(&node.id).map_or(0, |counts| counts.established),
        handshaking: counts.get(&node.id).map_or(0, |counts| counts.handshaking),
        id: node.id,
        epoch: node.epoch,
        address: node.address,
        state: node.state,
        assigned: node.assigned,
        sockets: node.reported,
        own_load: node.own,
        load: node.load,
    });
    Json(Nodes {
        version: view.version,
        connected: view.connected,
        policy: gateway.config.policy.to_string(),
        nodes: listed.collect(),
    })
}
