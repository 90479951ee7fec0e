//! One run, from its first process to the last line of its record.
//!
//! ```text
//!             ┌── ticks, once a second ──► phase_steps.rs ──► workers, record, progress
//! run_to_end ─┼── workers, samples, events ──► handlers.rs ──► record
//!             └── interrupt, deadline of the drain
//!      │ no worker works any more
//!      ▼
//! end.rs: consumers, last sample, the system's end
//! ```
//!
//! - `handlers`: the messages of workers, samples and events; `silence`: workers that fall
//!   silent; `stream`: the end of what the bus holds; `checkpoints`: the place from which a run
//!   over the bus is resumed;
//! - `phase_steps`: the step from one phase to the next, and what is shown of it;
//! - `end`: the time after the workers are done.

mod checkpoints;
mod end;
mod handlers;
mod phase_steps;
mod silence;
mod stream;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use highwater_reports::{
    live::LiveMetrics,
    record::{FailureExample, RecordEvent, RunEnd},
};
use highwater_scenarios::{Plan, plan::PhaseWindow};
use parking_lot::Mutex;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval_at, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    error::RunError,
    metrics_endpoint::{SharedLiveMetrics, serve_metrics},
    options::{RunOptions, Workers},
    phases::{RunPhase, max_drain_duration},
    progress::{NoteKind, ProgressNote, Update},
    recorder::RunRecorder,
    remote::{resume::resume, start::LeftPhase},
    sampler_task::spawn_sampler,
    start::{LeftState, StartedRun, begin_record, start},
    start_notes::StartNotes,
    system::{EventResult, RunningSystem},
    telemetry::TelemetryReconciler,
    worker_pool::WorkerPool,
};
use crate::{
    clock::RunClock, control::ToWorker, endpoints::Endpoints, error_chain::error_chain,
    testbed::NodeExit,
};

/// Seconds from the go to the start of the ramp: the go must reach every worker before.
const GO_LEAD_S: u64 = 2;
/// Results of events that wait to be recorded.
const EVENT_QUEUE_LEN: usize = 16;

/// Runs the load of `options` against its system and records what happens, until the plan
/// is over or no worker is left. If `interrupt` is cancelled, the run ends early and in
/// order. `show` is called from the run's own task and must not block.
///
/// # Errors
/// If the run cannot start or its record cannot be written. A failure of the target is not
/// an error but a finding in the record.
pub async fn run(
    options: RunOptions,
    interrupt: CancellationToken,
    mut show: impl FnMut(Update) + Send,
) -> Result<RunEnd, RunError> {
    let (clock, mut recorder, resumed) = match &options.workers {
        Workers::Bus(workers) if workers.resume => {
            let run = resume(&options, workers).await?;
            let left = LeftState {
                session: run.session,
                control: run.control,
                checkpoint: run.checkpoint,
            };
            (left.session.clock, run.recorder, Some(left))
        }
        _ => {
            let clock = RunClock::starting_at(Instant::now());
            // Begun before anything is started: a start that fails leaves its reason in the
            // record.
            (clock, begin_record(&options, clock)?, None)
        }
    };
    let has_begun = resumed
        .as_ref()
        .is_some_and(|left| left.control.go.is_some());
    let is_on_bus = matches!(&options.workers, Workers::Bus(_));
    if let Some(address) = options.metrics_listen {
        let text = serve_live_metrics(&options, address, &mut recorder).await?;
        let (at, kind) = (clock.now(), NoteKind::Event);
        show(Update::Note(ProgressNote { at, kind, text }));
    }
    let base = clock.instant_at(Duration::ZERO);
    let (notes, mut waiting_notes) = StartNotes::new(base);
    let started = {
        let starting = start(&options, clock, &mut recorder, resumed, &notes, &interrupt);
        let mut start = pin!(starting);
        loop {
            tokio::select! {
                started = &mut start => break started,
                Some(note) = waiting_notes.recv() => show(Update::Note(note)),
                // On the bus the start itself ends in order: workers wait for it.
                () = interrupt.cancelled(), if !is_on_bus => break Err(RunError::Interrupted),
            }
        }
    };
    while let Ok(note) = waiting_notes.try_recv() {
        show(Update::Note(note));
    }
    match started {
        Ok(started) => {
            let system = started.system.clone();
            recorder.record_system(system.balancer_configuration(), system.versions().await)?;
            let run = ActiveRun::new(options.plan, options.out, clock, recorder, started, show);
            let ended = run.run_to_end(interrupt).await;
            // Also after an error of the record, which ends the run before `finish` stops
            // the system.
            system.stop().await;
            ended
        }
        Err(error) => {
            // The workers of a run that has begun go on, and another resumption may succeed.
            if !has_begun {
                record_failed_start(&mut recorder, &error)?;
            }
            Err(error)
        }
    }
}

