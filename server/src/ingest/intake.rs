//! From a device's socket into the queue: bounded, and with an answer for every
//! reading.
//!
//! ```text
//! socket ──take──► arriving ──► custody ──submit──► queue
//!    ▲     │ no room, draining, …   │ settled
//!    └─────┴──────── accepted, refused ◄──┘
//! ```

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use tokio::{sync::mpsc, time::Instant};

use super::{
    Telemetry,
    queue::{
        PendingPublish, PublishOutcome, PublishResult, QueueError, RejectReason, SETUP_TIMEOUT,
        TelemetryProducer, with_timeout,
    },
};
use crate::{
    id::TelemetryId,
    limits::NodeLimits,
    net::backoff::Backoff,
    node::{Node, NodePhase},
    session::{Session, frame},
};

/// Readings handed over at once.
const BATCH_SIZE: usize = 256;

/// The door for readings: what sockets hold of the way into the queue.
pub(crate) struct TelemetryIntake {
    sender: mpsc::Sender<PendingTelemetry>,
    /// Whether the queue can be reached.
    available: AtomicBool,
    in_flight: AtomicUsize,
    bytes: AtomicUsize,
}

/// What comes through the door.
pub(crate) struct TelemetryReceiver(mpsc::Receiver<PendingTelemetry>);

/// A reading in this node's custody.
struct PendingTelemetry {
    session: Arc<Session>,
    id: TelemetryId,
    payload: Bytes,
}

impl TelemetryIntake {
    /// A closed door with room for as many readings as the node may have under way.
    pub(crate) fn new(limits: &NodeLimits) -> (Self, TelemetryReceiver) {
        let (sender, arriving) = mpsc::channel(limits.telemetry_unacked.max(1));
        let intake = Self {
            sender,
            available: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        };
        (intake, TelemetryReceiver(arriving))
    }

    /// Readings that have no answer yet.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    /// Takes a reading in; its answer goes to the device's outbox, now or later.
    pub(crate) fn submit(
        &self,
        node: &Node,
        session: &Arc<Session>,
        id: TelemetryId,
        body: String,
    ) {
        let limits = &node.config.limits;
        if !session.try_begin_telemetry(limits.telemetry_per_device) {
            return send_rejected(node, session, &id, RejectReason::Busy);
        }
        if let Err(refusal) = self.admit(node, session, &id, body) {
            session.end_telemetry();
            send_rejected(node, session, &id, refusal);
        }
    }

    fn admit(
        &self,
        node: &Node,
        session: &Arc<Session>,
        id: &TelemetryId,
        body: String,
    ) -> Result<(), RejectReason> {
        if node.config.backplane.is_none() {
            return Err(RejectReason::NoQueue);
        }
        if node.phase() == NodePhase::Draining {
            return Err(RejectReason::Draining);
        }
        if !self.available.load(Relaxed) {
            return Err(RejectReason::Unavailable);
        }
        let reading = Telemetry {
            device: session.device.clone(),
            id: id.clone(),
            body,
        };
        let held = PendingTelemetry {
            session: Arc::clone(session),
            id: id.clone(),
            payload: reading.encode(),
        };
        let bytes = held.payload.len();
        let limits = &node.config.limits;
        let fits = self.bytes.fetch_add(bytes, Relaxed) + bytes <= limits.telemetry_unacked_bytes;
        let fits = self.in_flight.fetch_add(1, Relaxed) < limits.telemetry_unacked && fits;
        if fits && self.sender.try_send(held).is_ok() {
            return Ok(());
        }
        self.release(bytes);
        Err(RejectReason::Full)
    }

    fn release(&self, bytes: usize) {
        self.in_flight.fetch_sub(1, Relaxed);
        self.bytes.fetch_sub(bytes, Relaxed);
    }
}

