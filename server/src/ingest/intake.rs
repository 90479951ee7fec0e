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
    Reading,
    queue::{CONNECT, Outcome, Parcel, Producer, Refusal, Settled, WorkError, within},
};
use crate::{
    backoff::Backoff,
    config::Limits,
    id::ReadingId,
    node::{Node, Phase},
    session::{Session, frame},
};

/// Readings handed over at once.
const BATCH: usize = 256;

/// The door for readings: what sockets hold of the way into the queue.
pub(crate) struct Intake {
    arriving: mpsc::Sender<Held>,
    /// Whether the queue can be reached.
    open: AtomicBool,
    in_flight: AtomicUsize,
    bytes: AtomicUsize,
}

/// What comes through the door.
pub(crate) struct Arriving(mpsc::Receiver<Held>);

/// A reading in this node's custody.
struct Held {
    session: Arc<Session>,
    id: ReadingId,
    payload: Bytes,
}

impl Intake {
    /// A closed door with room for as many readings as the node may have under way.
    pub(crate) fn new(limits: &Limits) -> (Self, Arriving) {
        let (sender, arriving) = mpsc::channel(limits.readings_in_flight.max(1));
        let intake = Self {
            arriving: sender,
            open: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        };
        (intake, Arriving(arriving))
    }

    /// Readings that have no answer yet.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    /// Takes a reading in; its answer goes to the device's outbox, now or later.
    pub(crate) fn take(&self, node: &Node, session: &Arc<Session>, id: ReadingId, body: String) {
        let limits = &node.config.limits;
        if !session.begin_reading(limits.readings_per_device) {
            return refuse(node, session, &id, Refusal::Busy);
        }
        if let Err(refusal) = self.admit(node, session, &id, body) {
            session.end_reading();
            refuse(node, session, &id, refusal);
        }
    }

    fn admit(
        &self,
        node: &Node,
        session: &Arc<Session>,
        id: &ReadingId,
        body: String,
    ) -> Result<(), Refusal> {
        if node.config.backplane.is_none() {
            return Err(Refusal::NoQueue);
        }
        if node.phase() == Phase::Draining {
            return Err(Refusal::Draining);
        }
        if !self.open.load(Relaxed) {
            return Err(Refusal::Away);
        }
        let reading = Reading {
            device: session.device.clone(),
            id: id.clone(),
            body,
        };
        let held = Held {
            session: Arc::clone(session),
            id: id.clone(),
            payload: reading.encode(),
        };
        let bytes = held.payload.len();
        let limits = &node.config.limits;
        let fits = self.bytes.fetch_add(bytes, Relaxed) + bytes <= limits.readings_bytes;
        let fits = self.in_flight.fetch_add(1, Relaxed) < limits.readings_in_flight && fits;
        if fits && self.arriving.try_send(held).is_ok() {
            return Ok(());
        }
        self.release(bytes);
        Err(Refusal::Full)
    }

    fn release(&self, bytes: usize) {
        self.in_flight.fetch_sub(1, Relaxed);
        self.bytes.fetch_sub(bytes, Relaxed);
    }
}

/// Hands readings to the queue for as long as the node lives, over one connection
/// after the other.
pub(super) async fn run<P: Producer>(
    node: Arc<Node>,
    address: P::Address,
    Arriving(mut arriving): Arriving,
) {
    let mut custody = Custody::default();
    let mut backoff = Backoff::new();
    loop {
        match within(CONNECT, P::connect(&address)).await {
            Ok(producer) => {
                let began = Instant::now();
                let Err(error) = serve(&node, producer, &mut custody, &mut arriving).await;
                tracing::warn!(%error, unsettled = custody.held.len(), "readings wait");
                backoff.ended(began.elapsed());
            }
            Err(error) => tracing::warn!(%error, "no queue of readings"),
        }
        node.intake.open.store(false, Relaxed);
        backoff.wait().await;
    }
}

async fn serve<P: Producer>(
    node: &Node,
    mut producer: P,
    custody: &mut Custody,
    arriving: &mut mpsc::Receiver<Held>,
) -> Result<Infallible, WorkError> {
    for parcels in custody.parcels() {
        custody.submit(node, &mut producer, parcels).await?;
    }
    node.intake.open.store(true, Relaxed);
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            settled = producer.settled() => custody.settle(node, settled?),
            // The node holds the sender: there is always somebody to come.
            _ = arriving.recv_many(&mut batch, BATCH) => {
                let parcels = batch.drain(..).map(|held| custody.add(held)).collect();
                custody.submit(node, &mut producer, parcels).await?;
            }
        }
    }
}

/// Everything handed over or about to be, and not settled.
#[derive(Default)]
struct Custody {
    next: u64,
    held: BTreeMap<u64, Held>,
}

impl Custody {
    fn add(&mut self, held: Held) -> Parcel {
        let number = self.next;
        self.next += 1;
        let payload = held.payload.clone();
        self.held.insert(number, held);
        Parcel { number, payload }
    }

    /// All of it, in batches, to be submitted again.
    fn parcels(&self) -> Vec<Vec<Parcel>> {
        let all: Vec<Parcel> = self
            .held
            .iter()
            .map(|(number, held)| Parcel {
                number: *number,
                payload: held.payload.clone(),
            })
            .collect();
        all.chunks(BATCH).map(<[Parcel]>::to_vec).collect()
    }

    /// Hands parcels to the queue. Who has an answer is told, also when the connection
    /// broke over the rest.
    async fn submit<P: Producer>(
        &mut self,
        node: &Node,
        producer: &mut P,
        parcels: Vec<Parcel>,
    ) -> Result<(), WorkError> {
        let mut settled = Vec::with_capacity(parcels.len());
        let submitted = producer.submit(parcels, &mut settled).await;
        self.settle(node, settled);
        submitted
    }

    /// Tells the devices. What is settled twice was told before.
    fn settle(&mut self, node: &Node, settled: Vec<Settled>) {
        for Settled { number, outcome } in settled {
            let Some(held) = self.held.remove(&number) else {
                continue;
            };
            node.intake.release(held.payload.len());
            held.session.end_reading();
            match outcome {
                Outcome::Taken => accept(node, &held.session, &held.id),
                Outcome::Refused(refusal) => refuse(node, &held.session, &held.id, refusal),
            }
        }
    }
}

/// A device that has gone in the meantime does not hear it, and sends again.
fn accept(node: &Node, session: &Session, id: &ReadingId) {
    node.metrics.reading(Outcome::Taken);
    let _ = session
        .outbox
        .push(frame::accepted(id), &node.config.limits);
}

fn refuse(node: &Node, session: &Session, id: &ReadingId, refusal: Refusal) {
    node.metrics.reading(Outcome::Refused(refusal));
    let _ = session
        .outbox
        .push(frame::refused(id, refusal), &node.config.limits);
}
