//! From the queue to the journal and back.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{ConsumerConfig, JournalError, journal::Journal, metrics::Metrics};
use crate::work::{Delivery, Job, Member, WorkError, queue::SILENCE};

/// Readings handled are written down and acknowledged at least this often: all of
/// them are handled again if the consumer dies before.
const SETTLE_EVERY: Duration = Duration::from_millis(20);
/// How often the queue hears that the consumer is at work.
const HOLD_EVERY: Duration = Duration::from_millis(SILENCE.as_millis() as u64 / 5);
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(2);

/// Handles readings until it is asked to end.
pub(super) struct Handler {
    pub(super) config: ConsumerConfig,
    pub(super) journal: Option<Journal>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) shutdown: CancellationToken,
}

impl Job for Handler {
    type Output = Result<(), JournalError>;

    /// Over one connection after the other. A consumer that cannot write its journal
    /// ends: what it handled would not be known.
    async fn run<M: Member>(mut self, address: M::Address) -> Self::Output {
        let mut retry = FIRST_RETRY;
        while !self.shutdown.is_cancelled() {
            let joined = M::join(&address, &self.config.group, self.config.id.as_str());
            let Some(joined) = self.shutdown.clone().run_until_cancelled(joined).await else {
                break;
            };
            let error = match joined {
                Ok(mut member) => {
                    retry = FIRST_RETRY;
                    self.metrics.connected(true);
                    match self.work(&mut member).await {
                        Ok(()) => {
                            member.leave().await;
                            break;
                        }
                        Err(Stop::Journal(error)) => return Err(error),
                        Err(Stop::Queue(error)) => error,
                    }
                }
                Err(error) => error,
            };
            tracing::warn!(%error, "no readings");
            self.metrics.connected(false);
            let pause = tokio::time::sleep(retry.mul_f64(rand::random()));
            self.shutdown.run_until_cancelled(pause).await;
            retry = (retry * 2).min(LAST_RETRY);
        }
        Ok(())
    }
}

/// Why the work over one connection ended.
enum Stop {
    Queue(WorkError),
    Journal(JournalError),
}

impl From<WorkError> for Stop {
    fn from(error: WorkError) -> Self {
        Self::Queue(error)
    }
}

impl Handler {
    /// Until the shutdown, with nothing in hand, or until the connection breaks.
    async fn work<M: Member>(&mut self, member: &mut M) -> Result<(), Stop> {
        while !self.shutdown.is_cancelled() {
            let deliveries = member.take().await?;
            self.handle_all(member, deliveries).await?;
        }
        Ok(())
    }

    async fn handle_all<M: Member>(
        &mut self,
        member: &mut M,
        deliveries: Vec<Delivery<M::Receipt>>,
    ) -> Result<(), Stop> {
        let receipts: Vec<M::Receipt> = deliveries.iter().map(|d| d.receipt.clone()).collect();
        let mut acknowledged = 0;
        let mut settled = Instant::now();
        self.metrics.in_hand(receipts.len());
        for (at, delivery) in deliveries.iter().enumerate() {
            self.take_time(member, &receipts[acknowledged..]).await?;
            self.handle(delivery);
            let handled = at + 1;
            if handled == receipts.len() || settled.elapsed() >= SETTLE_EVERY {
                self.settle(member, &receipts[acknowledged..handled])
                    .await?;
                acknowledged = handled;
                settled = Instant::now();
                self.metrics.in_hand(receipts.len() - acknowledged);
            }
        }
        Ok(())
    }

    /// The time that handling takes, however long; the queue hears meanwhile that
    /// nobody died.
    async fn take_time<M: Member>(
        &self,
        member: &mut M,
        in_hand: &[M::Receipt],
    ) -> Result<(), Stop> {
        if self.config.handle_time.is_zero() {
            return Ok(());
        }
        let done = Instant::now() + self.config.handle_time;
        loop {
            let next = done.min(Instant::now() + HOLD_EVERY);
            sleep_until(next).await;
            if next == done {
                return Ok(());
            }
            member.hold(in_hand).await?;
        }
    }

    fn handle<R>(&mut self, delivery: &Delivery<R>) {
        let Some(reading) = &delivery.reading else {
            return;
        };
        if self.metrics.loses_this_one(self.config.lose_every) {
            return;
        }
        if let Some(journal) = &mut self.journal {
            journal.note(reading, delivery.redelivered);
        }
        self.metrics.handled(delivery.redelivered);
    }

    /// Written down first: what the queue believes handled, is.
    async fn settle<M: Member>(
        &mut self,
        member: &mut M,
        handled: &[M::Receipt],
    ) -> Result<(), Stop> {
        if let Some(journal) = &mut self.journal {
            journal.flush().map_err(Stop::Journal)?;
        }
        member.acknowledge(handled).await?;
        Ok(())
    }
}
