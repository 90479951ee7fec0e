//! Requests and their responses, streamed both ways.
//!
//! A request that was not sent is tried at another node. One that was sent may have been
//! executed: it is tried again only if it is safe (RFC 9110, section 9.2.1) and has no body, when
//! the connection breaks or the node goes down before its response.

use std::{io, sync::Arc, time::Duration};

use axum::{body::Body, extract::Request, response::Response};
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, timeout};

use super::{
    body::{ResponseBody, UpstreamConnection},
    deadline::{BodyTimeout, RequestDeadline},
    headers::strip_hop_by_hop,
    local_reply::{self, SendFailure},
    response_within, rewrite_request,
};
use crate::gateway::{
    config::GatewayLimits,
    metrics::Outcome,
    probe::classify_error,
    state::GatewayState,
    upstream::{RequestSender, Upstream},
};

/// Time in which a pooled connection must be ready again.
// It covers the moment in which the connection's task notices that the last response has ended.
const READY_TIMEOUT: Duration = Duration::from_millis(50);

/// A failure with the request if it was not sent. The box keeps the other failures small.
type RequestFailure = SendFailure<Box<Request>>;

/// Forwards a request to a node, and the response back.
pub(super) async fn forward(gateway: &Arc<GatewayState>, request: Request) -> Response {
    let limits = &gateway.config.limits;
    let deadline =
        RequestDeadline::for_request(request.uri(), request.headers(), limits, Instant::now());
    let mut request = rewrite_request(gateway, request);
    let mut tried = Vec::new();
    // The response for the client if no node answers.
    let mut last = None;
    while tried.len() < limits.max_attempts {
        let Some(next) = gateway.backends.pick_for_request(&tried, Instant::now()) else {
            break;
        };
        if !tried.is_empty() {
            gateway.metrics.retries.inc();
        }
        let id = next.upstream.id.clone();
        let copy = copy_if_safe(&request);
        // An unsafe request waits on when the node goes down, because it may still answer.
        let unavailable = copy.is_some().then_some(&next.unavailable);
        let sent = send_to_node(limits, &next.upstream, request);
        let failure = match response_within(deadline.head, unavailable, sent).await {
            Ok((response, sender)) => {
                gateway.metrics.record_request(Outcome::Answered);
                let connection = UpstreamConnection {
                    gateway: Arc::clone(gateway),
                    upstream: next.upstream,
                    sender,
                    _guard: next.guard,
                };
                return client_response(response, deadline.body, Some(connection));
            }
            Err(failure) => failure,
        };
        tracing::debug!(node = %id, %failure, "a node did not answer a request");
        last = failure.local_reply(&id).or(last);
        let again = match failure {
            RequestFailure::NotSent(unsent, error) => {
                let (checked, now) = (classify_error(&error), Instant::now());
                gateway.backends.record_probe(&next.upstream, checked, now);
                Some(*unsent)
            }
            RequestFailure::Broken(_) | RequestFailure::Unavailable => copy,
            RequestFailure::TimedOut | RequestFailure::ClientBroken(_) => None,
        };
        let Some(again) = again else {
            break;
        };
        request = again;
        tried.push(id);
    }
    let (outcome, response) = last.unwrap_or_else(local_reply::no_node);
    gateway.metrics.record_request(outcome);
    response
}

/// Copies a request that may be sent twice: a safe method without a body.
fn copy_if_safe(request: &Request) -> Option<Request> {
    if !(request.method().is_safe() && request.body().is_end_stream()) {
        return None;
    }
    let mut copy = Request::new(Body::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

/// Sends on a pooled connection if there is one, and otherwise on a new one.
async fn send_to_node(
    limits: &GatewayLimits,
    upstream: &Upstream,
    mut request: Request,
) -> Result<(hyper::Response<Incoming>, RequestSender), RequestFailure> {
    while let Some(mut sender) = upstream.take_idle(limits) {
        // The node may have closed it just now.
        if !matches!(timeout(READY_TIMEOUT, sender.ready()).await, Ok(Ok(()))) {
            continue;
        }
        match send(&mut sender, request).await {
            Ok(response) => return Ok((response, sender)),
            // Not the node's fault: it closed an idle connection.
            Err(RequestFailure::NotSent(unsent, _)) => request = *unsent,
            Err(failure) => return Err(failure),
        }
    }
    let mut sender = match upstream.connect(limits.connect_timeout).await {
        Ok(sender) => sender,
        Err(error) => return Err(RequestFailure::NotSent(Box::new(request), error)),
    };
    let response = send(&mut sender, request).await?;
    Ok((response, sender))
}

async fn send(
    sender: &mut RequestSender,
    request: Request,
) -> Result<hyper::Response<Incoming>, RequestFailure> {
    let sent = sender.try_send_request(request).await;
    // hyper returns the request if it has written none of it.
    sent.map_err(|mut failed| match failed.take_message() {
        Some(unsent) => {
            let error = io::Error::other(failed.into_error());
            RequestFailure::NotSent(Box::new(unsent), error)
        }
        None => match failed.into_error() {
            // The body comes from the client: its end is not the node's fault.
            error if error.is_user() => RequestFailure::ClientBroken(error),
            error => RequestFailure::Broken(error),
        },
    })
}

/// Returns a node's response, as the client gets it.
pub(super) fn client_response(
    response: hyper::Response<Incoming>,
    body_timeout: BodyTimeout,
    connection: Option<UpstreamConnection>,
) -> Response {
    let mut response =
        response.map(|incoming| Body::new(ResponseBody::new(incoming, body_timeout, connection)));
    strip_hop_by_hop(response.headers_mut());
    response
}
