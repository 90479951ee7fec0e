//! `GET /healthz`, `/readyz` and `/metrics` of a consumer.

use std::sync::Arc;

use axum::{Router, extract::State, http::StatusCode, response::Response, routing::get};

use super::metrics::ConsumerMetrics;
use crate::api::metrics_response;

/// The state that the routes share.
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

/// Answers 200 while the consumer is connected to the queue.
async fn ready(State(state): State<ConsumerState>) -> (StatusCode, &'static str) {
    match state.metrics.is_connected() {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "no telemetry queue\n"),
    }
}

async fn metrics(State(state): State<ConsumerState>) -> Response {
    let heap = state.heap_probe.and_then(|probe| probe());
    metrics_response(state.metrics.text(heap))
}
