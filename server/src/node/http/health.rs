//! `GET /healthz`, `/readyz` and `/metrics`.

use std::sync::Arc;

use axum::{extract::State, response::Response};

use crate::{
    api::{ApiError, metrics_response},
    node::{Node, NodePhase, metrics_text},
};

/// Answers as long as the process runs.
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// Answers 200 while the node accepts new sockets and is connected.
pub(super) async fn ready(State(node): State<Arc<Node>>) -> Result<&'static str, ApiError> {
    if node.phase() != NodePhase::Serving {
        return Err(ApiError::unavailable(
            "this node is leaving",
            "use another node",
        ));
    }
    if !node.cluster.backplane.view().borrow().connected {
        return Err(ApiError::unavailable(
            "this node is not connected to the backplane",
            "use another node",
        ));
    }
    Ok("ready\n")
}

pub(super) async fn metrics(State(node): State<Arc<Node>>) -> Response {
    metrics_response(metrics_text(&node))
}
