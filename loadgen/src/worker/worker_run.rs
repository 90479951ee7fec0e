//! A worker's part of the run, from go to done.

use std::sync::Arc;

use tokio::{
    sync::{mpsc, watch},
    task::{JoinError, JoinHandle},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    attack::AttackError,
    context::{Clients, Context, Protocols},
    drain::drain,
    error::WorkerError,
    reporter,
    signals::Signals,
};
use crate::{
    clock::RunClock,
    control::{Assignment, CoordinatorSink, CoordinatorSource, FromWorker, ToWorker},
};

/// Devices in one message about unaccepted telemetry: the link bounds its messages.
const UNACCEPTED_PER_MESSAGE: usize = 2_000;

/// The task of a worker's goose attack.
pub(super) type AttackTask = JoinHandle<Result<(), AttackError>>;

/// A worker's part of the run, from go to done.
pub(super) struct WorkerRun {
    context: Arc<Context>,
    steady_sender: watch::Sender<Option<Instant>>,
    /// Dropped at the end: users that never got a context stop waiting for it.
    _context_sender: watch::Sender<Option<Arc<Context>>>,
}

impl WorkerRun {
    /// Creates the context of the run and hands it to the users.
    pub(super) fn new(
        assignment: Assignment,
        protocols: Protocols,
        clients: Clients,
        clock: RunClock,
        ramp: Instant,
        context_sender: watch::Sender<Option<Arc<Context>>>,
    ) -> Self {
        let (steady_sender, steady) = watch::channel(None);
        let signals = Signals {
            ramp,
            steady,
            drain: CancellationToken::new(),
            close: CancellationToken::new(),
        };
        let context = Arc::new(Context::new(
            assignment.plan,
            assignment.segment,
            protocols,
            assignment.endpoints,
            clients,
            clock,
            signals,
        ));
        context_sender.send_replace(Some(context.clone()));
        Self {
            context,
            steady_sender,
            _context_sender: context_sender,
        }
    }

    /// Sends what the worker counts and follows the coordinator's messages until the
    /// attack has ended and everything is sent.
    pub(super) async fn run_until_done(
        self,
        mut reader: impl CoordinatorSource,
        mut writer: impl CoordinatorSink,
        mut attack: AttackTask,
    ) -> Result<(), WorkerError> {
        let (interval_sender, mut intervals) = mpsc::channel(reporter::INTERVAL_QUEUE_LEN);
        let attack_ended = CancellationToken::new();
        let reports = reporter::report(self.context.clone(), attack_ended.clone(), interval_sender);
        tokio::spawn(reports);
        let mut outcome = None;
        let context = self.context.clone();
        let ramp_gate = context.ramp_gate.run(&context.recorder);
        tokio::pin!(ramp_gate);
        loop {
            tokio::select! {
                interval = intervals.recv() => match interval {
                    Some(interval) => writer.send(interval).await?,
                    // The reporter has sent its last interval.
                    None => break,
                },
                never = &mut ramp_gate => match never {},
                message = reader.receive() => {
                    // A link that ended ends the worker and its sockets: no coordinator would
                    // record them.
                    self.handle_message(message?)?;
                }
                ended = &mut attack, if outcome.is_none() => {
                    outcome = Some(attack_result(ended));
                    attack_ended.cancel();
                }
            }
        }
        // A failed attack ends the link without `Done`: the coordinator records that the
        // worker was lost.
        outcome.unwrap_or(Ok(()))?;
        let unaccepted = std::mem::take(&mut *self.context.unaccepted_telemetry.lock());
        for devices in unaccepted.chunks(UNACCEPTED_PER_MESSAGE) {
            let message = FromWorker::UnacceptedTelemetry(devices.to_vec());
            writer.send(message).await?;
        }
        // Last: the coordinator takes nothing more from this worker.
        writer.send(FromWorker::Done).await?;
        Ok(writer.finish().await?)
    }

    fn handle_message(&self, message: ToWorker) -> Result<(), WorkerError> {
        match message {
            ToWorker::Steady { second } => {
                let start = self.context.clock.instant_of_second(second);
                self.steady_sender.send_replace(Some(start));
            }
            ToWorker::Endpoints(endpoints) => self.context.set_endpoints(&endpoints),
            // A second announcement, after an interrupt, starts a second drain. The
            // earlier of the two sets the times and the signals.
            ToWorker::Drain { second } => {
                tokio::spawn(drain(self.context.clone(), second));
            }
            _ => return Err(WorkerError::UnexpectedMessage("a phase or addresses")),
        }
        Ok(())
    }
}

/// Returns the outcome of the attack's task. A panic in it goes on in this one.
pub(super) fn attack_result(
    outcome: Result<Result<(), AttackError>, JoinError>,
) -> Result<(), WorkerError> {
    match outcome {
        Ok(outcome) => Ok(outcome?),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}
