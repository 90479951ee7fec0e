//! What workers, samples and events tell.

use highwater_reports::record::{Ended, Occurrence, action_title};

use super::Run;
use crate::coordinator::{
    error::RunError,
    phases::Phase,
    progress::{NoteKind, Update, phase_progress::action_name},
    sampler_task::Round,
    system::Done,
    worker_pool::Told,
};

impl<S: FnMut(Update) + Send> Run<S> {
    pub(super) fn heard(&mut self, id: &str, told: Told) -> Result<(), RunError> {
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
            Told::Done => self.done(id)?,
            Told::Gone(reason) => self.lost(id, reason)?,
        }
        Ok(())
    }

    fn done(&mut self, id: &str) -> Result<(), RunError> {
        self.crew.done(id);
        if !self.drains() {
            self.problem(format!("worker {id} is done before the end"))?;
        }
        self.check_crew();
        Ok(())
    }

    pub(super) fn lost(&mut self, id: &str, reason: String) -> Result<(), RunError> {
        if self.crew.lost(id) {
            self.worker_lost = true;
            self.ledger.follower.lost(id);
            self.note(NoteKind::Problem, format!("worker {id} is lost: {reason}"));
            let id = id.to_owned();
            self.ledger.event(Occurrence::WorkerLost { id, reason })?;
        }
        self.check_crew();
        Ok(())
    }

    pub(super) fn too_late(&mut self) -> Result<(), RunError> {
        for id in self.crew.still_working() {
            self.lost(&id, "it did not finish the drain in time".to_owned())?;
        }
        Ok(())
    }

    pub(super) fn sampled(&mut self, round: &Round) -> Result<(), RunError> {
        for interval in &round.samples {
            self.ledger.interval(interval)?;
        }
        for text in &round.problems {
            self.problem(text.clone())?;
        }
        Ok(())
    }

    pub(super) async fn event_done(&mut self, done: Done) -> Result<(), RunError> {
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
        for told in done.told {
            self.ledger.event(Occurrence::BalancerTold {
                id: told.id,
                how: told.how,
                text: told.text,
            })?;
        }
        self.tell_endpoints().await
    }

    fn drains(&self) -> bool {
        matches!(self.phase, Phase::Drain { .. })
    }

    /// A run whose workers have all gone before its end did not complete.
    fn check_crew(&mut self) {
        if self.crew.still_working().is_empty() && !self.drains() {
            self.ended = Ended::Aborted;
        }
    }
}
