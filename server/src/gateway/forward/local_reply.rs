//! Responses that the gateway makes itself because it has none from a node.

use std::io;

use axum::{
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};

use crate::{
    api::{ApiError, NODE_HEADER},
    gateway::{metrics::Outcome, state::GatewayState, via::ForwardingLoop},
    id::NodeId,
};

/// The reason why a node gave no response.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendFailure<R> {
    /// No byte was sent, so the request can go to another node.
    #[error("not sent: {1}")]
    NotSent(R, io::Error),
    /// The request was sent, at least in part.
    #[error("the connection broke: {0}")]
    Broken(hyper::Error),
    /// The body of the client's request was invalid or broke off.
    #[error("the client's body broke: {0}")]
    ClientBroken(hyper::Error),
    /// The node went down while the gateway waited.
    #[error("the node went down")]
    Unavailable,
    /// The deadline of the client has passed.
    #[error("no answer by the deadline")]
    TimedOut,
}

impl<R> SendFailure<R> {
    /// Returns the response for the client if no other node answers; `None` if the node got
    /// nothing.
    pub(super) fn local_reply(&self, node: &NodeId) -> Option<(Outcome, Response)> {
        let (outcome, status, error) = match self {
            Self::NotSent(..) => return None,
            Self::ClientBroken(_) => {
                let error = "the body of the request is invalid or broke off";
                (Outcome::ClientBroken, StatusCode::BAD_REQUEST, error)
            }
            Self::Broken(_) => {
                let error = "the connection to the node broke";
                (Outcome::Broken, StatusCode::BAD_GATEWAY, error)
            }
            Self::Unavailable | Self::TimedOut => {
                let error = "the node did not answer in time";
                (Outcome::TimedOut, StatusCode::GATEWAY_TIMEOUT, error)
            }
        };
        let hint = "what was asked may have happened";
        let mut response = ApiError::new(status, error, hint).into_response();
        // Never fails: ids are letters, digits and marks that every header may hold.
        if let Ok(id) = HeaderValue::from_str(node.as_str()) {
            response.headers_mut().insert(NODE_HEADER, id);
        }
        Some((outcome, response))
    }
}

/// Returns 503: no node is available.
pub(super) fn no_node() -> (Outcome, Response) {
    let error = ApiError::unavailable("no node takes this at the moment", "try again");
    (Outcome::NoNode, error.into_response())
}

/// Returns 503: this gateway forwards as many sockets as it may.
pub(super) fn at_capacity() -> (Outcome, Response) {
    let error = "this gateway forwards as many sockets as it may";
    let error = ApiError::unavailable(error, "use another gateway, or come back later");
    (Outcome::AtCapacity, error.into_response())
}

/// Returns 508: the request goes in a circle.
pub(super) fn loop_detected(
    gateway: &GatewayState,
    found: ForwardingLoop,
    is_upgrade: bool,
) -> Response {
    match is_upgrade {
        true => gateway.metrics.record_upgrade(Outcome::LoopDetected),
        false => gateway.metrics.record_request(Outcome::LoopDetected),
    }
    let error = match found {
        ForwardingLoop::Returned => "this gateway has forwarded this request before",
        ForwardingLoop::TooManyHops => "this request has passed too many proxies",
    };
    let hint = "a node or a proxy has the address of a gateway; GET /nodes lists addresses";
    ApiError::new(StatusCode::LOOP_DETECTED, error, hint).into_response()
}
