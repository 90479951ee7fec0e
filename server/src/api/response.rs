//! Answers that need no handler of a resource.

use axum::{
    Router,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::ApiError;

/// Returns a response with metrics in the Prometheus text format.
pub(crate) fn metrics_response(text: String) -> Response {
    // The version of the text format, by which a scraper picks its parser.
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// Returns the router of a connection beyond the limit: every path answers 503.
pub(crate) fn rejected_router() -> Router {
    Router::new().fallback(async || {
        ApiError::unavailable(
            "this node is at its limit of connections",
            "use another node",
        )
    })
}

/// Answers 404 on a path that does not exist.
pub(crate) async fn path_not_found() -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "the path does not exist",
        "docs/protocol.md lists the paths",
    )
}

/// Answers 405 on a path that exists with other methods.
pub(crate) async fn method_not_allowed() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this path does not allow that method",
        "docs/protocol.md lists the methods of each path",
    )
}
