//! The handlers of workers' messages, samples and events' results.

use std::mem;

use highwater_reports::{
    example_sentence,
    record::{RecordEvent, RunEnd, action_title, names::counter},
};

use super::ActiveRun;
use crate::{
    control::{FailureReport, FromWorker, LeftOut},
    coordinator::{
        error::RunError,
        phases::RunPhase,
        progress::{NoteKind, Update},
        sampler_task::SampleRound,
        system::EventResult,
        worker_event::WorkerEvent,
    },
    testbed::BalancerChange,
};

/// Most counters with examples of failures in a record.
const MAX_FAILURE_COUNTERS: usize = 128;
/// Most examples of one counter in a record.
const MAX_EXAMPLES: usize = 3;

impl<S: FnMut(Update) + Send> ActiveRun<S> {
    /// Handles a message of worker `id`, or what became of it.
    pub(super) async fn handle_worker_event(
        &mut self,
        id: &str,
        event: WorkerEvent,
    ) -> Result<(), RunError> {
        match event {
            WorkerEvent::Message(message) => self.handle_worker_message(id, message),
            WorkerEvent::Ended(reason) => self.handle_worker_lost(id, reason),
            WorkerEvent::Silent { since, reason } => {
                self.handle_worker_silent(id, since, reason).await
            }
            WorkerEvent::Back => {
                self.handle_worker_back(id);
                Ok(())
            }
            WorkerEvent::Replaced { .. } => self.handle_worker_replaced(id),
            WorkerEvent::Unreadable(reason) => {
                self.record_problem(format!("a message on the bus was left out: {reason}"))
            }
            WorkerEvent::StreamEnd { at } => self.handle_stream_end(at),
            WorkerEvent::StreamLost { since, error } => self.handle_stream_lost(since, error),
            WorkerEvent::RunGone(error) => Err(RunError::run_gone(&error)),
            WorkerEvent::Superseded => Err(RunError::Superseded),
        }
    }

    fn handle_worker_message(&mut self, id: &str, message: FromWorker) -> Result<(), RunError> {
        match message {
            FromWorker::Interval(mut interval) => {
                self.workers.set_ramp_resolved(id, interval.ramp_resolved);
                for failure in mem::take(&mut interval.failures) {
                    self.record_failure(id, failure)?;
                }
                let left_out = self.recorder.record_worker_interval(id, interval)?;
                self.show_left_out(id, left_out);
            }
            FromWorker::UnacceptedTelemetry(devices) => {
                // `None` for a target: the harness cannot know what its consumers handled.
                if let Some(telemetry) = &mut self.telemetry {
                    for device in &devices {
                        telemetry.mark_unaccepted(device);
                    }
                }
            }
            FromWorker::Done => {
                self.workers.mark_ended(id);
                self.recorder.progress.finish_worker(id);
                if !self.is_draining() {
                    self.record_problem(format!("worker {id} finished before the drain"))?;
                }
                self.check_workers_left();
            }
            FromWorker::Hello(_) | FromWorker::Ping { .. } | FromWorker::Ready => {
                self.handle_worker_lost(id, "it sent a message out of order".to_owned())?;
            }
        }
        Ok(())
    }

    /// Shows once for each worker that parts of its intervals are left out; their number is
    /// recorded at the end.
    fn show_left_out(&mut self, id: &str, left_out: LeftOut) {
        if !left_out.is_empty() && self.workers_with_left_out.insert(id.to_owned()) {
            let text =
                format!("worker {id} sent counts or latencies that are left out: {left_out}");
            self.show_note(NoteKind::Problem, text);
        }
    }

    /// Records the first different examples of each counter, and shows the very first of them;
    /// all workers find similar ones.
    fn record_failure(&mut self, id: &str, failure: FailureReport) -> Result<(), RunError> {
        let FailureReport { counter, example } = failure;
        let is_full = self.failures.len() >= MAX_FAILURE_COUNTERS;
        if is_full && !self.failures.contains_key(&counter) {
            return Ok(());
        }
        let known = self.failures.entry(counter.clone()).or_default();
        if known.len() >= MAX_EXAMPLES || known.contains(&example) {
            return Ok(());
        }
        known.push(example.clone());
        if known.len() == 1 && !is_asked_for(&counter) {
            let text = example_sentence(&counter, &example);
            self.show_note(NoteKind::Problem, format!("{text} ({id}, {counter})"));
        }
        let worker = id.to_owned();
        Ok(self.recorder.record_event(RecordEvent::Failure {
            counter,
            worker,
            example,
        })?)
    }

    /// Records that worker `id` is lost. A second report changes nothing.
    pub(super) fn handle_worker_lost(&mut self, id: &str, reason: String) -> Result<(), RunError> {
        if self.workers.mark_ended(id) {
            self.worker_lost = true;
            // The worker's sockets have ended with its process.
            self.recorder.remove_worker(id);
            self.show_note(NoteKind::Problem, format!("worker {id} is lost: {reason}"));
            let id = id.to_owned();
            self.recorder
                .record_event(RecordEvent::WorkerLost { id, reason })?;
        }
        self.check_workers_left();
        Ok(())
    }

    /// Gives up the workers that did not finish the drain in time.
    pub(super) fn mark_stragglers_lost(&mut self) -> Result<(), RunError> {
        for id in self.workers.working_ids() {
            match self.workers.take_silence(&id) {
                Some(since) => self.record_missing_share(&id, since, None)?,
                None => {
                    self.handle_worker_lost(&id, "it did not finish the drain in time".to_owned())?;
                }
            }
        }
        Ok(())
    }

    /// Records a round of samples.
    pub(super) fn record_samples(&mut self, round: &SampleRound) -> Result<(), RunError> {
        for interval in &round.samples {
            self.recorder.record_interval(interval)?;
        }
        for text in &round.problems {
            self.record_problem(text.clone())?;
        }
        Ok(())
    }

    /// Records the result of an event of the scenario.
    pub(super) async fn record_event_result(
        &mut self,
        result: EventResult,
    ) -> Result<(), RunError> {
        let (action, node) = (result.event.action.name(), result.event.node);
        let error = result.error;
        let title = action_title(&action, &node);
        match &error {
            None => self.show_note(NoteKind::Event, title),
            Some(error) => self.show_note(NoteKind::Problem, format!("{title} failed: {error}")),
        }
        let event = RecordEvent::Action {
            action,
            node,
            error,
        };
        // At the time at which the event began: its effects may come before its result.
        self.recorder.record_event_at(result.at, event)?;
        for BalancerChange { id, join, text } in result.balancer_changes {
            let change = RecordEvent::BalancerReconfigured {
                id,
                how: join,
                text,
            };
            self.recorder.record_event(change)?;
        }
        // An event that adds or removes a node changes the addresses.
        self.send_endpoints().await
    }

    pub(super) fn is_draining(&self) -> bool {
        matches!(self.phase, RunPhase::Drain { .. })
    }

    /// Marks the run as aborted if its workers have all ended before the drain.
    pub(super) fn check_workers_left(&mut self) {
        if self.workers.working_ids().is_empty() && !self.is_draining() {
            self.ended = RunEnd::Aborted;
        }
    }
}

/// Whether a failure is what a server at its limit, or one that goes away in order, is to
/// answer: a count says enough while the run lasts.
fn is_asked_for(name: &str) -> bool {
    let shed = ["status_429", "status_503"];
    name == counter::DISCONNECT_ASKED
        || name == counter::COMMANDS_REJECTED
        || shed.iter().any(|status| name.ends_with(status))
}
