//! HTTP on one connection.

use std::{
    convert::Infallible,
    future::{Ready, pending, ready},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    Router,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::future::Either;
use hyper::{Request, body::Incoming, server::conn::http1, service::Service};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::host::has_valid_host;
use crate::net::stream::MaybeTlsStream;

/// Most header fields of one request.
const MAX_HEADERS: usize = 64;
/// Most bytes of a request line and its headers; hyper's minimum is 8 KiB.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// The address of the client. Every request carries it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PeerAddr(pub(crate) SocketAddr);

/// The settings for reading requests of one connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Http1Settings {
    /// Time limit of the first request's head.
    pub(super) first_request_timeout: Duration,
    /// Time limit of each further request's head, from the request before it.
    pub(super) header_read_timeout: Duration,
    /// Whether another request may follow.
    pub(super) keep_alive: bool,
}

/// Serves requests until the connection ends or becomes a device socket. Once `stop` is
/// cancelled, the request under way is the last.
pub(super) async fn serve(
    stream: MaybeTlsStream,
    peer: PeerAddr,
    router: Router,
    settings: Http1Settings,
    stop: CancellationToken,
) {
    let has_request = Arc::new(AtomicBool::new(false));
    let service = RequestTracker {
        service: TowerToHyperService::new(router),
        peer,
        has_request: Arc::clone(&has_request),
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.header_read_timeout)
        .keep_alive(settings.keep_alive)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        // After a stall of this process, a request that has arrived counts before its timeout.
        biased;
        ended = connection.as_mut() => ended,
        () = no_request_within(settings.first_request_timeout, &has_request) => return,
        () = stop.cancelled() => {
            // Polled on afterwards: hyper answers the request under way first.
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an HTTP connection failed");
    }
}

/// Returns after `within` if no request has begun, and otherwise never.
async fn no_request_within(within: Duration, has_request: &AtomicBool) {
    // A client that sends nothing must not hold a connection for as long as a pooled one may
    // be idle.
    sleep(within).await;
    if has_request.load(Relaxed) {
        pending().await
    }
}

/// A service that records that a request has begun, rejects one without a valid host, and adds
/// the peer's address to the others.
struct RequestTracker<S> {
    service: S,
    peer: PeerAddr,
    has_request: Arc<AtomicBool>,
}

impl<S> Service<Request<Incoming>> for RequestTracker<S>
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response, Infallible>>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.has_request.store(true, Relaxed);
        if !has_valid_host(&request) {
            // Without a body, like the answers of hyper to requests that it cannot parse.
            let close = [(header::CONNECTION, "close")];
            return Either::Right(ready(Ok((StatusCode::BAD_REQUEST, close).into_response())));
        }
        request.extensions_mut().insert(self.peer);
        Either::Left(self.service.call(request))
    }
}
