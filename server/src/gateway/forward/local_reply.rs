//! Responses that the gateway makes itself because it has none from a node.

use axum::{
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};

use crate::{
    api::{ApiError, NODE_HEADER},
    id::NodeId,
};

/// Returns 503: no node is available.
pub(super) fn no_node() -> Response {
    ApiError::unavailable("no node takes this at the moment", "try again").into_response()
}

/// 504: a node was asked, and whether it acted is not known.
pub(super) fn timed_out(node: &NodeId) -> Response {
    let error = ApiError::new(
        StatusCode::GATEWAY_TIMEOUT,
        "the node did not answer in time",
        "what was asked may have happened",
    );
    with_node_header(node, error.into_response())
}

/// 502: a node was asked, and its connection broke.
pub(super) fn broken(node: &NodeId) -> Response {
    let error = ApiError::new(
        StatusCode::BAD_GATEWAY,
        "the connection to the node broke",
        "what was asked may have happened",
    );
    with_node_header(node, error.into_response())
}

/// Says which node it was.
fn with_node_header(node: &NodeId, mut response: Response) -> Response {
    // Node ids are letters, digits and marks that every header may hold.
    if let Ok(id) = HeaderValue::from_str(node.as_str()) {
        response.headers_mut().insert(NODE_HEADER, id);
    }
    response
}
