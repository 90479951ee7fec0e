//! `POST /admin/drain` and `/admin/faults`.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
};
use serde_json::{Value, json};

use super::{body::read_json, error::ApiError};
use crate::{faults::Fault, node::Node};

/// Begins a drain; again is the same.
pub(super) async fn drain(State(node): State<Arc<Node>>) -> (StatusCode, Json<Value>) {
    node.drain.cancel();
    let sockets = node.metrics.sockets.get();
    (
        StatusCode::ACCEPTED,
        Json(json!({ "state": "draining", "sockets": sockets })),
    )
}

/// Injects a fault, where that is allowed.
pub(super) async fn inject(
    State(node): State<Arc<Node>>,
    request: Request,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    if !node.config.allow_faults {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "this node does not take faults",
            "start it with --allow-faults",
        ));
    }
    let (parts, body) = request.into_parts();
    let fault: Fault = read_json(&parts.headers, body, &node.config.limits).await?;
    fault
        .check()
        .map_err(|error| ApiError::bad_request(error.to_string(), "ask for less"))?;
    node.faults.inject(&fault);
    Ok((StatusCode::ACCEPTED, Json(json!({ "injected": true }))))
}
