//! The step from one phase to the next, and what is shown of it.

use std::time::Duration;

use highwater_reports::record::{Interval, RecordEvent, RunEnd, Source, SourceRole, names::gauge};

use super::ActiveRun;
use crate::{
    control::ToWorker,
    coordinator::{
        error::RunError,
        phases::{RunPhase, sockets_wanted_by},
        progress::{NoteKind, PhaseProgress, Update},
    },
};

impl<S: FnMut(Update) + Send> ActiveRun<S> {
    /// Begins the next phase if this one is over.
    pub(super) async fn advance_phase(&mut self, now: Duration) -> Result<(), RunError> {
        match self.phase {
            RunPhase::Ramp => {
                let plan = &self.plan;
                if self
                    .workers
                    .ramp_is_over(|segment| plan.ramp_sockets_of(segment))
                {
                    self.start_steady(now).await?;
                }
            }
            RunPhase::Steady { until, .. } if now.as_secs() >= until => {
                // The workers know this second since the steady phase was announced.
                self.phase = RunPhase::Drain { from: until };
                self.stop_events.cancel();
                self.record_phase(now)?;
            }
            RunPhase::Steady { .. } | RunPhase::Drain { .. } => {}
        }
        Ok(())
    }

    /// Announces the steady phase together with its end, so that workers need no message
    /// from there on.
    async fn start_steady(&mut self, now: Duration) -> Result<(), RunError> {
        self.phase = RunPhase::steady(&self.plan, now);
        let RunPhase::Steady { from, until } = self.phase else {
            return Ok(());
        };
        self.broadcast(&ToWorker::Steady { second: from }).await?;
        self.broadcast(&ToWorker::Drain { second: until }).await?;
        // A task of its own: an event may take seconds, and the run's task must not wait.
        tokio::spawn(self.system.clone().run_events(
            self.plan.events.clone(),
            self.clock,
            from,
            self.stop_events.clone(),
            self.events.0.clone(),
        ));
        Ok(())
    }

    /// Begins the drain, because a person asked for the end of the run.
    pub(super) async fn handle_interrupt(&mut self) -> Result<(), RunError> {
        self.ended = RunEnd::Interrupted;
        let text = "interrupted: closing the sockets in order".to_owned();
        self.show_note(NoteKind::Event, text);
        // In the drain the sockets are closing already.
        if matches!(self.phase, RunPhase::Drain { .. }) {
            return Ok(());
        }
        self.phase = RunPhase::drain(self.clock.now());
        self.stop_events.cancel();
        if let RunPhase::Drain { from } = self.phase {
            self.broadcast(&ToWorker::Drain { second: from }).await?;
        }
        Ok(())
    }

    /// Records the phase once it has begun, with its first second.
    pub(super) fn record_phase(&mut self, now: Duration) -> Result<(), RunError> {
        let from = match self.phase {
            RunPhase::Ramp => self.ramp_second,
            RunPhase::Steady { from, .. } | RunPhase::Drain { from } => from,
        };
        let phase = self.phase.window();
        // A phase is announced ahead and recorded when it begins.
        if self.recorded_phase == Some(phase) || now.as_secs() < from {
            return Ok(());
        }
        self.recorded_phase = Some(phase);
        self.recorder
            .record_event_at(from as f64, RecordEvent::Phase { phase })?;
        Ok(())
    }

    /// Returns the number of sockets that the plan wants open, as a line of the record.
    pub(super) fn wanted_interval(&self, now: Duration) -> Interval {
        Interval {
            at: now.as_secs_f64(),
            length: 0.0,
            source: Source::new(SourceRole::Coordinator, "coordinator"),
            counters: Default::default(),
            gauges: [(
                gauge::SOCKETS_WANTED.to_owned(),
                self.sockets_wanted(now) as f64,
            )]
            .into(),
        }
    }

    /// Shows the state of the run.
    pub(super) fn show_progress(&mut self, now: Duration) {
        let mut progress = self.recorder.progress.snapshot(now);
        progress.phase = PhaseProgress::at(&self.plan, self.phase, self.ramp_second, now);
        progress.sockets_wanted = self.sockets_wanted(now);
        progress.sockets_planned = self.plan.sockets();
        // Only what the scenario has is shown.
        let plan = &self.plan;
        progress.commands = progress.commands.filter(|_| !plan.commands.is_empty());
        progress.messages = progress.messages.filter(|_| !plan.publish.is_empty());
        progress.telemetry = progress.telemetry.filter(|_| !plan.telemetry.is_empty());
        (self.show)(Update::Progress(Box::new(progress)));
    }

    fn sockets_wanted(&self, now: Duration) -> u64 {
        let since = |second| now.checked_sub(Duration::from_secs(second));
        let steady = match self.phase {
            RunPhase::Steady { from, .. } => since(from),
            _ => None,
        };
        match (self.phase, since(self.ramp_second)) {
            (RunPhase::Drain { .. }, _) | (_, None) => 0,
            (_, Some(ramp)) => sockets_wanted_by(&self.plan, ramp, steady),
        }
    }
}
