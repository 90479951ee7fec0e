//! The answer to `GET /metrics`.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

/// Returns a response with metrics in the Prometheus text format.
pub(crate) fn metrics_response(text: String) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
