//! From one phase to the next, and what is shown of it.

use std::time::Duration;

use highwater_reports::record::{Ended, Interval, Occurrence, Role, Source, names::gauge};

use super::Run;
use crate::{
    control::ToWorker,
    coordinator::{
        error::RunError,
        phases::{Phase, wanted},
        progress::{NoteKind, Stage, Update},
    },
};

impl<S: FnMut(Update) + Send> Run<S> {
    /// Goes to the next phase when this one is over.
    pub(super) async fn advance(&mut self, now: Duration) -> Result<(), RunError> {
        match self.phase {
            Phase::Ramp => {
                let plan = &self.plan;
                if self.crew.ramp_is_over(|part| plan.ramp_sockets_of(part)) {
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

    /// Somebody wants the end: the sockets close in order.
    pub(super) async fn interrupted(&mut self) -> Result<(), RunError> {
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

    /// Phases are recorded when they begin, with the second at which they do.
    pub(super) fn record_phase(&mut self, now: Duration) -> Result<(), RunError> {
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

    pub(super) fn wanted_now(&self, now: Duration) -> Interval {
        Interval {
            at: now.as_secs_f64(),
            length: 0.0,
            source: Source::new(Role::Coordinator, "coordinator"),
            counters: Default::default(),
            gauges: [(
                gauge::SOCKETS_WANTED.to_owned(),
                self.sockets_wanted(now) as f64,
            )]
            .into(),
        }
    }

    pub(super) fn show_progress(&mut self, now: Duration) {
        let mut progress = self.ledger.follower.progress(now);
        progress.stage = Stage::at(&self.plan, self.phase, self.ramp_second, now);
        progress.sockets_wanted = self.sockets_wanted(now);
        progress.sockets_planned = self.plan.sockets();
        let plan = &self.plan;
        progress.commands = progress.commands.filter(|_| !plan.commands.is_empty());
        progress.messages = progress.messages.filter(|_| !plan.publish.is_empty());
        progress.readings = progress.readings.filter(|_| !plan.readings.is_empty());
        (self.show)(Update::Progress(Box::new(progress)));
    }

    fn sockets_wanted(&self, now: Duration) -> u64 {
        let since = |second| now.checked_sub(Duration::from_secs(second));
        let steady = match self.phase {
            Phase::Steady { from, .. } => since(from),
            _ => None,
        };
        match (self.phase, since(self.ramp_second)) {
            (Phase::Drain { .. }, _) | (_, None) => 0,
            (_, Some(ramp)) => wanted(&self.plan, ramp, steady),
        }
    }
}
