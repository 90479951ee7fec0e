//! A worker's part of the run, from go to done.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::{JoinError, JoinHandle},
    time::{Instant, sleep},
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
    control::{Assignment, CoordinatorSink, CoordinatorSource, FromWorker, LinkError, ToWorker},
};

/// Devices in one message about unaccepted telemetry: the link bounds its messages.
const UNACCEPTED_PER_MESSAGE: usize = 2_000;

/// The task of a worker's goose attack.
pub(super) type AttackTask = JoinHandle<Result<(), AttackError>>;

/// A worker's link to its coordinator.
pub(super) struct RunLink<R, W> {
    /// The messages of the coordinator.
    pub(super) reader: R,
    /// The way to the coordinator.
    pub(super) writer: W,
    /// Most time for what is still to be sent when the attack has ended; `None` for a link that
    /// breaks by itself when its other end is gone.
    pub(super) last_sends: Option<Duration>,
}

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
        link: RunLink<impl CoordinatorSource, impl CoordinatorSink>,
        attack: AttackTask,
    ) -> Result<(), WorkerError> {
        let attack_ended = CancellationToken::new();
        let last_sends = link.last_sends;
        let part = self.follow_and_send(link, attack, &attack_ended);
        end_within(last_sends, &attack_ended, part).await
    }

    async fn follow_and_send(
        &self,
        link: RunLink<impl CoordinatorSource, impl CoordinatorSink>,
        mut attack: AttackTask,
        attack_ended: &CancellationToken,
    ) -> Result<(), WorkerError> {
        let RunLink {
            mut reader, writer, ..
        } = link;
        let (interval_sender, intervals) = mpsc::channel(reporter::INTERVAL_QUEUE_LEN);
        let reports = reporter::report(self.context.clone(), attack_ended.clone(), interval_sender);
        tokio::spawn(reports);
        let mut outcome = None;
        let ramp_gate = self.context.ramp_gate.run(&self.context.recorder);
        // A branch of its own: a link that takes nothing must not keep the loop from the
        // drain and from the end of the attack.
        let sends = send_intervals(intervals, writer);
        tokio::pin!(ramp_gate, sends);
        let mut writer = loop {
            tokio::select! {
                // The reporter has sent its last interval.
                sent = &mut sends => break sent?,
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
        };
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

/// Sends intervals until the reporter has sent its last one. Returns the link.
///
/// While the link takes none, the queue fills, and the reporter's next interval covers several
/// seconds.
async fn send_intervals<W: CoordinatorSink>(
    mut intervals: mpsc::Receiver<FromWorker>,
    mut writer: W,
) -> Result<W, LinkError> {
    while let Some(interval) = intervals.recv().await {
        writer.send(interval).await?;
    }
    Ok(writer)
}

/// Waits for a worker's part, for at most `limit` after its attack has ended.
async fn end_within(
    limit: Option<Duration>,
    attack_ended: &CancellationToken,
    part: impl Future<Output = Result<(), WorkerError>>,
) -> Result<(), WorkerError> {
    let Some(limit) = limit else {
        return part.await;
    };
    let late = async {
        attack_ended.cancelled().await;
        sleep(limit).await;
    };
    tokio::select! {
        outcome = part => outcome,
        () = late => {
            let seconds = limit.as_secs();
            let text = format!("the bus did not take the last counts within {seconds} s");
            Err(LinkError::Ended(text).into())
        }
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

#[cfg(test)]
mod tests {
    use std::future::pending;

    use highwater_scenarios::Segment;

    use super::*;
    use crate::{
        access::{ClientAccess, ClientOptions},
        endpoints::Endpoints,
        worker::{
            dialect::highwater::Highwater, source_address::SourceAddresses, values::PoolValues,
        },
    };

    const PLAN: &str = r#"
        name = "stuck"
        duration = "1h"
        [target]
        ws = "ws://127.0.0.1:1/ws?device={device}"
        [[devices]]
        name = "home"
        count = 1
        ramp = "1/s"
        heartbeat = "1s"
    "#;

    /// A link that takes nothing, as that to a bus that is gone.
    struct StuckSink;

    impl CoordinatorSink for StuckSink {
        async fn send(&mut self, _message: FromWorker) -> Result<(), LinkError> {
            pending().await
        }

        async fn finish(self) -> Result<(), LinkError> {
            pending().await
        }
    }

    /// A coordinator that announces the drain after some seconds, or never anything.
    struct LateDrain(Option<u64>);

    impl CoordinatorSource for LateDrain {
        async fn receive(&mut self) -> Result<ToWorker, LinkError> {
            sleep(Duration::from_secs(5)).await;
            match self.0.take() {
                Some(second) => Ok(ToWorker::Drain { second }),
                None => pending().await,
            }
        }
    }

    fn run() -> WorkerRun {
        let plan = highwater_scenarios::parse("stuck.toml", PLAN, &[]);
        let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
        let options = ClientOptions::new(&ClientAccess::default()).expect("no certificates");
        let pools = PoolValues::compile_all(&plan, Segment::whole(), Vec::new(), &options);
        let ramp = Instant::now();
        let (steady_sender, steady) = watch::channel(None);
        let context = Context::new(
            plan,
            Segment::whole(),
            Protocols {
                dialect: &Highwater,
                pools: Box::default(),
            },
            Endpoints::default(),
            Clients {
                options,
                pools: pools.expect("no placeholders"),
                login: None,
                sources: SourceAddresses::default(),
            },
            RunClock::starting_at(ramp),
            Signals {
                ramp,
                steady,
                drain: CancellationToken::new(),
                close: CancellationToken::new(),
            },
        );
        WorkerRun {
            context: Arc::new(context),
            steady_sender,
            _context_sender: watch::Sender::new(None),
        }
    }

    /// Returns the end of a part whose link takes nothing, and the time that it took. The attack
    /// ends with the drain where `drain` says one, and by itself otherwise.
    async fn stuck_end(drain: Option<u64>) -> (Result<(), WorkerError>, Duration) {
        let (run, started) = (run(), Instant::now());
        let close = run.context.signals.close.clone();
        let attack = tokio::spawn(async move {
            match drain {
                Some(_) => close.cancelled().await,
                None => sleep(Duration::from_secs(5)).await,
            }
            Ok(())
        });
        let link = RunLink {
            reader: LateDrain(drain),
            writer: StuckSink,
            last_sends: Some(Duration::from_secs(120)),
        };
        let ended = run.run_until_done(link, attack).await;
        (ended, started.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn link_that_takes_nothing_keeps_no_worker_from_its_end() {
        for drain in [Some(7), None] {
            let (ended, took) = stuck_end(drain).await;
            let error = ended.expect_err("nothing was sent").to_string();
            assert_eq!(error, "the bus did not take the last counts within 120 s");
            let seconds = took.as_secs();
            assert!((125..=130).contains(&seconds), "{drain:?}: {seconds} s");
        }
    }
}
