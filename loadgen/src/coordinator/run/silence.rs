//! Workers on the bus that fall silent, come back, or are replaced.
//!
//! A silent worker may be dead, or only its link may be cut. Its share counts as missing only
//! once that is sure: when another process takes it, when the run's policy ends the run, when
//! all workers are silent for too long, or when the run is over without it.

use std::time::Duration;

use highwater_reports::record::{RecordEvent, RunEnd};
use highwater_types::format;

use super::ActiveRun;
use crate::{
    bus::OnWorkerLoss,
    control::ToWorker,
    coordinator::{
        error::RunError,
        phases::RunPhase,
        progress::{NoteKind, Update},
        remote::BusLink,
    },
};

impl<S: FnMut(Update) + Send> ActiveRun<S> {
    /// Takes in that worker `id` has shown no sign of life for `silence`.
    pub(super) async fn handle_worker_silent(
        &mut self,
        id: &str,
        silence: Duration,
        reason: String,
    ) -> Result<(), RunError> {
        let since = self.clock.now().saturating_sub(silence);
        if !self.workers.mark_silent(id, since) {
            return Ok(());
        }
        let policy = self.workers.bus().map(|link| link.on_worker_loss());
        let next = match policy.unwrap_or_default() {
            OnWorkerLoss::Continue => "the run goes on without it",
            OnWorkerLoss::Replace => "the run goes on, and waits for another worker",
            OnWorkerLoss::Stop => "the run ends",
        };
        let at = format::seconds(since.as_secs_f64());
        let text = format!("worker {id} is silent since {at}: {reason}; {next}");
        self.show_note(NoteKind::Problem, text);
        if policy == Some(OnWorkerLoss::Stop) {
            self.workers.take_silence(id);
            self.record_missing_share(id, since, None)?;
            self.stop_for_loss().await?;
        }
        Ok(())
    }

    /// Takes in that a silent worker is back. What it counted meanwhile arrives.
    pub(super) fn handle_worker_back(&mut self, id: &str) {
        if let Some(since) = self.workers.take_silence(id) {
            let silence = self.clock.now().saturating_sub(since);
            let silence = format::seconds(silence.as_secs_f64());
            let text = format!("worker {id} is back after {silence}");
            self.show_note(NoteKind::Event, text);
        }
    }

    /// Takes in that another process has taken the segment of worker `id`.
    pub(super) fn handle_worker_replaced(&mut self, id: &str) -> Result<(), RunError> {
        // The counts of a worker that is done are complete, also if another process comes after it.
        if !self.workers.is_working(id) {
            return Ok(());
        }
        let now = self.clock.now();
        let since = self.workers.take_silence(id).unwrap_or(now);
        self.workers.set_ramp_resolved(id, 0);
        self.show_note(
            NoteKind::Event,
            format!("another process has taken the share of worker {id}"),
        );
        self.record_missing_share(id, since, Some(now))
    }

    /// Gives up all workers once they have been silent for as long as they go on without a
    /// coordinator: by then each has ended.
    pub(super) fn give_up_if_all_are_silent(&mut self) -> Result<(), RunError> {
        let within = self.workers.bus().map(BusLink::resume_within);
        let (Some(within), Some(since)) = (within, self.workers.all_silent_since()) else {
            return Ok(());
        };
        if self.clock.now().saturating_sub(since) < within {
            return Ok(());
        }
        for id in self.workers.working_ids() {
            let since = self.workers.take_silence(&id).unwrap_or(since);
            self.record_missing_share(&id, since, None)?;
        }
        Ok(())
    }

    /// Records from when, and until when if it came back, the share of worker `id` was missing.
    pub(super) fn record_missing_share(
        &mut self,
        id: &str,
        since: Duration,
        until: Option<Duration>,
    ) -> Result<(), RunError> {
        let share = self
            .workers
            .segment(id)
            .map_or_else(String::new, |segment| {
                format!(
                    "share {} of {} ({} of {} sockets)",
                    segment.index() + 1,
                    segment.of(),
                    format::count(self.plan.sockets_of(segment)),
                    format::count(self.plan.sockets())
                )
            });
        let until_text = match until {
            Some(until) => format!(
                "to {}, when another process took it",
                format::seconds(until.as_secs_f64())
            ),
            None => "on".to_owned(),
        };
        let from = format::seconds(since.as_secs_f64());
        let reason = format!("no sign of life; its {share} was missing from {from} {until_text}");
        self.worker_lost = true;
        if until.is_none() && self.workers.mark_ended(id) {
            self.recorder.remove_worker(id);
            self.show_note(NoteKind::Problem, format!("worker {id} is lost: {reason}"));
        }
        let event = RecordEvent::WorkerLost {
            id: id.to_owned(),
            reason,
        };
        self.recorder.record_event_at(since.as_secs_f64(), event)?;
        self.check_workers_left();
        Ok(())
    }

    /// Begins the drain because a worker is lost and the run is to end with it.
    async fn stop_for_loss(&mut self) -> Result<(), RunError> {
        if self.is_draining() {
            return Ok(());
        }
        self.ended = RunEnd::Aborted;
        // A coordinator that resumes the run has to know it.
        self.save_checkpoint()?;
        // The next whole second, so that an interval lies in one phase only.
        let from = self.clock.now().as_secs() + 1;
        self.phase = RunPhase::Drain { from };
        self.stop_events.cancel();
        self.broadcast(&ToWorker::Drain { second: from }).await
    }
}