/// Hands readings to the queue for as long as the node lives, over one connection
/// after the other.
pub(super) async fn run_producer<P: TelemetryProducer>(
    node: Arc<Node>,
    address: P::Address,
    TelemetryReceiver(mut arriving): TelemetryReceiver,
) {
    let mut unacked = Unacked::default();
    let mut backoff = Backoff::new();
    loop {
        match with_timeout(SETUP_TIMEOUT, P::connect(&address)).await {
            Ok(producer) => {
                let began = Instant::now();
                let Err(error) = run_connection(&node, producer, &mut unacked, &mut arriving).await;
                tracing::warn!(%error, unsettled = unacked.pending.len(), "readings wait");
                backoff.record_disconnect(began.elapsed());
            }
            Err(error) => tracing::warn!(%error, "no queue of readings"),
        }
        node.intake.available.store(false, Relaxed);
        backoff.wait().await;
    }
}

async fn run_connection<P: TelemetryProducer>(
    node: &Node,
    mut producer: P,
    unacked: &mut Unacked,
    arriving: &mut mpsc::Receiver<PendingTelemetry>,
) -> Result<Infallible, QueueError> {
    for parcels in unacked.publish_batches() {
        unacked.publish(node, &mut producer, parcels).await?;
    }
    node.intake.available.store(true, Relaxed);
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            settled = producer.next_results() => unacked.apply_results(node, settled?),
            // The node holds the sender: there is always somebody to come.
            _ = arriving.recv_many(&mut batch, BATCH_SIZE) => {
                let parcels = batch.drain(..).map(|held| unacked.add(held)).collect();
                unacked.publish(node, &mut producer, parcels).await?;
            }
        }
    }
}

/// Everything handed over or about to be, and not settled.
#[derive(Default)]
struct Unacked {
    next_sequence: u64,
    pending: BTreeMap<u64, PendingTelemetry>,
}

impl Unacked {
    fn add(&mut self, held: PendingTelemetry) -> PendingPublish {
        let number = self.next_sequence;
        self.next_sequence += 1;
        let payload = held.payload.clone();
        self.pending.insert(number, held);
        PendingPublish {
            sequence: number,
            payload,
        }
    }

    /// All of it, in batches, to be submitted again.
    fn publish_batches(&self) -> Vec<Vec<PendingPublish>> {
        let all: Vec<PendingPublish> = self
            .pending
            .iter()
            .map(|(number, held)| PendingPublish {
                sequence: *number,
                payload: held.payload.clone(),
            })
            .collect();
        all.chunks(BATCH_SIZE)
            .map(<[PendingPublish]>::to_vec)
            .collect()
    }

    /// Hands parcels to the queue. Who has an answer is told, also when the connection
    /// broke over the rest.
    async fn publish<P: TelemetryProducer>(
        &mut self,
        node: &Node,
        producer: &mut P,
        parcels: Vec<PendingPublish>,
    ) -> Result<(), QueueError> {
        let mut settled = Vec::with_capacity(parcels.len());
        let submitted = producer.publish(parcels, &mut settled).await;
        self.apply_results(node, settled);
        submitted
    }

    /// Tells the devices. What is settled twice was told before.
    fn apply_results(&mut self, node: &Node, settled: Vec<PublishResult>) {
        for PublishResult {
            sequence: number,
            outcome,
        } in settled
        {
            let Some(held) = self.pending.remove(&number) else {
                continue;
            };
            node.intake.release(held.payload.len());
            held.session.end_telemetry();
            match outcome {
                PublishOutcome::Accepted => send_accepted(node, &held.session, &held.id),
                PublishOutcome::Rejected(refusal) => {
                    send_rejected(node, &held.session, &held.id, refusal)
                }
            }
        }
    }
}

/// A device that has gone in the meantime does not hear it, and sends again.
fn send_accepted(node: &Node, session: &Session, id: &TelemetryId) {
    node.metrics.record_telemetry(PublishOutcome::Accepted);
    let _ = session
        .write_queue
        .push(frame::accepted(id), &node.config.limits);
}

fn send_rejected(node: &Node, session: &Session, id: &TelemetryId, refusal: RejectReason) {
    node.metrics
        .record_telemetry(PublishOutcome::Rejected(refusal));
    let _ = session
        .write_queue
        .push(frame::refused(id, refusal), &node.config.limits);
}
