//! The task that hands admitted telemetry to the queue.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc};

use tokio::{sync::mpsc, time::Instant};

use super::intake::{PendingTelemetry, TelemetryIntake};
use crate::{
    ingest::{
        ProducerTask, QueueError, TelemetryProducer,
        queue::{PendingPublish, PublishResult, SETUP_TIMEOUT, with_timeout},
    },
    net::backoff::Backoff,
};

/// Records that are published at once.
const BATCH_SIZE: usize = 256;

/// The publisher of one node. It runs for as long as the node, over one connection after
/// the other.
pub(crate) struct TelemetryPublisher {
    pub(crate) intake: Arc<TelemetryIntake>,
    pub(crate) admitted: mpsc::Receiver<PendingTelemetry>,
}

impl ProducerTask for TelemetryPublisher {
    type Output = ();

    async fn run<P: TelemetryProducer>(self, address: P::Address) {
        let Self {
            intake,
            mut admitted,
        } = self;
        let mut unacked = Unacked::default();
        let mut backoff = Backoff::default();
        loop {
            match with_timeout(SETUP_TIMEOUT, P::connect(&address)).await {
                Ok(producer) => {
                    let began = Instant::now();
                    let Err(error) =
                        run_connection(&intake, producer, &mut unacked, &mut admitted).await;
                    tracing::warn!(
                        %error,
                        unacked = unacked.pending.len(),
                        "connection to the telemetry queue ended; unacked records are sent again"
                    );
                    backoff.record_disconnect(began.elapsed());
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot connect to the telemetry queue; retrying");
                }
            }
            // From here on records are rejected at once, and devices send them again.
            intake.set_available(false);
            backoff.wait().await;
        }
    }
}

async fn run_connection<P: TelemetryProducer>(
    intake: &TelemetryIntake,
    mut producer: P,
    unacked: &mut Unacked,
    admitted: &mut mpsc::Receiver<PendingTelemetry>,
) -> Result<Infallible, QueueError> {
    // Before new records: what the last connection left is the oldest.
    for batch in unacked.publish_batches() {
        unacked.publish(intake, &mut producer, batch).await?;
    }
    intake.set_available(true);
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            results = producer.next_results() => unacked.apply_results(intake, results?),
            // Never ends: the intake holds the sender.
            _ = admitted.recv_many(&mut batch, BATCH_SIZE) => {
                let records = batch.drain(..).map(|record| unacked.add(record)).collect();
                unacked.publish(intake, &mut producer, records).await?;
            }
        }
    }
}

/// The records that the queue has not acknowledged, by sequence number. They outlive a
/// connection.
#[derive(Default)]
struct Unacked {
    next_sequence: u64,
    pending: BTreeMap<u64, PendingTelemetry>,
}

impl Unacked {
    fn add(&mut self, record: PendingTelemetry) -> PendingPublish {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let payload = record.payload.clone();
        self.pending.insert(sequence, record);
        PendingPublish { sequence, payload }
    }

    /// Returns all records in batches, in the order of their admission.
    fn publish_batches(&self) -> Vec<Vec<PendingPublish>> {
        let publish = |(sequence, record): (&u64, &PendingTelemetry)| PendingPublish {
            sequence: *sequence,
            payload: record.payload.clone(),
        };
        let all: Vec<_> = self.pending.iter().map(publish).collect();
        all.chunks(BATCH_SIZE).map(<[_]>::to_vec).collect()
    }

    /// Publishes records. Results that are known by then are applied even when the
    /// connection breaks over the rest.
    async fn publish<P: TelemetryProducer>(
        &mut self,
        intake: &TelemetryIntake,
        producer: &mut P,
        records: Vec<PendingPublish>,
    ) -> Result<(), QueueError> {
        let mut results = Vec::with_capacity(records.len());
        let published = producer.publish(records, &mut results).await;
        self.apply_results(intake, results);
        published
    }

    fn apply_results(&mut self, intake: &TelemetryIntake, results: Vec<PublishResult>) {
        for PublishResult { sequence, outcome } in results {
            // A record that was published on two connections may get two results.
            if let Some(record) = self.pending.remove(&sequence) {
                intake.complete(record, outcome);
            }
        }
    }
}
