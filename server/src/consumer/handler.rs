//! The handling of records: from the queue to the journal, and the acknowledgement back.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{ConsumerConfig, JournalError, journal::Journal, metrics::ConsumerMetrics};
use crate::{
    ingest::{
        GroupConsumer, QueueError, QueueTask, TelemetryDelivery,
        queue::{SETUP_TIMEOUT, with_timeout},
    },
    net::backoff::Backoff,
};

/// Interval at which handled records are written to the journal and acknowledged.
// Records in between are handled again if the consumer dies.
const ACK_INTERVAL: Duration = Duration::from_millis(20);
/// The part of the time to acknowledge after which it is extended.
// A fifth leaves room for late calls.
const EXTEND_ACK_PART: u32 = 5;

/// A task that handles records until the shutdown.
pub(super) struct ConsumerTask {
    pub(super) config: ConsumerConfig,
    pub(super) journal: Option<Journal>,
    pub(super) metrics: Arc<ConsumerMetrics>,
    pub(super) shutdown: CancellationToken,
}

impl QueueTask for ConsumerTask {
    type Output = Result<(), JournalError>;

    /// Runs over one connection after the other.
    async fn run<M: GroupConsumer>(mut self, address: M::Address) -> Self::Output {
        let mut backoff = Backoff::default();
        loop {
            let began = Instant::now();
            match self.run_connection::<M>(&address).await {
                Ok(()) => return Ok(()),
                // Without a journal the handled records would be unknown.
                Err(ConsumerError::Journal(error)) => return Err(error),
                Err(ConsumerError::Queue(error)) => {
                    tracing::warn!(%error, "connection to the telemetry queue ended; reconnecting")
                }
            }
            backoff.record_disconnect(began.elapsed());
            let shutdown = self.shutdown.clone();
            // A shutdown must not wait for the backoff, which can be seconds.
            shutdown.run_until_cancelled(backoff.wait()).await;
        }
    }
}

/// The reason why one connection ended.
#[derive(Debug, thiserror::Error)]
enum ConsumerError {
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// The records of one poll, in the order in which they are handled.
struct UnackedBatch<R> {
    receipts: Vec<R>,
    /// The number of records acknowledged so far.
    acknowledged: usize,
    /// The time of the last extension.
    extended_at: Instant,
}

impl<R> UnackedBatch<R> {
    /// Returns the receipts that are not acknowledged.
    fn unacked(&self) -> &[R] {
        &self.receipts[self.acknowledged..]
    }
}

impl ConsumerTask {
    /// Runs over one connection. Returns `Ok` on shutdown, without unacked records.
    async fn run_connection<M: GroupConsumer>(
        &mut self,
        address: &M::Address,
    ) -> Result<(), ConsumerError> {
        let shutdown = self.shutdown.clone();
        let joined = M::join(address, &self.config.group, self.config.id.as_str());
        let joined = shutdown
            .run_until_cancelled(with_timeout(SETUP_TIMEOUT, joined))
            .await;
        let Some(mut member) = joined.transpose()? else {
            return Ok(());
        };
        self.metrics.set_connected(true);
        let ended = self.poll_loop(&mut member).await;
        // Before the error is returned: the metric must be right after a lost connection too.
        self.metrics.set_connected(false);
        ended?;
        member.leave().await;
        Ok(())
    }

    /// Polls until the shutdown, and then has no unacked records.
    async fn poll_loop<M: GroupConsumer>(&mut self, member: &mut M) -> Result<(), ConsumerError> {
        while !self.shutdown.is_cancelled() {
            let deliveries = member.poll().await?;
            self.handle_all(member, deliveries).await?;
        }
        Ok(())
    }

    async fn handle_all<M: GroupConsumer>(
        &mut self,
        member: &mut M,
        deliveries: Vec<TelemetryDelivery<M::Receipt>>,
    ) -> Result<(), ConsumerError> {
        let mut last_ack = Instant::now();
        let mut batch = UnackedBatch {
            receipts: deliveries.iter().map(|d| d.receipt.clone()).collect(),
            acknowledged: 0,
            extended_at: last_ack,
        };
        self.metrics.set_unacked(batch.unacked().len());
        for (at, delivery) in deliveries.iter().enumerate() {
            self.simulate_processing(member, &mut batch).await?;
            self.handle(delivery);
            let handled = at + 1;
            if handled == deliveries.len() || last_ack.elapsed() >= ACK_INTERVAL {
                let done = &batch.receipts[batch.acknowledged..handled];
                self.flush_and_ack(member, done).await?;
                batch.acknowledged = handled;
                last_ack = Instant::now();
                self.metrics.set_unacked(batch.unacked().len());
            }
        }
        Ok(())
    }

    /// Waits for the time that handling one record takes, and extends the time to
    /// acknowledge meanwhile.
    async fn simulate_processing<M: GroupConsumer>(
        &self,
        member: &mut M,
        batch: &mut UnackedBatch<M::Receipt>,
    ) -> Result<(), ConsumerError> {
        let done = Instant::now() + self.config.processing_time;
        let extend_interval = M::ACK_WAIT / EXTEND_ACK_PART;
        loop {
            if batch.extended_at.elapsed() >= extend_interval {
                member.extend_ack(batch.unacked()).await?;
                batch.extended_at = Instant::now();
            }
            if Instant::now() >= done {
                return Ok(());
            }
            sleep_until(done.min(batch.extended_at + extend_interval)).await;
        }
    }

    fn handle<R>(&mut self, delivery: &TelemetryDelivery<R>) {
        let Some(telemetry) = &delivery.telemetry else {
            return;
        };
        // A dropped record is acknowledged with the others, so that only its line is missing.
        if self.metrics.should_drop_next(self.config.drop_every) {
            return;
        }
        if let Some(journal) = &mut self.journal {
            journal.append(telemetry, delivery.redelivered);
        }
        self.metrics.record_handled(delivery.redelivered);
    }

    /// Writes the journal, then acknowledges: every acknowledged record is in the journal.
    async fn flush_and_ack<M: GroupConsumer>(
        &mut self,
        member: &mut M,
        handled: &[M::Receipt],
    ) -> Result<(), ConsumerError> {
        if let Some(journal) = &mut self.journal {
            journal.flush()?;
        }
        member.acknowledge(handled).await?;
        Ok(())
    }
}
