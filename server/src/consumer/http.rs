//! `GET /healthz`, `/readyz` and `/metrics` of a consumer.

use std::sync::Arc;

use axum::{Router, extract::State, http::StatusCode, response::Response, routing::get};

use super::metrics::ConsumerMetrics;
use crate::api::metrics_response;

pub(super) fn router(metrics: Arc<ConsumerMetrics>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(text))
        .with_state(metrics)
}

/// Answers 200 while the consumer is connected to the queue.
async fn ready(State(metrics): State<Arc<ConsumerMetrics>>) -> (StatusCode, &'static str) {
    match metrics.is_connected() {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "no telemetry queue\n"),
    }
}

async fn text(State(metrics): State<Arc<ConsumerMetrics>>) -> Response {
    metrics_response(metrics.text())
}
