//! The step from one phase to the next, and what is shown of it.

use std::time::Duration;

use highwater_reports::record::{Interval, RecordEvent, RunEnd, Source, SourceRole, names::gauge};

use super::ActiveRun;
use crate::{
    control::ToWorker,
    coordinator::{
        error::RunError,
        phases::{PHASE_LEAD_S, RunPhase, sockets_wanted_by},
        progress::{NoteKind, PhaseProgress, Update},
        telemetry::SteadyStart,
    },
    sampling::gauges::sample_interval,
};

impl<S: FnMut(Update) + Send> ActiveRun<S> {
    /// Begins the next phase if this one is over.
    pub(super) async fn advance_phase(&mut self, now: Duration) -> Result<(), RunError> {
        match self.phase {
            RunPhase::Ramp if self.workers.ramp_is_over(&self.plan) => {
                self.start_steady(now).await?;
            }
            RunPhase::Steady { until, .. } if now.as_secs() >= until => {
                // The workers know this second since the steady phase was announced.
                self.phase = RunPhase::Drain { from: until };
                self.stop_events.cancel();
                self.record_phase(now)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Begins the drain that a run has reached without a coordinator, before the workers' last
    /// messages are read: they belong to it.
    pub(super) async fn catch_up_with_phase(&mut self) -> Result<(), RunError> {
        let now = self.clock.now();
        // The steady phase may have begun without a coordinator too.
        self.record_phase(now)?;
        match self.phase {
            RunPhase::Steady { .. } => self.advance_phase(now).await,
            RunPhase::Ramp | RunPhase::Drain { .. } => Ok(()),
        }
    }

    /// Announces the steady phase together with its end, so that workers need no message
    /// from there on.
    async fn start_steady(&mut self, now: Duration) -> Result<(), RunError> {
        let from = now.as_secs() + PHASE_LEAD_S;
        // Rounded up: the phase ends at a whole second as well.
        let duration = self.plan.duration;
        let until = from + duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
        self.phase = RunPhase::Steady { from, until };
        if let Some(telemetry) = &mut self.telemetry {
            telemetry.begin_steady(SteadyStart {
                second: from,
                since_1970: self.clock.since_1970_at(Duration::from_secs(from)),
            });
        }
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
        // A coordinator that resumes the run has to know it.
        self.save_checkpoint()?;
        let text = "interrupted: closing the sockets in order".to_owned();
        self.show_note(NoteKind::Event, text);
        // In the drain the sockets are closing already.
        if self.is_draining() {
            return Ok(());
        }
        // The next whole second, so that an interval lies in one phase only.
        let from = self.clock.now().as_secs() + 1;
        self.phase = RunPhase::Drain { from };
        self.stop_events.cancel();
        self.broadcast(&ToWorker::Drain { second: from }).await
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
        let event = RecordEvent::Phase { phase };
        Ok(self.recorder.record_event_at(from as f64, event)?)
    }

    /// Returns the number of sockets that the plan wants open, as a line of the record.
    pub(super) fn wanted_interval(&self, now: Duration) -> Interval {
        let wanted = self.sockets_wanted(now) as f64;
        let source = Source::new(SourceRole::Coordinator, "coordinator");
        let gauges = [(gauge::SOCKETS_WANTED.to_owned(), wanted)].into();
        sample_interval(now.as_secs_f64(), source, gauges)
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
        progress.exchanges = progress.exchanges.filter(|_| !plan.messages.is_empty());
        progress.messages = progress.messages.filter(|_| !plan.publish.is_empty());
        progress.telemetry = progress.telemetry.filter(|_| !plan.telemetry.is_empty());
        (self.show)(Update::Progress(Box::new(progress)));
    }

    fn sockets_wanted(&self, now: Duration) -> u64 {
        let since = |second| now.checked_sub(Duration::from_secs(second));
        let steady = match self.phase {
            RunPhase::Ramp => None,
            RunPhase::Steady { from, .. } => since(from),
            // The drain closes all sockets.
            RunPhase::Drain { .. } => return 0,
        };
        // Before the ramp no socket is due.
        since(self.ramp_second).map_or(0, |ramp| sockets_wanted_by(&self.plan, ramp, steady))
    }
}
