//! The life cycle of a consumer.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    ConsumerConfig, JournalError, handler::ConsumerTask, http::router, journal::Journal,
    metrics::ConsumerMetrics,
};
use crate::{
    api::rejections,
    ingest::run_queue_task,
    limits::NodeLimits,
    net::{
        admission::{ConnectionBudget, ConnectionShares},
        listener::{self, Listener},
    },
};

/// Handles records until `shutdown` is cancelled; then finishes its unacked records and
/// returns. With a listener it serves `/healthz`, `/readyz` and `/metrics`. If the queue is
/// unavailable, the consumer reconnects.
///
/// # Errors
/// [`JournalError`] if the journal cannot be opened or written.
pub async fn run(
    listener: Option<TcpListener>,
    config: ConsumerConfig,
    shutdown: CancellationToken,
) -> Result<(), JournalError> {
    let journal = config.journal.as_deref().map(Journal::open).transpose()?;
    let metrics = Arc::new(ConsumerMetrics::new(&config));
    tracing::info!(consumer = %config.id, group = %config.group, "handling telemetry records");
    let serving = CancellationToken::new();
    // Ends the listener when this future is dropped, too.
    let _stop_serving = serving.clone().drop_guard();
    if let Some(listener) = listener {
        let (limits, counters) = (NodeLimits::default(), metrics.listener.clone());
        let router = router(Arc::clone(&metrics));
        let budget = ConnectionBudget::new(ConnectionShares::of_process(None, 1), None);
        let (admin, rejections) = (budget.admin, rejections());
        let listener = Listener::admin(listener, router, rejections, admin, &limits, counters);
        tokio::spawn(listener::run(listener, serving));
    }
    let (url, cluster) = (config.telemetry.clone(), config.cluster.clone());
    let secret = config.cluster_secret.clone();
    let handler = ConsumerTask {
        config,
        journal,
        metrics,
        shutdown,
    };
    run_queue_task(url, cluster, secret, handler).await
}
