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

use crate::stream::Wire;

/// Header fields of one request.
const MAX_HEADERS: usize = 64;
/// Request line and headers of one request, in bytes; hyper's least is 8 KiB.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Who is at the other end of a connection; every request carries it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// How requests of one connection are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// How long the first request's head may take.
    pub(super) first_within: Duration,
    /// How long each other one may take, counted from the request before it.
    pub(super) head_within: Duration,
    /// Whether there may be another one.
    pub(super) keep_alive: bool,
}

/// Serves requests until the connection ends or is a device's socket. Once `stop` is
/// cancelled, the request under way is the last.
pub(super) async fn serve(
    wire: Wire,
    peer: Peer,
    router: Router,
    reading: Reading,
    stop: CancellationToken,
) {
    let asked = Arc::new(AtomicBool::new(false));
    let service = Noted {
        service: TowerToHyperService::new(router),
        peer,
        asked: Arc::clone(&asked),
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(reading.head_within)
        .keep_alive(reading.keep_alive)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(wire), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        // After a stall, what has come counts before that it is late.
        biased;
        ended = connection.as_mut() => ended,
        () = nothing_asked(reading.first_within, &asked) => return,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection");
    }
}

/// Ends when that time has passed without a request, and else never: whoever says
/// nothing at all has no claim to the time that a pooled connection may idle.
async fn nothing_asked(within: Duration, asked: &AtomicBool) {
    sleep(within).await;
    if asked.load(Relaxed) {
        pending().await
    }
}

/// Notes that there was a request, and tells it who asks.
struct Noted<S> {
    service: S,
    peer: Peer,
    asked: Arc<AtomicBool>,
}

impl<S: Service<Request<Incoming>>> Service<Request<Incoming>> for Noted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, mut request: Request<Incoming>) -> S::Future {
        self.asked.store(true, Relaxed);
        request.extensions_mut().insert(self.peer);
        self.service.call(request)
    }
}
