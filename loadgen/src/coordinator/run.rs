//! From the first process to the last line of the record.
//!
//! - `heard`: what workers, samples and events tell;
//! - `progress`: from one phase to the next, and what is shown of it;
//! - `end`: what is waited for when the workers are done.

mod end;
mod handlers;
mod phase_steps;

use std::time::Duration;

use highwater_reports::record::{Ended, Occurrence};
use highwater_scenarios::{Plan, plan::Window};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval_at, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    error::RunError,
    options::RunOptions,
    phases::{Phase, longest_drain},
    progress::{Note, NoteKind, Update},
    recorder::Ledger,
    sampler_task::watch,
    start::{Started, begin_record, start},
    system::{Done, System},
    telemetry::Readings,
    worker_pool::Crew,
};
use crate::{
    clock::RunClock, control::ToWorker, endpoints::Endpoints, error_chain::in_full, testbed::Left,
};

/// From the go to the start of the ramp.
const GO_NOTICE: u64 = 2;
/// Events that are done and wait to be written down.
const EVENTS: usize = 16;

/// Puts the load of `options` on its system and records what happens, until
/// the plan is over, no worker is left, or `interrupt` is cancelled: then the
/// run is brought to an end in order. `show` is called from the run's own
/// task and must not block.
///
/// # Errors
/// When the run cannot start or its record cannot be written. What the target
/// does wrong is no error but a finding in the record.
pub async fn run(
    options: RunOptions,
    interrupt: CancellationToken,
    show: impl FnMut(Update) + Send,
) -> Result<Ended, RunError> {
    let base = Instant::now();
    let clock = RunClock::starting_at(base);
    let mut ledger = begin_record(&options, clock)?;
    let started = tokio::select! {
        started = start(&options, base) => started,
        () = interrupt.cancelled() => Err(RunError::Interrupted),
    };
    match started {
        Ok(started) => {
            let system = started.system.clone();
            ledger.system(system.balancer_configuration(), system.versions().await)?;
            let run = Run::new(options.plan, clock, ledger, started, show);
            let ended = run.last(interrupt).await;
            system.stop().await;
            ended
        }
        Err(error) => {
            let ended = match error {
                RunError::Interrupted => Ended::Interrupted,
                _ => Ended::Aborted,
            };
            let text = in_full(&error);
            ledger.event(Occurrence::Problem { text })?;
            ledger.event(Occurrence::End { ended })?;
            ledger.finish()?;
            Err(error)
        }
    }
}

/// A run that is going on.
struct Run<S> {
    plan: Plan,
    clock: RunClock,
    ledger: Ledger,
    system: System,
    crew: Crew,
    /// Held so that they live as long as the run.
    _processes: Vec<crate::process::Child>,
    endpoints: Endpoints,
    phase: Phase,
    ramp_second: u64,
    /// The phase that the record has last.
    recorded: Option<Window>,
    ended: Ended,
    /// Accepted and handled, where the consumers are the harness's own.
    readings: Option<Readings>,
    /// A worker was lost, and with it what it knew.
    worker_lost: bool,
    events: (mpsc::Sender<Done>, mpsc::Receiver<Done>),
    /// Ends the scenario's events; a child of `stop`.
    stop_events: CancellationToken,
    /// Ends everything that runs beside.
    stop: CancellationToken,
    show: S,
}

impl<S: FnMut(Update) + Send> Run<S> {
    fn new(plan: Plan, clock: RunClock, ledger: Ledger, started: Started, show: S) -> Self {
        let stop = CancellationToken::new();
        let readings = Readings::of(&plan, started.system.journals());
        Self {
            stop_events: stop.child_token(),
            stop,
            endpoints: started.system.endpoints(),
            crew: Crew::new(started.workers),
            system: started.system,
            _processes: started.processes,
            phase: Phase::Ramp,
            ramp_second: clock.now().as_secs() + GO_NOTICE,
            recorded: None,
            ended: Ended::Completed,
            readings,
            worker_lost: false,
            events: mpsc::channel(EVENTS),
            plan,
            clock,
            ledger,
            show,
        }
    }

