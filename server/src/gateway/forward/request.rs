//! Requests and their answers, streamed both ways.
//!
//! A request that was not sent is tried at another node. One that was sent may have
//! happened: it is tried again only if it is safe (RFC 9110, section 9.2.1) and has no
//! body, when the connection breaks or the node goes down before it has answered.

use std::{io, sync::Arc, time::Duration};

use axum::{body::Body, extract::Request, response::Response};
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, sleep_until, timeout};

use super::{
    body::{ResponseBody, UpstreamConnection},
    client_info,
    deadline::{BodyTimeout, RequestDeadline},
    headers::{self, strip_hop_by_hop},
    local_reply,
};
use crate::gateway::{
    backend_set::RequestPick,
    config::GatewayLimits,
    metrics::RequestOutcome,
    probe::classify_error,
    state::GatewayState,
    upstream::{RequestSender, Upstream},
};

/// Time in which a pooled connection must be ready again. It covers the moment in which the
/// connection's task notices that the last response has ended.
const READY_TIMEOUT: Duration = Duration::from_millis(50);

/// An answer, and the connection that it comes by.
type NodeResponse = (hyper::Response<Incoming>, RequestSender);

/// The reason why there is no response.
enum RequestFailure {
    /// No byte was sent, so the request can go to another node.
    NotSent(Box<Request>, io::Error),
    /// The request was sent, at least in part.
    Broken(hyper::Error),
    /// The node went down meanwhile.
    Unavailable,
    /// The client has waited for long enough.
    TimedOut,
}

/// Forwards to a node, and its answer back.
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
        let again = match send_until_deadline(limits, &next, request, copy.is_some(), deadline.head)
            .await
        {
            Ok((response, sender)) => {
                gateway.metrics.record_request(RequestOutcome::Answered);
                let connection = UpstreamConnection {
                    gateway: Arc::clone(gateway),
                    upstream: next.upstream,
                    sender,
                    guard: next.guard,
                };
                return client_response(response, deadline.body, Some(connection));
            }
            Err(RequestFailure::NotSent(back, error)) => {
                tracing::debug!(node = %id, %error, "request not sent");
                let checked = classify_error(&error);
                gateway
                    .backends
                    .record_probe(&next.upstream, checked, Instant::now());
                Some(*back)
            }
            Err(RequestFailure::Broken(error)) => {
                tracing::debug!(node = %id, %error, "request");
                last = Some((RequestOutcome::Broken, local_reply::broken(&id)));
                copy
            }
            Err(RequestFailure::Unavailable) => {
                last = Some((RequestOutcome::TimedOut, local_reply::timed_out(&id)));
                copy
            }
            Err(RequestFailure::TimedOut) => {
                last = Some((RequestOutcome::TimedOut, local_reply::timed_out(&id)));
                None
            }
        };
        let Some(again) = again else {
            break;
        };
        request = again;
        tried.push(id);
    }
    let (outcome, answer) =
        last.unwrap_or_else(|| (RequestOutcome::NoNode, local_reply::no_node()));
    gateway.metrics.record_request(outcome);
    answer
}

fn rewrite_request(gateway: &GatewayState, mut request: Request) -> Request {
    let client = client_info(gateway, &request);
    let uri = request.uri().clone();
    headers::rewrite_headers(request.headers_mut(), &uri, client);
    *request.uri_mut() = headers::origin_form(&uri);
    *request.version_mut() = hyper::Version::HTTP_11;
    request
}

/// Copies a request that may be sent twice: a safe method without a body (RFC 9110, 9.2.1).
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

/// Sends a request to a node and waits until `deadline`. If the node goes down, a safe request
/// is
/// given up at once; for any other the wait goes on, because the node may still answer.
async fn send_until_deadline(
    limits: &GatewayLimits,
    next: &RequestPick,
    request: Request,
    is_safe: bool,
    deadline: Instant,
) -> Result<NodeResponse, RequestFailure> {
    tokio::select! {
        // After a stall, what has come counts before that it is late.
        biased;
        answer = send_to_node(limits, &next.upstream, request) => answer,
        () = next.unavailable.cancelled(), if is_safe => Err(RequestFailure::Unavailable),
        () = sleep_until(deadline) => Err(RequestFailure::TimedOut),
    }
}

/// Sends on a pooled connection if there is one, and otherwise on a new one.
async fn send_to_node(
    limits: &GatewayLimits,
    upstream: &Upstream,
    mut request: Request,
) -> Result<NodeResponse, RequestFailure> {
    while let Some(mut sender) = upstream.take_idle(limits) {
        // The node may have closed it just now: then the request comes back, unsent.
        if !matches!(timeout(READY_TIMEOUT, sender.ready()).await, Ok(Ok(()))) {
            continue;
        }
        match send(&mut sender, request).await {
            Ok(response) => return Ok((response, sender)),
            Err(RequestFailure::NotSent(back, _)) => request = *back,
            Err(broken) => return Err(broken),
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
    sender
        .try_send_request(request)
        .await
        .map_err(|mut failed| match failed.take_message() {
            Some(back) => {
                RequestFailure::NotSent(Box::new(back), io::Error::other(failed.into_error()))
            }
            None => RequestFailure::Broken(failed.into_error()),
        })
}

/// A node's answer, as the client gets it.
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
