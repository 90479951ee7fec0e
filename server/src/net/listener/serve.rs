//! HTTP on one connection.

use std::{
    convert::Infallible,
    future::{pending, ready},
    net::IpAddr,
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
use futures_util::future::{BoxFuture, Either};
use hyper::{Request, body::Incoming, server::conn::http1, service::Service};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    counted_body::CountedBody, host::has_valid_host, receive_delay::ReceiveSocket,
    rules::ConnectionRules,
};
use crate::net::{admission::Rejected, stream::MaybeTlsStream};

/// Most header fields of one request.
const MAX_HEADERS: usize = 64;
/// Most bytes of a request line and its headers; hyper's minimum is 8 KiB.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct HttpPeer {
    /// The address of the peer, or of the client that its PROXY header names.
    pub(super) address: IpAddr,
    pub(super) is_tls: bool,
    /// Whether the peer names the clients of its requests. Each request then counts for its
    /// client, and the connection for none.
    pub(super) is_trusted: bool,
}

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
    peer: HttpPeer,
    router: Router,
    rules: Arc<ConnectionRules>,
    settings: Http1Settings,
    stop: CancellationToken,
) {
    let has_request = Arc::new(AtomicBool::new(false));
    let service = RequestTracker {
        service: TowerToHyperService::new(router),
        peer,
        socket: ReceiveSocket::of(&stream),
        rules,
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
        let client = peer.address;
        tracing::debug!(%client, %error, "an HTTP connection failed");
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
/// the client to the others.
struct RequestTracker<S> {
    service: S,
    peer: HttpPeer,
    /// The socket of the connection, which is open while it is polled.
    socket: ReceiveSocket,
    rules: Arc<ConnectionRules>,
    has_request: Arc<AtomicBool>,
}

impl<S> Service<Request<Incoming>> for RequestTracker<S>
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response, Infallible>>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.has_request.store(true, Relaxed);
        if !has_valid_host(&request) {
            // Without a body, like the answers of hyper to requests that it cannot parse.
            let close = [(header::CONNECTION, "close")];
            return answer((StatusCode::BAD_REQUEST, close).into_response());
        }
        let HttpPeer {
            address, is_tls, ..
        } = self.peer;
        let trusted = &self.rules.trusted_peers;
        let client = trusted.client_of(address, is_tls, request.headers());
        request.extensions_mut().insert(client);
        if request.headers().contains_key(header::UPGRADE)
            && let Ok(delay) = self.socket.delay()
        {
            request.extensions_mut().insert(delay);
        }
        if !self.peer.is_trusted {
            return Either::Left(self.service.call(request));
        }
        let Some(permit) = self.rules.address_limit.try_acquire(client.address) else {
            let reason = Rejected::AddressLimit;
            self.rules.metrics.record_rejected(reason);
            return answer((self.rules.rejections.address_limit)());
        };
        let response = self.service.call(request);
        Either::Right(Box::pin(async move {
            let Ok(response) = response.await;
            // Until its end: a stream of events counts for as long as it lasts.
            Ok(response.map(|body| CountedBody::wrap(body, permit)))
        }))
    }
}

/// Returns a future that is an answer already.
fn answer<F>(response: Response) -> Either<F, BoxFuture<'static, Result<Response, Infallible>>> {
    Either::Right(Box::pin(ready(Ok(response))))
}
