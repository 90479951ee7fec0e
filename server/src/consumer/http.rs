//! `GET /healthz`, `/readyz` and `/metrics` of a consumer.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use super::metrics::Metrics;

/// What the routes share.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) metrics: Arc<Metrics>,
    pub(super) heap_probe: Option<fn() -> Option<u64>>,
}

pub(super) fn router(shown: Shown) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(shown)
}

/// Readings come to this consumer.
async fn ready(State(shown): State<Shown>) -> (StatusCode, &'static str) {
    match shown.metrics.is_connected() {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "no queue of readings\n"),
    }
}

async fn metrics(State(shown): State<Shown>) -> Response {
    let heap = shown.heap_probe.and_then(|probe| probe());
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], shown.metrics.text(heap)).into_response()
}
