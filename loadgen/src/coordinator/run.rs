//! From the first process to the last line of the record.

use std::time::Duration;

use highwater_reports::record::{
    Ended, Interval, Occurrence, Role, Source, action_title, names::gauge,
};
use highwater_scenarios::{Plan, Segment, plan::Window};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, interval_at, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    crew::{Crew, Told},
    error::RunError,
    ledger::Ledger,
    options::RunOptions,
    phases::{Phase, longest_drain, wanted},
    progress::{Note, NoteKind, Stage, Update, stage::action_name},
    readings::Readings,
    start::{Started, begin_record, start},
    system::{Done, System},
    watch::{Round, watch},
};
use crate::{
    causes::in_full, clock::RunClock, control::ToWorker, endpoints::Endpoints, testbed::Left,
};

/// From the go to the start of the ramp.
const GO_NOTICE: u64 = 2;
/// How long the last sample may take to come.
const LAST_SAMPLE: Duration = Duration::from_secs(5);

/// How often the consumers' journals are looked at in the end.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Consumers that write nothing for this long have nothing more: longer than a queue
/// takes to find that one of them is dead.
const QUIET: Duration = Duration::from_secs(15);

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
            events: mpsc::channel(16),
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
                deadline = Some(self.clock.second(from) + self.longest_drain());
            }
        }
        self.settle_readings(&mut samples).await?;
        self.last_sample(&mut samples).await?;
        self.finish().await
    }

    /// What the system counted in all: one more round, begun after everything was
    /// over.
    async fn last_sample(&mut self, samples: &mut mpsc::Receiver<Round>) -> Result<(), RunError> {
        let over = self.clock.now().as_secs_f64();
        let deadline = Instant::now() + LAST_SAMPLE;
        while let Ok(Some(round)) = timeout_at(deadline, samples.recv()).await {
            self.sampled(&round)?;
            if round.samples.first().is_some_and(|first| first.at >= over) {
                break;
            }
        }
        Ok(())
    }

    /// Waits until the consumers have written down all that was accepted, or for long
    /// no more; then the two sides are recorded.
    async fn settle_readings(
        &mut self,
        samples: &mut mpsc::Receiver<Round>,
    ) -> Result<(), RunError> {
        let Some(mut readings) = self.readings.take() else {
            return Ok(());
        };
        let mut looks = interval(LOOK_EVERY);
        let (mut handled, mut since) = (0, Instant::now());
        loop {
            tokio::select! {
                _ = looks.tick() => {}
                Some(round) = samples.recv() => {
                    self.sampled(&round)?;
                    continue;
                }
            }
            readings.read_more();
            if readings.handled() > handled {
                (handled, since) = (readings.handled(), Instant::now());
            }
            if readings.missing() == 0 || since.elapsed() > QUIET {
                break;
            }
        }
        self.ledger.event(readings.occurrence(!self.worker_lost))?;
        Ok(())
    }

    /// Once a second: how things stand, and whether the phase is over.
    async fn second(&mut self) -> Result<(), RunError> {
        let now = self.clock.now();
        self.record_phase(now)?;
        self.ledger.interval(&self.wanted_now(now))?;
        for (id, status) in self.system.ended() {
            self.note(NoteKind::Problem, format!("{id} ended by itself: {status}"));
            self.ledger.event(Occurrence::ProcessEnded { id, status })?;
        }
        for left in self.system.left() {
            self.left(left)?;
        }
        self.tell_endpoints().await?;
        self.advance(now).await?;
        self.ledger.flush()?;
        self.show_progress(now);
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

    /// Goes to the next phase when this one is over.
    async fn advance(&mut self, now: Duration) -> Result<(), RunError> {
        match self.phase {
            Phase::Ramp => {
                let plan = &self.plan;
                if self
                    .crew
                    .ramp_is_over(|segment| ramp_sockets(plan, segment))
                {
                    self.start_steady(now).await?;
                }
            }
            Phase::Steady { until, .. } if now.as_secs() >= until => {
                self.phase = Phase::Drain { from: until };
                self.stop_events.cancel();
                self.record_phase(now)?;
            }
            Phase::Steady { .. } | Phase::Drain { .. } => {}
        }
        Ok(())
    }

    /// Workers are told the end together with the start: from there on they
    /// need nobody.
    async fn start_steady(&mut self, now: Duration) -> Result<(), RunError> {
        self.phase = Phase::steady(&self.plan, now);
        let Phase::Steady { from, until } = self.phase else {
            return Ok(());
        };
        self.tell(&ToWorker::Steady { second: from }).await?;
        self.tell(&ToWorker::Drain { second: until }).await?;
        tokio::spawn(self.system.clone().do_events(
            self.plan.events.clone(),
            self.clock,
            from,
            self.stop_events.clone(),
            self.events.0.clone(),
        ));
        Ok(())
    }

    async fn interrupted(&mut self) -> Result<(), RunError> {
        self.ended = Ended::Interrupted;
        let text = "interrupted: closing the sockets in order".to_owned();
        self.note(NoteKind::Event, text);
        if matches!(self.phase, Phase::Drain { .. }) {
            return Ok(());
        }
        self.phase = Phase::drain(self.clock.now());
        self.stop_events.cancel();
        if let Phase::Drain { from } = self.phase {
            self.tell(&ToWorker::Drain { second: from }).await?;
        }
        Ok(())
    }

    fn heard(&mut self, id: &str, told: Told) -> Result<(), RunError> {
        match told {
            Told::Interval(interval) => {
                self.crew.resolved(id, interval.ramp_resolved);
                self.ledger.worker(id, interval)?;
            }
            Told::Unaccepted(devices) => {
                if let Some(readings) = &mut self.readings {
                    devices
                        .iter()
                        .for_each(|device| readings.unaccepted(device));
                }
            }
            Told::Done => {
                self.crew.done(id);
                if !matches!(self.phase, Phase::Drain { .. }) {
                    // It had no share, or its users broke off.
                    let text = format!("worker {id} is done before the end");
                    self.note(NoteKind::Problem, text);
                }
            }
            Told::Gone(reason) => self.lost(id, reason)?,
        }
        Ok(())
    }

    fn lost(&mut self, id: &str, reason: String) -> Result<(), RunError> {
        if self.crew.lost(id) {
            self.worker_lost = true;
            self.ledger.follower.lost(id);
            self.note(NoteKind::Problem, format!("worker {id} is lost: {reason}"));
            let id = id.to_owned();
            self.ledger.event(Occurrence::WorkerLost { id, reason })?;
        }
        if self.crew.still_working().is_empty() && !matches!(self.phase, Phase::Drain { .. }) {
            self.ended = Ended::Aborted;
        }
        Ok(())
    }

    fn too_late(&mut self) -> Result<(), RunError> {
        for id in self.crew.still_working() {
            self.lost(&id, "it did not finish the drain in time".to_owned())?;
        }
        Ok(())
    }

    fn sampled(&mut self, round: &Round) -> Result<(), RunError> {
        for interval in &round.samples {
            self.ledger.interval(interval)?;
        }
        for text in &round.problems {
            self.problem(text.clone())?;
        }
        Ok(())
    }

    /// Shows it and writes it down.
    fn problem(&mut self, text: String) -> Result<(), RunError> {
        self.note(NoteKind::Problem, text.clone());
        self.ledger.event(Occurrence::Problem { text })?;
        Ok(())
    }

    async fn event_done(&mut self, done: Done) -> Result<(), RunError> {
        let action = action_name(&done.event.action).to_owned();
        let node = done.event.node;
        let title = action_title(&action, &node);
        match &done.error {
            None => self.note(NoteKind::Event, title),
            Some(error) => {
                let text = format!("{title} failed: {error}");
                self.note(NoteKind::Problem, text);
            }
        }
        let what = Occurrence::Action {
            action,
            node,
            error: done.error,
        };
        self.ledger.event_at(done.at, what)?;
        self.tell_endpoints().await
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

    /// Phases are recorded when they begin, with the second at which they do.
    fn record_phase(&mut self, now: Duration) -> Result<(), RunError> {
        let from = match self.phase {
            Phase::Ramp => self.ramp_second,
            Phase::Steady { from, .. } | Phase::Drain { from } => from,
        };
        let phase = self.phase.window();
        if self.recorded == Some(phase) || now.as_secs() < from {
            return Ok(());
        }
        self.recorded = Some(phase);
        self.ledger
            .event_at(from as f64, Occurrence::Phase { phase })?;
        Ok(())
    }

    /// The end of the run is when its last worker had finished; what is found at
    /// the system's own end belongs to it.
    async fn finish(&mut self) -> Result<Ended, RunError> {
        self.stop.cancel();
        let at = self.clock.now().as_secs_f64();
        self.record_phase(self.clock.now())?;
        let undecodable = self.ledger.finish()?;
        if undecodable > 0 {
            let text = format!("{undecodable} latency histograms of workers could not be read");
            self.ledger.event(Occurrence::Problem { text })?;
        }
        for text in self.system.stop().await {
            self.note(NoteKind::Problem, text.clone());
            self.ledger.event_at(at, Occurrence::Problem { text })?;
        }
        self.ledger
            .event_at(at, Occurrence::End { ended: self.ended })?;
        self.ledger.finish()?;
        Ok(self.ended)
    }

    fn longest_drain(&self) -> Duration {
        longest_drain(&self.plan, self.plan.sockets())
    }

    fn wanted_now(&self, now: Duration) -> Interval {
        let since = |second| now.checked_sub(Duration::from_secs(second));
        let steady = match self.phase {
            Phase::Steady { from, .. } => since(from),
            _ => None,
        };
        let wanted = match (self.phase, since(self.ramp_second)) {
            (Phase::Drain { .. }, _) | (_, None) => 0,
            (_, Some(ramp)) => wanted(&self.plan, ramp, steady),
        };
        Interval {
            at: now.as_secs_f64(),
            length: 0.0,
            source: Source::new(Role::Coordinator, "coordinator"),
            counters: Default::default(),
            gauges: [(gauge::SOCKETS_WANTED.to_owned(), wanted as f64)].into(),
        }
    }

    fn note(&mut self, kind: NoteKind, text: String) {
        let at = self.clock.now();
        (self.show)(Update::Note(Note { at, kind, text }));
    }

    fn show_progress(&mut self, now: Duration) {
        let wanted = self.wanted_now(now).gauges;
        let mut progress = self.ledger.follower.progress(now);
        progress.stage = Stage::at(&self.plan, self.phase, self.ramp_second, now);
        progress.sockets_wanted = wanted.values().sum::<f64>() as u64;
        progress.sockets_planned = self.plan.sockets();
        if self.plan.commands.is_empty() {
            progress.commands = None;
        }
        if self.plan.publish.is_empty() {
            progress.messages = None;
        }
        if self.plan.readings.is_empty() {
            progress.readings = None;
        }
        (self.show)(Update::Progress(Box::new(progress)));
    }
}

/// Sockets of the ramp that are `segment`'s.
fn ramp_sockets(plan: &Plan, segment: Segment) -> u64 {
    plan.devices
        .iter()
        .filter(|pool| pool.start.is_none())
        .map(|pool| segment.share_of(pool.count))
        .sum()
}
