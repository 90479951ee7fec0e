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
        rebalance::{self, DEFAULT_TOLERANCE, RebalanceRequest},
    },
    rate::InvalidRate,
};

/// The body of `POST /admin/rebalance`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RebalanceRequestBody {
    /// The sockets that a node may have above the mean, as a part of the mean.
    #[serde(default)]
    tolerance: Option<f64>,
    /// The rate at which sockets are closed, such as `200/s`.
    #[serde(default)]
    rate: Option<String>,
}

/// The body of `POST /admin/load`; `null` removes the load.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoadBody {
    // Without it, serde would take a missing field for `null`.
    #[serde(deserialize_with = "Option::deserialize")]
    load: Option<f64>,
}

/// Begins a drain. A second request changes nothing.
pub(super) async fn drain(State(node): State<Arc<Node>>) -> (StatusCode, Json<Value>) {
    // The drain runs in the node's own task; this answer does not wait for it.
    node.drain.cancel();
    let sockets = node.sessions.metrics.open_sockets();
    (
        StatusCode::ACCEPTED,
        Json(json!({ "state": "draining", "sockets": sockets })),
    )
}

/// Starts a rebalancing. While one runs, another request changes nothing.
pub(super) async fn rebalance(
    State(node): State<Arc<Node>>,
    request: Request,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let limits = &node.sessions.limits;
    let body: RebalanceRequestBody = read_json(request, limits).await?;
    let invalid = |error: String| ApiError::bad_request(error, "docs/protocol.md shows the bodies");
    let rate = body.rate.map_or(Ok(limits.drain_rate), |rate| {
        rate.parse()
            .map_err(|error: InvalidRate| invalid(error.to_string()))
    })?;
    let tolerance = body.tolerance.unwrap_or(DEFAULT_TOLERANCE);
    let parameters =
        RebalanceRequest::new(tolerance, rate).map_err(|error| invalid(error.to_string()))?;
    rebalance::start(&node, parameters);
    let sockets = node.sessions.metrics.open_sockets();
    Ok((
        StatusCode::ACCEPTED,
        Json(json!({ "state": "rebalancing", "sockets": sockets })),
    ))
}

/// Sets the load that gateways may balance by.
pub(super) async fn load(
    State(node): State<Arc<Node>>,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let posted: LoadBody = read_json(request, &node.sessions.limits).await?;
    node.reported_load
        .post(posted.load)
        .map_err(|error| ApiError::bad_request(error.to_string(), "post {\"load\": 12.5}"))?;
    Ok(Json(json!({ "load": posted.load })))
}

/// Injects a fault, if the node was started with `--allow-faults`.
pub(super) async fn inject_fault(
    State(node): State<Arc<Node>>,
    request: Request,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    if !node.allow_faults {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "this node does not allow faults",
            "start it with --allow-faults",
        ));
    }
    let fault: FaultRequest = read_json(request, &node.sessions.limits).await?;
    fault
        .validate()
        .map_err(|error| ApiError::bad_request(error.to_string(), "ask for less"))?;
    node.sessions.faults.inject(&fault);
    Ok((StatusCode::ACCEPTED, Json(json!({ "injected": true }))))
}
