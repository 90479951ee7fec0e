//! The life of a consumer.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    ConsumerConfig, JournalError,
    handler::Handler,
    http::{Shown, router},
    journal::Journal,
    metrics::Metrics,
};
use crate::{
    config::Limits,
    http,
    ingest::on_queue,
    listener::{self, Door},
};

/// Handles readings until `shutdown` is cancelled; then finishes what it has in hand
/// and returns. With a listener it serves `/healthz`, `/readyz` and `/metrics`. A queue
/// that is away is no error: it is tried again.
///
/// # Errors
/// [`JournalError`] when the journal cannot be opened or written.
pub async fn run(
    listener: Option<TcpListener>,
    config: ConsumerConfig,
    shutdown: CancellationToken,
) -> Result<(), JournalError> {
    let journal = config.journal.as_deref().map(Journal::open).transpose()?;
    let metrics = Arc::new(Metrics::default());
    tracing::info!(consumer = %config.id, group = %config.group, "handling readings");
    let shown = Shown {
        metrics: Arc::clone(&metrics),
        heap_probe: config.heap_probe,
    };
    let serving = CancellationToken::new();
    let _stop_serving = serving.clone().drop_guard();
    if let Some(listener) = listener {
        let (limits, counts) = (Limits::default(), metrics.door.clone());
        let door = Door::for_operators(listener, router(shown), http::no_room(), &limits, counts);
        tokio::spawn(listener::run(door, serving));
    }
    let (url, cluster) = (config.backplane.clone(), config.cluster.clone());
    let handler = Handler {
        config,
        journal,
        metrics,
        shutdown,
    };
    on_queue(url, cluster, handler).await
}
