//! `POST /admin/drain`, `/admin/rebalance`, `/admin/load` and `/admin/faults`.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    api::{ApiError, read_json},
    faults::FaultRequest,
    node::{
        Node,
        rebalance::{self, RebalanceRequest},
    },
    rate::Rate,
};

/// The body of `POST /admin/rebalance`, as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RebalanceRequestBody {
    /// How much more than the mean a node may have, as a part of it.
    #[serde(default)]
    tolerance: Option<f64>,
    /// Devices asked to leave, such as `200/s`.
    #[serde(default)]
    rate: Option<String>,
}

/// The body of `POST /admin/load`; `null` takes the figure back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoadBody {
    // Without this, a field that is missing would pass for `null`.
    #[serde(deserialize_with = "Option::deserialize")]
    load: Option<f64>,
}

/// Begins a drain; again is the same.
pub(super) async fn drain(State(node): State<Arc<Node>>) -> (StatusCode, Json<Value>) {
    node.drain.cancel();
    let sockets = node.sessions.metrics.open_sockets();
    (
        StatusCode::ACCEPTED,
        Json(json!({ "state": "draining", "sockets": sockets })),
    )
}

/// Begins to send away what this node has above its share; while it does, again is
/// the same.
pub(super) async fn rebalance(
    State(node): State<Arc<Node>>,
    request: Request,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let (parts, body) = request.into_parts();
    let asked: RebalanceRequestBody =
        read_json(&parts.headers, body, &node.sessions.limits).await?;
    let wrong = |error: String| ApiError::bad_request(error, "docs/protocol.md shows the bodies");
    let rate = match &asked.rate {
        Some(rate) => rate
            .parse::<Rate>()
            .map_err(|error| wrong(error.to_string()))?,
        None => node.sessions.limits.drain_rate,
    };
    let rebalance_request = RebalanceRequest::new(
        asked
            .tolerance
            .unwrap_or(RebalanceRequest::DEFAULT_TOLERANCE),
        rate,
    )
    .map_err(|error| wrong(error.to_string()))?;
    rebalance::start(&node, rebalance_request);
    let sockets = node.sessions.metrics.open_sockets();
    Ok((
        StatusCode::ACCEPTED,
        Json(json!({ "state": "rebalancing", "sockets": sockets })),
    ))
}

/// Takes a load of the node's own making, for gateways that go by it.
pub(super) async fn load(
    State(node): State<Arc<Node>>,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let (parts, body) = request.into_parts();
    let posted: LoadBody = read_json(&parts.headers, body, &node.sessions.limits).await?;
    node.reported_load
        .posted
        .set(posted.load)
        .map_err(|error| ApiError::bad_request(error.to_string(), "post {\"load\": 12.5}"))?;
    Ok(Json(json!({ "load": posted.load })))
}

/// Injects a fault, where that is allowed.
pub(super) async fn inject_fault(
    State(node): State<Arc<Node>>,
    request: Request,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    if !node.allow_faults {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "this node does not take faults",
            "start it with --allow-faults",
        ));
    }
    let (parts, body) = request.into_parts();
    let fault: FaultRequest = read_json(&parts.headers, body, &node.sessions.limits).await?;
    fault
        .validate()
        .map_err(|error| ApiError::bad_request(error.to_string(), "ask for less"))?;
    node.sessions.faults.inject(&fault);
    Ok((StatusCode::ACCEPTED, Json(json!({ "injected": true }))))
}
