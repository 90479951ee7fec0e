//! HTTP on one connection.

use std::{
    future::pending,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::Router;
use hyper::{Request, body::Incoming, server::conn::http1, service::Service};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::net::stream::MaybeTlsStream;

/// Header fields of one request.
const MAX_HEADERS: usize = 64;
/// Request line and headers of one request, in bytes; hyper's least is 8 KiB.
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
    /// Whether there may be another one.
    pub(super) keep_alive: bool,
}

/// Serves requests until the connection ends or is a device's socket. Once `stop` is
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
        // After a stall, what has come counts before that it is late.
        biased;
        ended = connection.as_mut() => ended,
        () = no_request_within(settings.first_request_timeout, &has_request) => return,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection");
    }
}

/// Returns after `within` if no request has begun, and otherwise never. A client that sends
/// nothing at all must not hold a connection for as long as a pooled one may idle.
async fn no_request_within(within: Duration, has_request: &AtomicBool) {
    sleep(within).await;
    if has_request.load(Relaxed) {
        pending().await
    }
}

/// Notes that there was a request, and tells it who asks.
struct RequestTracker<S> {
    service: S,
    peer: PeerAddr,
    has_request: Arc<AtomicBool>,
}

impl<S: Service<Request<Incoming>>> Service<Request<Incoming>> for RequestTracker<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, mut request: Request<Incoming>) -> S::Future {
        self.has_request.store(true, Relaxed);
        request.extensions_mut().insert(self.peer);
        self.service.call(request)
    }
}
