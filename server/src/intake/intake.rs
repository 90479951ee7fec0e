//! The admission of telemetry from device sockets.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::metrics::TelemetryMetrics;
use crate::{
    id::{DeviceId, TelemetryId},
    ingest::{PublishOutcome, RejectReason, Telemetry},
    session::{Session, SessionContext, frame},
};

/// The entrance to the queue for the sockets of a node. Every record gets an answer:
/// accepted by the queue, or rejected with a reason.
pub(crate) struct TelemetryIntake {
    sessions: Arc<SessionContext>,
    pub(crate) metrics: TelemetryMetrics,
    sender: mpsc::Sender<PendingTelemetry>,
    /// Whether the node has a queue at all.
    has_queue: bool,
    /// Whether the queue can be reached.
    available: AtomicBool,
    draining: AtomicBool,
    /// Records without an answer, and their bytes.
    in_flight: AtomicUsize,
    bytes: AtomicUsize,
}

/// A record that this node has admitted and that has no answer yet.
pub(crate) struct PendingTelemetry {
    answer_to: AnswerTo,
    pub(super) id: TelemetryId,
    pub(super) payload: Bytes,
}

/// The place where the outcome of a record goes.
enum AnswerTo {
    /// The device that sent it.
    Device(Arc<Session>),
    /// A caller on behalf of a device.
    #[cfg_attr(
        not(feature = "stomp"),
        expect(dead_code, reason = "no callers without STOMP")
    )]
    Caller(oneshot::Sender<PublishOutcome>),
}

impl TelemetryIntake {
    /// Returns an intake that is unavailable until the publisher has connected, and the
    /// publisher's end of it.
    pub(crate) fn new(
        sessions: Arc<SessionContext>,
        has_queue: bool,
    ) -> (Self, mpsc::Receiver<PendingTelemetry>) {
        // As many as may be in flight: a record that is admitted always fits.
        let (sender, receiver) = mpsc::channel(sessions.limits.telemetry_unacked.max(1));
        let intake = Self {
            sessions,
            metrics: TelemetryMetrics::new(),
            sender,
            has_queue,
            available: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        };
        (intake, receiver)
    }

    /// Returns the number of records that have no answer yet.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    /// Rejects every record from now on. Records in flight still get their answers.
    pub(crate) fn start_draining(&self) {
        self.draining.store(true, Relaxed);
    }

    /// Admits a record of a device. The answer goes to the device's write queue, now or
    /// later.
    pub(crate) fn submit(&self, session: &Arc<Session>, id: TelemetryId, body: String) {
        if !session.try_begin_telemetry(self.sessions.limits.telemetry_per_device) {
            return self.answer(session, &id, PublishOutcome::Rejected(RejectReason::Busy));
        }
        let answer_to = AnswerTo::Device(Arc::clone(session));
        if let Err(reason) = self.admit(&session.device, answer_to, &id, body) {
            session.end_telemetry();
            self.answer(session, &id, PublishOutcome::Rejected(reason));
        }
    }

    /// Admits a record that a caller sends on behalf of a device, and returns its outcome.
    #[cfg(feature = "stomp")]
    pub(crate) async fn submit_for(
        &self,
        device: &DeviceId,
        id: &TelemetryId,
        body: String,
    ) -> PublishOutcome {
        let (outcome, answered) = oneshot::channel();
        let admitted = self.admit(device, AnswerTo::Caller(outcome), id, body);
        if let Err(reason) = admitted {
            self.metrics.record(PublishOutcome::Rejected(reason));
            return PublishOutcome::Rejected(reason);
        }
        // The queue is gone, with the node.
        let gone = PublishOutcome::Rejected(RejectReason::Unavailable);
        answered.await.unwrap_or(gone)
    }

    pub(super) fn set_available(&self, available: bool) {
        self.available.store(available, Relaxed);
    }

    /// Ends a record that was admitted, with its outcome.
    pub(super) fn complete(&self, record: PendingTelemetry, outcome: PublishOutcome) {
        self.release(record.payload.len());
        match record.answer_to {
            AnswerTo::Device(session) => {
                session.end_telemetry();
                self.answer(&session, &record.id, outcome);
            }
            AnswerTo::Caller(caller) => {
                self.metrics.record(outcome);
                // The caller may have stopped waiting.
                let _ = caller.send(outcome);
            }
        }
    }

    fn admit(
        &self,
        device: &DeviceId,
        answer_to: AnswerTo,
        id: &TelemetryId,
        body: String,
    ) -> Result<(), RejectReason> {
        if !self.has_queue {
            return Err(RejectReason::NoQueue);
        }
        if self.draining.load(Relaxed) {
            return Err(RejectReason::Draining);
        }
        if !self.available.load(Relaxed) {
            return Err(RejectReason::Unavailable);
        }
        let telemetry = Telemetry {
            device: device.clone(),
            id: id.clone(),
            body,
        };
        // Encoded once, so that the count of bytes is exact.
        let record = PendingTelemetry {
            answer_to,
            id: id.clone(),
            payload: telemetry.encode(),
        };
        let bytes = record.payload.len();
        // Counted before the check: two records that come at once must not both see the
        // last free place.
        let limits = &self.sessions.limits;
        let fits = self.bytes.fetch_add(bytes, Relaxed) + bytes <= limits.telemetry_unacked_bytes;
        let fits = self.in_flight.fetch_add(1, Relaxed) < limits.telemetry_unacked && fits;
        if fits && self.sender.try_send(record).is_ok() {
            return Ok(());
        }
        self.release(bytes);
        Err(RejectReason::Full)
    }

    fn release(&self, bytes: usize) {
        self.in_flight.fetch_sub(1, Relaxed);
        self.bytes.fetch_sub(bytes, Relaxed);
    }

    fn answer(&self, session: &Session, id: &TelemetryId, outcome: PublishOutcome) {
        self.metrics.record(outcome);
        let frame = match outcome {
            PublishOutcome::Accepted => frame::accepted(id),
            PublishOutcome::Rejected(reason) => frame::rejected(id, reason),
        };
        // A device that has disconnected gets no answer, and sends the record again.
        let _ = session.write_queue.push(frame, &self.sessions.limits);
    }
}
