//! Connections: from the accept queue to the HTTP service.
//!
//! The loop is ours, not axum's, for these reasons: limits on headers and the time
//! they take, TLS, a reserve of descriptors and survival when they run out all the
//! same, and connection tasks that are gone once a socket is upgraded.

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::Node;
use crate::{
    admission::{Place, Room},
    http,
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
pub(super) struct Door {
    pub(super) listener: TcpListener,
    pub(super) router: Router,
    /// `None` is plain TCP.
    pub(super) tls: Option<Arc<ServerTls>>,
    /// Bounds connections that are open at once.
    pub(super) room: Arc<Room>,
}

/// How requests of one connection are read.
#[derive(Clone, Copy)]
struct Reading {
    header_timeout: Duration,
    keep_alive: bool,
}

/// Accepts until `stop` is cancelled, then lets requests under way finish.
pub(super) async fn run(node: Arc<Node>, door: Door, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let told = Arc::new(Room::new(Some(TOLD_AT_ONCE)));
    let mut failing = false;
    while let Some(accepted) = stop.run_until_cancelled(door.listener.accept()).await {
        match accepted {
            Ok((stream, _)) => {
                failing = false;
                // Frames are small and answered at once: Nagle's delay would be all
                // they see.
                let _ = stream.set_nodelay(true);
                match door.room.enter() {
                    Some(place) => {
                        let served = welcome(Arc::clone(&node), &door, stream, place, stop.clone());
                        connections.spawn(served);
                    }
                    None => {
                        node.metrics.turned_away.inc();
                        if let (None, Some(place)) = (&door.tls, told.enter()) {
                            connections.spawn(turn_away(stream, place, stop.clone()));
                        }
                    }
                }
            }
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => {
                node.metrics.accept_errors.inc();
                // Once for a run of errors; the counter has them all.
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "accept");
                }
                sleep(BACK_OFF).await;
            }
        }
    }
    connections.close();
    connections.wait().await;
}

/// The TLS handshake, where there is one, then HTTP. The place is held until the
/// connection ends or is a device socket.
fn welcome(
    node: Arc<Node>,
    door: &Door,
    stream: TcpStream,
    place: Place,
    stop: CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let (router, tls) = (door.router.clone(), door.tls.clone());
    async move {
        let limits = &node.config.limits;
        let reading = Reading {
            header_timeout: limits.header_timeout,
            keep_alive: true,
        };
        let wire = match tls {
            None => Wire::Plain(stream),
            // Boxed: what a handshake needs is not held while requests are served.
            Some(tls) => match Box::pin(tls.accept(stream, limits.handshake_timeout)).await {
                Ok(stream) => Wire::Tls(Box::new(stream)),
                Err(error) => {
                    node.metrics.handshakes_failed.inc();
                    tracing::debug!(%error, "handshake");
                    return;
                }
            },
        };
        drop(node);
        serve(wire, router, reading, stop).await;
        drop(place);
    }
}

/// Tells a client that there is no room, so that it comes back later.
async fn turn_away(stream: TcpStream, place: Place, stop: CancellationToken) {
    let reading = Reading {
        header_timeout: TOLD_WITHIN,
        keep_alive: false,
    };
    serve(Wire::Plain(stream), http::no_room(), reading, stop).await;
    drop(place);
}

async fn serve(wire: Wire, router: Router, reading: Reading, stop: CancellationToken) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(reading.header_timeout)
        .keep_alive(reading.keep_alive)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(wire), TowerToHyperService::new(router))
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
