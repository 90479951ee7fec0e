//! The workers of a run over the bus, as the pool of workers needs them.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    checkpoint::{Checkpoint, WorkerPlace},
    intake::read_stream,
    item::PoolItem,
    session::BusSession,
    watch::watch_workers,
};
use crate::{
    bus::{Envelope, Go, OnWorkerLoss},
    clock::RunClock,
    control::{FromWorker, ToWorker},
    coordinator::worker_event::WorkerEvent,
};

/// Items of all workers that wait to be handled.
const ITEM_QUEUE_LEN: usize = 256;

/// The coordinator's link to all workers.
pub struct BusLink {
    session: BusSession,
    items: mpsc::Receiver<PoolItem>,
    superseded: CancellationToken,
    /// Number of the last message that was handed out.
    sequence: u64,
    places: BTreeMap<u32, WorkerPlace>,
    _tasks: [AbortOnDropHandle<()>; 2],
}

impl BusLink {
    /// Starts to read the stream from behind `checkpoint`, and to watch the workers.
    pub fn new(session: BusSession, checkpoint: &Checkpoint) -> Self {
        let (sender, items) = mpsc::channel(ITEM_QUEUE_LEN);
        let reading = read_stream(
            session.bus.clone(),
            session.run.clone(),
            checkpoint.sequence + 1,
            sender.clone(),
        );
        let watching = watch_workers(session.store.clone(), session.document.workers, sender);
        Self {
            superseded: session.control.superseded(),
            _tasks: [
                AbortOnDropHandle::new(tokio::spawn(reading)),
                AbortOnDropHandle::new(tokio::spawn(watching)),
            ],
            session,
            items,
            sequence: checkpoint.sequence,
            places: checkpoint.workers.clone(),
        }
    }

    /// Returns what happens to the share of a lost worker.
    pub fn on_worker_loss(&self) -> OnWorkerLoss {
        self.session.document.on_worker_loss
    }

    /// Returns the time that workers go on without a coordinator.
    pub fn resume_within(&self) -> Duration {
        Duration::from_secs(self.session.document.resume_within_s)
    }

    /// Receives the next message or event of any worker. Dropping the future loses none.
    pub async fn recv(&mut self) -> (String, WorkerEvent) {
        loop {
            let item = tokio::select! {
                item = self.items.recv() => item,
                () = self.superseded.cancelled() => {
                    return (String::new(), WorkerEvent::Superseded);
                }
            };
            let Some(item) = item else {
                // The tasks end with this link, and not before.
                std::future::pending::<()>().await;
                continue;
            };
            if let Some(event) = self.admit(item) {
                return event;
            }
        }
    }

    /// Returns the event of an item; `None` for a message that the record holds already, and
    /// for one of a process whose segment another one has taken.
    fn admit(&mut self, item: PoolItem) -> Option<(String, WorkerEvent)> {
        let of_no_worker = |event: WorkerEvent| Some((String::new(), event));
        let (index, event) = match item {
            PoolItem::Received {
                sequence,
                index,
                envelope,
            } => {
                self.sequence = sequence;
                if index >= self.session.document.workers || !self.advance(index, &envelope) {
                    return None;
                }
                (index, WorkerEvent::Message(envelope.message))
            }
            PoolItem::Unreadable { sequence, reason } => {
                self.sequence = sequence;
                return of_no_worker(WorkerEvent::Unreadable(reason));
            }
            PoolItem::StreamEnd { at } => return of_no_worker(WorkerEvent::StreamEnd { at }),
            PoolItem::StreamLost { since, error } => {
                return of_no_worker(WorkerEvent::StreamLost { since, error });
            }
            PoolItem::RunGone(error) => return of_no_worker(WorkerEvent::RunGone(error)),
            PoolItem::Silent {
                index,
                since,
                reason,
            } => (index, WorkerEvent::Silent { since, reason }),
            PoolItem::Back { index } => (index, WorkerEvent::Back),
            PoolItem::Replaced { index, epoch } => (index, WorkerEvent::Replaced { epoch }),
        };
        Some((format!("w{}", index + 1), event))
    }

    /// Moves the place of a worker behind a message. Returns `false` for one that is not new.
    fn advance(&mut self, index: u32, envelope: &Envelope) -> bool {
        let place = self.places.entry(index).or_default();
        if envelope.epoch < place.epoch {
            return false;
        }
        if envelope.epoch > place.epoch {
            *place = WorkerPlace {
                epoch: envelope.epoch,
                end: 0,
            };
        }
        let FromWorker::Interval(interval) = &envelope.message else {
            return true;
        };
        // A worker's intervals do not overlap, and it sends them in order.
        let is_new = interval.second >= place.end;
        if is_new {
            place.end = interval.second.saturating_add(interval.length);
        }
        is_new
    }

    /// Announces a phase or addresses to all workers.
    pub fn announce(&self, message: &ToWorker) {
        let clock = self.session.clock;
        self.session.control.change(|control| match message {
            ToWorker::Go { ramp_second, .. } => {
                control.go = Some(Go {
                    origin_unix_us: origin_unix_us(&clock),
                    ramp_second: *ramp_second,
                });
            }
            ToWorker::Steady { second } => control.steady = Some(*second),
            ToWorker::Drain { second } => control.drain = Some(*second),
            ToWorker::Endpoints(endpoints) => control.endpoints = endpoints.clone(),
            // Part of the registration over the control link.
            ToWorker::Rejected { .. }
            | ToWorker::Assignment(_)
            | ToWorker::DeviceRows { .. }
            | ToWorker::Pong { .. } => {}
        });
    }

    /// Returns the place in the stream behind everything that was handed out.
    pub fn place(&self) -> Checkpoint {
        Checkpoint {
            sequence: self.sequence,
            workers: self.places.clone(),
            ..Checkpoint::default()
        }
    }

    /// Lets the stream drop every message up to `sequence`: the record holds them.
    pub fn acknowledge(&self, sequence: u64) {
        let (bus, run) = (self.session.bus.clone(), self.session.run.clone());
        tokio::spawn(async move {
            let Ok(stream) = bus.context.get_stream_no_info(run.bucket()).await else {
                return;
            };
            // An error leaves the messages to the next checkpoint.
            let _ = stream.purge().sequence(sequence + 1).await;
        });
    }

    /// Removes the run from the bus.
    pub async fn remove(self) {
        self.session.remove().await;
    }
}

/// Returns instant 0 of the run's clock in microseconds since 1970.
fn origin_unix_us(clock: &RunClock) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default().as_micros() as u64;
    now.saturating_sub(clock.now().as_micros() as u64)
}