    async fn last(mut self, interrupt: CancellationToken) -> Result<Ended, RunError> {
        let mut samples = watch(self.system.clone(), self.clock, self.stop.clone())?;
        if let Some(text) = self.system.doubt() {
            self.problem(text)?;
        }
        let go = ToWorker::Go {
            origin_us: 0,
            ramp_second: self.ramp_second,
        };
        self.tell(&go).await?;
        let first = self.clock.second(self.clock.now().as_secs() + 1);
        let mut ticks = interval_at(first, Duration::from_secs(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut interrupted = false;
        let mut deadline = None;
        while !self.crew.still_working().is_empty() {
            tokio::select! {
                _ = ticks.tick() => self.second().await?,
                (id, told) = self.crew.hear() => self.heard(&id, told)?,
                Some(round) = samples.recv() => self.sampled(&round)?,
                Some(done) = self.events.1.recv() => self.event_done(done).await?,
                () = interrupt.cancelled(), if !interrupted => {
                    interrupted = true;
                    self.interrupted().await?;
                }
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    self.too_late()?;
                }
            }
            if deadline.is_none()
                && let Phase::Drain { from } = self.phase
            {
                let most = longest_drain(&self.plan, self.crew.largest_share(&self.plan));
                deadline = Some(self.clock.second(from) + most);
            }
        }
        self.settle_readings(&mut samples, &interrupt).await?;
        self.last_sample(&mut samples).await?;
        self.finish().await
    }

    /// Once a second: how things stand, and whether the phase is over.
    async fn second(&mut self) -> Result<(), RunError> {
        let now = self.clock.now();
        self.record_phase(now)?;
        self.ledger.interval(&self.wanted_now(now))?;
        self.ends()?;
        self.tell_endpoints().await?;
        self.advance(now).await?;
        self.ledger.flush()?;
        self.show_progress(now);
        Ok(())
    }

    /// Writes down which processes have ended since the last look.
    fn ends(&mut self) -> Result<(), RunError> {
        for (id, status) in self.system.ended() {
            self.note(NoteKind::Problem, format!("{id} ended by itself: {status}"));
            self.ledger.event(Occurrence::ProcessEnded { id, status })?;
        }
        for left in self.system.left() {
            self.left(left)?;
        }
        Ok(())
    }

    /// A process that was asked to end has ended: with 0, or something is wrong.
    fn left(&mut self, Left { id, exit }: Left) -> Result<(), RunError> {
        if !exit.success() {
            let text = format!("{id} was asked to end and {exit}");
            self.note(NoteKind::Problem, text);
        }
        let (status, code) = (exit.to_string(), exit.code());
        self.ledger
            .event(Occurrence::ProcessLeft { id, status, code })?;
        Ok(())
    }

    async fn tell_endpoints(&mut self) -> Result<(), RunError> {
        let endpoints = self.system.endpoints();
        if endpoints != self.endpoints {
            self.endpoints = endpoints.clone();
            self.tell(&ToWorker::Endpoints(endpoints)).await?;
        }
        Ok(())
    }

    async fn tell(&mut self, message: &ToWorker) -> Result<(), RunError> {
        for id in self.crew.tell(message).await {
            self.lost(&id, "it could not be told what changes".to_owned())?;
        }
        Ok(())
    }

    /// Shows it and writes it down.
    fn problem(&mut self, text: String) -> Result<(), RunError> {
        self.note(NoteKind::Problem, text.clone());
        self.ledger.event(Occurrence::Problem { text })?;
        Ok(())
    }

    fn note(&mut self, kind: NoteKind, text: String) {
        let at = self.clock.now();
        (self.show)(Update::Note(Note { at, kind, text }));
    }
}
