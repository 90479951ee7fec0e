//! Answers that need no handler of a resource.

use axum::{
    Router,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::ApiError;
use crate::net::listener::Rejections;

/// Seconds after which a client with too many requests under way retries.
const ADDRESS_LIMIT_RETRY_S: u32 = 1;

/// Returns a response with metrics in the Prometheus text format.
pub(crate) fn metrics_response(text: String) -> Response {
    // The version of the text format, by which a scraper picks its parser.
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// Returns the answers of a node beyond a limit.
pub(crate) fn rejections() -> Rejections {
    let router = Router::new().fallback(async || {
        ApiError::unavailable(
            "this node is at its limit of connections",
            "use another node",
        )
    });
    Rejections {
        router,
        address_limit: address_limit_reached,
    }
}

/// Answers 429 to a request through a proxy whose client has too many under way. Not 503, with
/// which a gateway would try the other nodes.
pub(crate) fn address_limit_reached() -> Response {
    ApiError::new(
        StatusCode::TOO_MANY_REQUESTS,
        "this address has as many requests under way as one may",
        "wait for their answers",
    )
    .retry_after(ADDRESS_LIMIT_RETRY_S)
    .into_response()
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
