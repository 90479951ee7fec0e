//! Requests and their answers, streamed both ways.
//!
//! A request that was not sent is tried at another node; one that was sent is not:
//! it may have happened.

use std::{io, sync::Arc, time::Duration};

use axum::{body::Body, extract::Request, response::Response};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    answer,
    body::{Connection, Returning},
    fields::{self, take_off_connection},
    origin,
    patience::Patience,
};
use crate::gateway::{
    fleet::Requested,
    metrics::RequestOutcome,
    probe::failure,
    state::Gateway,
    upstream::{Sender, Upstream},
};

/// How long a kept connection may take to be ready again after its last answer: the
/// moment in which its task finds out that it is over.
const READY_WITHIN: Duration = Duration::from_millis(50);

/// Why there is no answer.
enum Failed {
    /// Nothing was sent; here is the request.
    NotSent(Box<Request>, io::Error),
    /// It was sent, or part of it.
    Broken(hyper::Error),
}

/// Forwards to a node, and its answer back.
pub(super) async fn forward(gateway: &Arc<Gateway>, request: Request) -> Response {
    let limits = &gateway.config.limits;
    let patience = Patience::of(request.uri(), request.headers(), limits, Instant::now());
    let mut request = prepared(gateway, request);
    let mut tried = Vec::new();
    while tried.len() < limits.attempts {
        let Some(Requested { upstream, lease }) = gateway.fleet.request(&tried) else {
            break;
        };
        match timeout_at(patience.head, exchange(gateway, &upstream, request)).await {
            Err(_) => {
                gateway.metrics.request(RequestOutcome::TimedOut);
                return answer::timed_out(&upstream.id);
            }
            Ok(Ok((response, sender))) => {
                gateway.metrics.request(RequestOutcome::Answered);
                let connection = Connection {
                    gateway: Arc::clone(gateway),
                    upstream,
                    sender,
                };
                return returned(response, |body| {
                    Returning::new(body, connection, lease, patience.end)
                });
            }
            Ok(Err(Failed::Broken(error))) => {
                tracing::debug!(node = %upstream.id, %error, "request");
                gateway.metrics.request(RequestOutcome::Broken);
                return answer::broken(&upstream.id);
            }
            Ok(Err(Failed::NotSent(back, error))) => {
                tracing::debug!(node = %upstream.id, %error, "request not sent");
                gateway
                    .fleet
                    .checked(&upstream, failure(&error), Instant::now());
                tried.push(upstream.id.clone());
                gateway.metrics.retries.inc();
                request = *back;
            }
        }
    }
    gateway.metrics.request(RequestOutcome::NoNode);
    answer::no_node()
}

fn prepared(gateway: &Gateway, mut request: Request) -> Request {
    let origin = origin(gateway, &request);
    fields::prepare(request.headers_mut(), origin);
    *request.uri_mut() = fields::origin_form(request.uri());
    *request.version_mut() = hyper::Version::HTTP_11;
    request
}

/// By a kept connection if there is one, else by a new one.
async fn exchange(
    gateway: &Gateway,
    upstream: &Upstream,
    mut request: Request,
) -> Result<(hyper::Response<Incoming>, Sender), Failed> {
    let limits = &gateway.config.limits;
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

fn returned(
    response: hyper::Response<Incoming>,
    body: impl FnOnce(Incoming) -> Returning,
) -> Response {
    let mut response = response.map(|incoming| Body::new(body(incoming)));
    take_off_connection(response.headers_mut());
    response
}
