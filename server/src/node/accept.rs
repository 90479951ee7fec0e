//! Connections: from the accept queue to the HTTP service.
//!
//! The loop is ours, not axum's, for three reasons: limits on headers and the time
//! they take, survival when descriptors run out, and connection tasks that are gone
//! once a socket is upgraded.

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

/// Header fields of one request.
const MAX_HEADERS: usize = 64;
/// Request line and headers of one request, in bytes; hyper's least is 8 KiB.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// After an error, so that running out of descriptors does not spin.
const BACK_OFF: Duration = Duration::from_millis(20);

/// Accepts until `stop` is cancelled, then lets requests under way finish.
pub(super) async fn run(
    node: Arc<Node>,
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) {
    let connections = TaskTracker::new();
    let mut failing = false;
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => {
                failing = false;
                connections.spawn(serve(
                    stream,
                    router.clone(),
                    node.config.limits.header_timeout,
                    stop.clone(),
                ));
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

async fn serve(
    stream: TcpStream,
    router: Router,
    header_timeout: Duration,
    stop: CancellationToken,
) {
    // Frames are small and answered at once: Nagle's delay would be all they see.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
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