/// Serves the metrics of the run, and returns where, for a person.
async fn serve_live_metrics(
    options: &RunOptions,
    address: SocketAddr,
    recorder: &mut RunRecorder,
) -> Result<String, RunError> {
    let name = options.out.file_name().unwrap_or_default();
    let live = LiveMetrics::new(name.to_string_lossy(), &options.plan);
    let live: SharedLiveMetrics = Arc::new(Mutex::new(live));
    let bound = serve_metrics(address, live.clone()).await;
    match bound {
        Ok(bound) => {
            recorder.update_live(live);
            Ok(format!("metrics of the run are at http://{bound}/metrics"))
        }
        Err(error) => {
            record_failed_start(recorder, &error)?;
            Err(error)
        }
    }
}

/// Ends the record of a run that never began, so that a report can say why.
fn record_failed_start(recorder: &mut RunRecorder, error: &RunError) -> Result<(), RunError> {
    let ended = match error {
        RunError::Interrupted => RunEnd::Interrupted,
        _ => RunEnd::Aborted,
    };
    let text = error_chain(error);
    recorder.record_event(RecordEvent::Problem { text })?;
    recorder.record_event(RecordEvent::End { ended })?;
    // No worker has sent a histogram, so none could be undecodable.
    recorder.finish()?;
    Ok(())
}

/// A run between its go and its end.
struct ActiveRun<S> {
    plan: Plan,
    /// The directory of the record.
    out: PathBuf,
    clock: RunClock,
    recorder: RunRecorder,
    system: RunningSystem,
    workers: WorkerPool,
    /// Processes of local workers, which end when this is dropped.
    _processes: Vec<highwater_process::Child>,
    endpoints: Endpoints,
    phase: RunPhase,
    ramp_second: u64,
    /// The instant from which this coordinator could read the workers' messages.
    readable_since: Instant,
    /// Whether the workers had their go before this coordinator took the run over.
    has_begun: bool,
    /// The last phase in the record.
    recorded_phase: Option<PhaseWindow>,
    ended: RunEnd,
    /// Accepted and handled telemetry, if the consumers are the harness's.
    telemetry: Option<TelemetryReconciler>,
    /// Whether a worker was lost, and with it its unaccepted telemetry.
    worker_lost: bool,
    /// The workers of which parts were left out.
    workers_with_left_out: BTreeSet<String>,
    /// The examples of failures in the record, by counter.
    failures: BTreeMap<String, Vec<FailureExample>>,
    events: (mpsc::Sender<EventResult>, mpsc::Receiver<EventResult>),
    /// Cancelled to end the scenario's events; a child of `stop`.
    stop_events: CancellationToken,
    /// Cancelled to end all tasks of the run.
    stop: CancellationToken,
    show: S,
}

impl<S: FnMut(Update) + Send> ActiveRun<S> {
    fn new(
        plan: Plan,
        out: PathBuf,
        clock: RunClock,
        mut recorder: RunRecorder,
        started: StartedRun,
        show: S,
    ) -> Self {
        let stop = CancellationToken::new();
        let ramp_second = match &started.left {
            Some(LeftPhase { ramp_second, .. }) => *ramp_second,
            None => clock.now().as_secs() + GO_LEAD_S,
        };
        for worker in started.workers.ids() {
            let go = clock.now().max(Duration::from_secs(ramp_second));
            recorder.progress.expect_worker(&worker, go);
        }
        let telemetry = TelemetryReconciler::for_plan(&plan, started.system.journals());
        Self {
            stop_events: stop.child_token(),
            stop,
            endpoints: started.system.endpoints(),
            workers: started.workers,
            system: started.system,
            _processes: started.processes,
            phase: started.left.map_or(RunPhase::Ramp, |left| left.phase),
            ramp_second,
            readable_since: Instant::now(),
            has_begun: started.left.is_some(),
            recorded_phase: started.left.and_then(|left| left.recorded),
            ended: started.left.map_or(RunEnd::Completed, |left| left.ended),
            telemetry,
            worker_lost: started.left.is_some_and(|left| left.worker_lost),
            workers_with_left_out: BTreeSet::new(),
            failures: BTreeMap::new(),
            events: mpsc::channel(EVENT_QUEUE_LEN),
            plan,
            out,
            clock,
            recorder,
            show,
        }
    }

