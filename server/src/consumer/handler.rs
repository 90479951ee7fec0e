//! From the queue to the journal and back.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{ConsumerConfig, JournalError, journal::Journal, metrics::Metrics};
use crate::{
    backoff::Backoff,
    ingest::{
        Delivery, Job, Member, WorkError,
        queue::{CONNECT, SILENCE, within},
    },
};

/// Readings handled are written down and acknowledged at least this often: all of
/// them are handled again if the consumer dies before.
const SETTLE_EVERY: Duration = Duration::from_millis(20);
/// How often the queue hears that the consumer is at work.
const HOLD_EVERY: Duration = Duration::from_millis(SILENCE.as_millis() as u64 / 5);

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
        let mut backoff = Backoff::new();
        loop {
            let began = Instant::now();
            match self.over_one_connection::<M>(&address).await {
                Ok(()) => return Ok(()),
                Err(Stop::Journal(error)) => return Err(error),
                Err(Stop::Queue(error)) => tracing::warn!(%error, "no readings"),
            }
            backoff.ended(began.elapsed());
            let shutdown = self.shutdown.clone();
            shutdown.run_until_cancelled(backoff.wait()).await;
        }
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

/// What a member has in hand, in the order in which it is handled.
struct Hand<R> {
    receipts: Vec<R>,
    acknowledged: usize,
    /// When the queue heard last that somebody works on it.
    heard: Instant,
}

impl<R> Hand<R> {
    /// What is not acknowledged.
    fn open(&self) -> &[R] {
        &self.receipts[self.acknowledged..]
    }
}

impl Handler {
    /// `Ok` when it was asked to end, with nothing in hand.
    async fn over_one_connection<M: Member>(&mut self, address: &M::Address) -> Result<(), Stop> {
        let shutdown = self.shutdown.clone();
        let joined = M::join(address, &self.config.group, self.config.id.as_str());
        let joined = shutdown.run_until_cancelled(within(CONNECT, joined)).await;
        let Some(mut member) = joined.transpose()? else {
            return Ok(());
        };
        self.metrics.connected(true);
        let worked = self.work(&mut member).await;
        self.metrics.connected(false);
        worked?;
        member.leave().await;
        Ok(())
    }

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
        let mut settled = Instant::now();
        let mut hand = Hand {
            receipts: deliveries.iter().map(|d| d.receipt.clone()).collect(),
            acknowledged: 0,
            heard: settled,
        };
        self.metrics.in_hand(hand.open().len());
        for (at, delivery) in deliveries.iter().enumerate() {
            self.take_time(member, &mut hand).await?;
            self.handle(delivery);
            let handled = at + 1;
            if handled == deliveries.len() || settled.elapsed() >= SETTLE_EVERY {
                let done = &hand.receipts[hand.acknowledged..handled];
                self.settle(member, done).await?;
                hand.acknowledged = handled;
                settled = Instant::now();
                self.metrics.in_hand(hand.open().len());
            }
        }
        Ok(())
    }

    /// The time that handling takes. However long one reading or all in hand together
    /// take, the queue hears meanwhile that nobody died.
    async fn take_time<M: Member>(
        &self,
        member: &mut M,
        hand: &mut Hand<M::Receipt>,
    ) -> Result<(), Stop> {
        let done = Instant::now() + self.config.handle_time;
        loop {
            if hand.heard.elapsed() >= HOLD_EVERY {
                member.hold(hand.open()).await?;
                hand.heard = Instant::now();
            }
            if Instant::now() >= done {
                return Ok(());
            }
            sleep_until(done.min(hand.heard + HOLD_EVERY)).await;
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
