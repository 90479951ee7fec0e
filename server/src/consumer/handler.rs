//! From the queue to the journal and back.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{ConsumerConfig, JournalError, journal::Journal, metrics::ConsumerMetrics};
use crate::{
    ingest::{
        GroupConsumer, QueueError, QueueTask, TelemetryDelivery,
        queue::{ACK_WAIT, SETUP_TIMEOUT, with_timeout},
    },
    net::backoff::Backoff,
};

/// Readings handled are written down and acknowledged at least this often: all of
/// them are handled again if the consumer dies before.
const ACK_INTERVAL: Duration = Duration::from_millis(20);
/// How often the queue hears that the consumer is at work.
const EXTEND_ACK_INTERVAL: Duration = Duration::from_millis(ACK_WAIT.as_millis() as u64 / 5);

/// Handles readings until it is asked to end.
pub(super) struct ConsumerTask {
    pub(super) config: ConsumerConfig,
    pub(super) journal: Option<Journal>,
    pub(super) metrics: Arc<ConsumerMetrics>,
    pub(super) shutdown: CancellationToken,
}

impl QueueTask for ConsumerTask {
    type Output = Result<(), JournalError>;

    /// Over one connection after the other. A consumer that cannot write its journal
    /// ends: what it handled would not be known.
    async fn run<M: GroupConsumer>(mut self, address: M::Address) -> Self::Output {
        let mut backoff = Backoff::new();
        loop {
            let began = Instant::now();
            match self.run_connection::<M>(&address).await {
                Ok(()) => return Ok(()),
                Err(ConsumerError::Journal(error)) => return Err(error),
                Err(ConsumerError::Queue(error)) => {
                    tracing::warn!(%error, "telemetry queue is unavailable")
                }
            }
            backoff.record_disconnect(began.elapsed());
            let shutdown = self.shutdown.clone();
            shutdown.run_until_cancelled(backoff.wait()).await;
        }
    }
}

/// Why the work over one connection ended.
enum ConsumerError {
    Queue(QueueError),
    Journal(JournalError),
}

impl From<QueueError> for ConsumerError {
    fn from(error: QueueError) -> Self {
        Self::Queue(error)
    }
}

/// What a member has in hand, in the order in which it is handled.
struct UnackedBatch<R> {
    receipts: Vec<R>,
    acknowledged: usize,
    /// When the queue heard last that somebody works on it.
    extended_at: Instant,
}

impl<R> UnackedBatch<R> {
    /// What is not acknowledged.
    fn unacked(&self) -> &[R] {
        &self.receipts[self.acknowledged..]
    }
}

impl ConsumerTask {
    /// `Ok` when it was asked to end, with nothing in hand.
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
        let worked = self.poll_loop(&mut member).await;
        self.metrics.set_connected(false);
        worked?;
        member.leave().await;
        Ok(())
    }

    /// Until the shutdown, with nothing in hand, or until the connection breaks.
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

    /// The time that handling takes. However long one reading or all in hand together
    /// take, the queue hears meanwhile that nobody died.
    async fn simulate_processing<M: GroupConsumer>(
        &self,
        member: &mut M,
        batch: &mut UnackedBatch<M::Receipt>,
    ) -> Result<(), ConsumerError> {
        let done = Instant::now() + self.config.processing_time;
        loop {
            if batch.extended_at.elapsed() >= EXTEND_ACK_INTERVAL {
                member.extend_ack(batch.unacked()).await?;
                batch.extended_at = Instant::now();
            }
            if Instant::now() >= done {
                return Ok(());
            }
            sleep_until(done.min(batch.extended_at + EXTEND_ACK_INTERVAL)).await;
        }
    }

    fn handle<R>(&mut self, delivery: &TelemetryDelivery<R>) {
        let Some(reading) = &delivery.telemetry else {
            return;
        };
        if self.metrics.should_drop_next(self.config.drop_every) {
            return;
        }
        if let Some(journal) = &mut self.journal {
            journal.append(reading, delivery.redelivered);
        }
        self.metrics.record_handled(delivery.redelivered);
    }

    /// Written down first: what the queue believes handled, is.
    async fn flush_and_ack<M: GroupConsumer>(
        &mut self,
        member: &mut M,
        handled: &[M::Receipt],
    ) -> Result<(), ConsumerError> {
        if let Some(journal) = &mut self.journal {
            journal.flush().map_err(ConsumerError::Journal)?;
        }
        member.acknowledge(handled).await?;
        Ok(())
    }
}
