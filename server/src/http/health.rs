//! `GET /healthz`, `/readyz` and `/metrics`.

use std::sync::Arc;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use super::error::ApiError;
use crate::node::{Node, NodePhase, metrics_text};

/// The process answers.
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// The node wants new sockets.
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

/// A text in the Prometheus format.
pub(crate) fn metrics_response(text: String) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

pub(super) async fn metrics(State(node): State<Arc<Node>>) -> Response {
    metrics_response(metrics_text(&node))
}
