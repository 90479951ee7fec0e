//! `GET /healthz`, `/readyz` and `/metrics` of a consumer.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use super::metrics::ConsumerMetrics;

/// What the routes share.
#[derive(Clone)]
pub(super) struct ConsumerState {
    pub(super) metrics: Arc<ConsumerMetrics>,
    pub(super) heap_probe: Option<fn() -> Option<u64>>,
}

pub(super) fn router(state: ConsumerState) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(state)
}

/// Readings come to this consumer.
async fn ready(State(state): State<ConsumerState>) -> (StatusCode, &'static str) {
    match state.metrics.is_connected() {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "no telemetry queue\n"),
    }
}

async fn metrics(State(state): State<ConsumerState>) -> Response {
    let heap = state.heap_probe.and_then(|probe| probe());
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], state.metrics.text(heap)).into_response()
}
