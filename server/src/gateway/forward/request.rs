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
    body::{Connection, Returning},
    deadline::{Patience, Rest},
    headers::{self, take_off_connection},
    local_reply, origin,
};
use crate::gateway::{
    backend_set::Requested,
    config::GatewayLimits,
    metrics::RequestOutcome,
    probe::failure,
    state::Gateway,
    upstream::{Sender, Upstream},
};

/// How long a kept connection may take to be ready again after its last answer: the
/// moment in which its task finds out that it is over.
const READY_WITHIN: Duration = Duration::from_millis(50);

/// An answer, and the connection that it comes by.
type Answered = (hyper::Response<Incoming>, Sender);

/// Why there is no answer.
enum Failed {
    /// Nothing was sent; here is the request.
    NotSent(Box<Request>, io::Error),
    /// It was sent, or part of it.
    Broken(hyper::Error),
    /// The node went down meanwhile.
    Fallen,
    /// The client has waited for long enough.
    TimedOut,
}

/// Forwards to a node, and its answer back.
pub(super) async fn forward(gateway: &Arc<Gateway>, request: Request) -> Response {
    let limits = &gateway.config.limits;
    let patience = Patience::of(request.uri(), request.headers(), limits, Instant::now());
    let mut request = prepared(gateway, request);
    let mut tried = Vec::new();
    // What the client is told if nobody answers.
    let mut last = None;
    while tried.len() < limits.attempts {
        let Some(next) = gateway.fleet.request(&tried, Instant::now()) else {
            break;
        };
        if !tried.is_empty() {
            gateway.metrics.retries.inc();
        }
        let id = next.upstream.id.clone();
        let copy = copy_if_safe(&request);
        let again = match ask(limits, &next, request, copy.is_some(), patience.head).await {
            Ok((response, sender)) => {
                gateway.metrics.request(RequestOutcome::Answered);
                let connection = Connection {
                    gateway: Arc::clone(gateway),
                    upstream: next.upstream,
                    sender,
                    lease: next.lease,
                };
                return returned(response, patience.rest, Some(connection));
            }
            Err(Failed::NotSent(back, error)) => {
                tracing::debug!(node = %id, %error, "request not sent");
                let checked = failure(&error);
                gateway
                    .fleet
                    .checked(&next.upstream, checked, Instant::now());
                Some(*back)
            }
            Err(Failed::Broken(error)) => {
                tracing::debug!(node = %id, %error, "request");
                last = Some((RequestOutcome::Broken, local_reply::broken(&id)));
                copy
            }
            Err(Failed::Fallen) => {
                last = Some((RequestOutcome::TimedOut, local_reply::timed_out(&id)));
                copy
            }
            Err(Failed::TimedOut) => {
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
    gateway.metrics.request(outcome);
    answer
}

fn prepared(gateway: &Gateway, mut request: Request) -> Request {
    let origin = origin(gateway, &request);
    let uri = request.uri().clone();
    headers::prepare(request.headers_mut(), &uri, origin);
    *request.uri_mut() = headers::origin_form(&uri);
    *request.version_mut() = hyper::Version::HTTP_11;
    request
}

/// What may be asked a second time, whatever became of the first.
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

/// Asks a node until `deadline`; one that goes down is left at once if the request is
/// safe, and else waited for: it may answer yet.
async fn ask(
    limits: &GatewayLimits,
    next: &Requested,
    request: Request,
    is_safe: bool,
    deadline: Instant,
) -> Result<Answered, Failed> {
    tokio::select! {
        // After a stall, what has come counts before that it is late.
        biased;
        answer = exchange(limits, &next.upstream, request) => answer,
        () = next.fallen.cancelled(), if is_safe => Err(Failed::Fallen),
        () = sleep_until(deadline) => Err(Failed::TimedOut),
    }
}

/// By a kept connection if there is one, else by a new one.
async fn exchange(
    limits: &GatewayLimits,
    upstream: &Upstream,
    mut request: Request,
) -> Result<Answered, Failed> {
    while let Some(mut sender) = upstream.take_idle(limits) {
        // The node may have closed it just now: then the request comes back, unsent.
        if !matches!(timeout(READY_WITHIN, sender.ready()).await, Ok(Ok(()))) {
            continue;
        }
        match send(&mut sender, request).await {
            Ok(response) => return Ok((response, sender)),
            Err(Failed::NotSent(back, _)) => request = *back,
            Err(broken) => return Err(broken),
        }
    }
    let mut sender = match upstream.connect(limits.connect_timeout).await {
        Ok(sender) => sender,
        Err(error) => return Err(Failed::NotSent(Box::new(request), error)),
    };
    let response = send(&mut sender, request).await?;
    Ok((response, sender))
}

async fn send(sender: &mut Sender, request: Request) -> Result<hyper::Response<Incoming>, Failed> {
    sender
        .try_send_request(request)
        .await
        .map_err(|mut failed| match failed.take_message() {
            Some(back) => Failed::NotSent(Box::new(back), io::Error::other(failed.into_error())),
            None => Failed::Broken(failed.into_error()),
        })
}

/// A node's answer, as the client gets it.
pub(super) fn returned(
    response: hyper::Response<Incoming>,
    rest: Rest,
    connection: Option<Connection>,
) -> Response {
    let mut response =
        response.map(|incoming| Body::new(Returning::new(incoming, rest, connection)));
    take_off_connection(response.headers_mut());
    response
}