    async fn run_to_end(mut self, interrupt: CancellationToken) -> Result<RunEnd, RunError> {
        // Before the load, so that the first samples show the idle system.
        let mut samples = spawn_sampler(self.system.clone(), self.clock, self.stop.clone())?;
        if let Some(text) = self.system.verification_warning() {
            self.record_problem(text)?;
        }
        let go = ToWorker::Go {
            // The clock that answered the workers' pings is the run's clock.
            origin_us: 0,
            ramp_second: self.ramp_second,
        };
        match self.has_begun {
            true => self.catch_up_with_phase().await?,
            false => self.broadcast(&go).await?,
        }
        // Ticks lie at whole seconds of the run's clock, at which phases begin.
        let first = self.clock.instant_of_second(self.clock.now().as_secs() + 1);
        let mut ticks = interval_at(first, Duration::from_secs(1));
        // After a stall one tick is enough: each does all that is due.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut interrupted = false;
        let mut deadline = None;
        while !self.workers.working_ids().is_empty() {
            tokio::select! {
                _ = ticks.tick() => self.on_tick().await?,
                (id, event) = self.workers.recv() => self.handle_worker_event(&id, event).await?,
                Some(round) = samples.recv() => self.record_samples(&round)?,
                Some(result) = self.events.1.recv() => self.record_event_result(result).await?,
                // A cancelled token stays ready: without the condition the loop would spin.
                () = interrupt.cancelled(), if !interrupted => {
                    interrupted = true;
                    self.handle_interrupt().await?;
                }
                // `select!` evaluates the expression even where the condition is false.
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    self.mark_stragglers_lost()?;
                }
            }
            // Set once: it counts from the announcement of the drain. Over the bus the end of
            // the stream is the time to look at it.
            if self.workers.bus().is_none() {
                deadline = deadline.or_else(|| self.drain_deadline());
            }
        }
        self.wait_for_consumers(&mut samples, &interrupt).await?;
        self.wait_for_last_sample(&mut samples).await?;
        self.finish(&mut samples).await
    }

    /// Returns when the drain must have ended; `None` before it is announced. The time in which
    /// this coordinator could not read the workers' messages does not count.
    fn drain_deadline(&self) -> Option<Instant> {
        let RunPhase::Drain { from } = self.phase else {
            return None;
        };
        let sockets = self.workers.max_sockets_per_worker(&self.plan);
        let longest = max_drain_duration(&self.plan, sockets);
        let began = self.clock.instant_of_second(from);
        Some(began.max(self.readable_since) + longest)
    }

    /// Does what is due once a second.
    async fn on_tick(&mut self) -> Result<(), RunError> {
        let now = self.clock.now();
        // First, because the intervals of this second belong to the phase.
        self.record_phase(now)?;
        self.recorder.record_interval(&self.wanted_interval(now))?;
        self.record_process_exits()?;
        self.send_endpoints().await?;
        self.advance_phase(now).await?;
        // Each second: a run that is killed can be reported up to here.
        self.recorder.flush()?;
        if self.recorder.is_line_end(now.as_secs()) {
            self.save_checkpoint()?;
        }
        self.show_progress(now);
        Ok(())
    }

    /// Records the processes that have ended since the last tick. Of those that were asked
    /// to end, a status other than 0 is a problem.
    fn record_process_exits(&mut self) -> Result<(), RunError> {
        for (id, status) in self.system.take_unexpected_exits() {
            self.show_note(NoteKind::Problem, format!("{id} ended by itself: {status}"));
            let event = RecordEvent::ProcessEnded { id, status };
            self.recorder.record_event(event)?;
        }
        for NodeExit { id, exit } in self.system.take_node_exits() {
            if !exit.success() {
                let text = format!("{id} was asked to end and {exit}");
                self.show_note(NoteKind::Problem, text);
            }
            let (status, code) = (exit.to_string(), exit.code());
            let event = RecordEvent::ProcessStopped { id, status, code };
            self.recorder.record_event(event)?;
        }
        Ok(())
    }

    /// Sends the system's addresses to the workers, if they have changed.
    async fn send_endpoints(&mut self) -> Result<(), RunError> {
        let endpoints = self.system.endpoints();
        if endpoints != self.endpoints {
            self.endpoints = endpoints.clone();
            self.broadcast(&ToWorker::Endpoints(endpoints)).await?;
        }
        Ok(())
    }

    /// Sends a message to all workers. One that does not take it is lost.
    async fn broadcast(&mut self, message: &ToWorker) -> Result<(), RunError> {
        for id in self.workers.broadcast(message).await {
            self.handle_worker_lost(&id, "it did not take a message in time".to_owned())?;
        }
        Ok(())
    }

    /// Shows a problem and records it.
    fn record_problem(&mut self, text: String) -> Result<(), RunError> {
        self.show_note(NoteKind::Problem, text.clone());
        let event = RecordEvent::Problem { text };
        Ok(self.recorder.record_event(event)?)
    }

    fn show_note(&mut self, kind: NoteKind, text: String) {
        let at = self.clock.now();
        (self.show)(Update::Note(ProgressNote { at, kind, text }));
    }
}
