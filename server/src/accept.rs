//! Connections: from the accept queue to the HTTP service.
//!
//! The loop is ours, not axum's, for these reasons: limits on headers and the time
//! they take, TLS, a reserve of descriptors and survival when they run out all the
//! same, and connection tasks that are gone once a socket is upgraded.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, response::Response};
use hyper::{Request, body::Incoming, server::conn::http1, service::Service};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use prometheus::{IntCounter, Registry};
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admission::{Place, Room},
    metric::{add, counter},
    tls::ServerTls,
    wire::Wire,
};

/// Header fields of one request.
const MAX_HEADERS: usize = 64;
/// Request line and headers of one request, in bytes; hyper's least is 8 KiB.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// After an error, so that running out of descriptors does not spin.
const BACK_OFF: Duration = Duration::from_millis(20);
/// Connections at once that are told that there is no room; others are dropped.
const TOLD_AT_ONCE: usize = 16;
/// How long who is turned away may take to send a request.
const TOLD_WITHIN: Duration = Duration::from_secs(2);

/// A listener and what its connections meet.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) router: Router,
    /// What is answered when there is no room.
    pub(crate) no_room: Router,
    /// `None` is plain TCP.
    pub(crate) tls: Option<Arc<ServerTls>>,
    /// Bounds connections that are open at once.
    pub(crate) room: Arc<Room>,
    pub(crate) patience: Patience,
    pub(crate) counts: Counts,
}

/// How long a client may take.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// From one request to the end of the next one's head.
    pub(crate) head: Duration,
    /// For a TLS handshake.
    pub(crate) handshake: Duration,
}

/// Who is at the other end of a connection; every request carries it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// What went wrong at the door.
#[derive(Clone)]
pub(crate) struct Counts {
    errors: IntCounter,
    turned_away: IntCounter,
    handshakes_failed: IntCounter,
}

impl Counts {
    pub(crate) fn new() -> Self {
        Self {
            errors: counter(
                "highwater_accept_errors_total",
                "Connections the operating system could not hand over.",
            ),
            turned_away: counter(
                "highwater_connections_turned_away_total",
                "Connections beyond what the open files leave room for.",
            ),
            handshakes_failed: counter(
                "highwater_tls_handshakes_failed_total",
                "TLS handshakes that failed or took too long.",
            ),
        }
    }

    pub(crate) fn register(&self, registry: &Registry) {
        add(registry, &self.errors);
        add(registry, &self.turned_away);
        add(registry, &self.handshakes_failed);
    }
}

/// How requests of one connection are read.
#[derive(Clone, Copy)]
struct Reading {
    header_timeout: Duration,
    keep_alive: bool,
}

/// Accepts until `stop` is cancelled, then lets requests under way finish.
pub(crate) async fn run(door: Door, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let told = Arc::new(Room::new(Some(TOLD_AT_ONCE)));
    let mut failing = false;
    while let Some(accepted) = stop.run_until_cancelled(door.listener.accept()).await {
        match accepted {
            Ok((stream, address)) => {
                failing = false;
                // Frames are small and answered at once: Nagle's delay would be all
                // they see.
                let _ = stream.set_nodelay(true);
                let peer = Peer(address);
                match door.room.enter() {
                    Some(place) => {
                        connections.spawn(welcome(&door, stream, peer, place, stop.clone()));
                    }
                    None => {
                        door.counts.turned_away.inc();
                        if let (None, Some(place)) = (&door.tls, told.enter()) {
                            connections.spawn(turn_away(&door, stream, peer, place, stop.clone()));
                        }
                    }
                }
            }
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => {
                door.counts.errors.inc();
                // Once for a run of errors; the counter has them all.
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "accept");
                }
                sleep(BACK_OFF).await;
            }
        }
    }
    // Closed for good: who comes now is refused at once, and goes elsewhere.
    drop(door);
    connections.close();
    connections.wait().await;
}

/// The TLS handshake, where there is one, then HTTP. The place is held until the
/// connection ends or is a socket.
fn welcome(
    door: &Door,
    stream: TcpStream,
    peer: Peer,
    place: Place,
    stop: CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let (router, tls, patience) = (door.router.clone(), door.tls.clone(), door.patience);
    let failed = door.counts.handshakes_failed.clone();
    async move {
        let reading = Reading {
            header_timeout: patience.head,
            keep_alive: true,
        };
        let wire = match tls {
            None => Wire::Plain(stream),
            // Boxed: what a handshake needs is not held while requests are served.
            Some(tls) => match Box::pin(tls.accept(stream, patience.handshake)).await {
                Ok(stream) => Wire::Tls(Box::new(stream)),
                Err(error) => {
                    failed.inc();
                    tracing::debug!(%error, "handshake");
                    return;
                }
            },
        };
        serve(wire, Introduced::new(router, peer), reading, stop).await;
        drop(place);
    }
}

/// Tells a client that there is no room, so that it comes back later.
fn turn_away(
    door: &Door,
    stream: TcpStream,
    peer: Peer,
    place: Place,
    stop: CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let answer = Introduced::new(door.no_room.clone(), peer);
    async move {
        let reading = Reading {
            header_timeout: TOLD_WITHIN,
            keep_alive: false,
        };
        serve(Wire::Plain(stream), answer, reading, stop).await;
        drop(place);
    }
}

/// Routes that are told who asks.
struct Introduced {
    router: TowerToHyperService<Router>,
    peer: Peer,
}

impl Introduced {
    fn new(router: Router, peer: Peer) -> Self {
        Self {
            router: TowerToHyperService::new(router),
            peer,
        }
    }
}

impl Service<Request<Incoming>> for Introduced {
    type Response = Response;
    type Error = Infallible;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        self.router.call(request)
    }
}

async fn serve(wire: Wire, routes: Introduced, reading: Reading, stop: CancellationToken) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(reading.header_timeout)
        .keep_alive(reading.keep_alive)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(wire), routes)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection");
    }
}

/// The peer was gone before its connection was accepted; nothing is wrong here.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}
