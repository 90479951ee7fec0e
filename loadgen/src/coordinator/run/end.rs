//! The end of a run: the consumers, a last sample, the system's own end.

use std::{mem, pin::pin, time::Duration};

use highwater_reports::record::{RecordEvent, RunEnd, names::latency};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::ActiveRun;
use crate::coordinator::{
    consumer_drain::{DrainOutcome, WaitPolicy, drain_consumers, read_journals},
    error::RunError,
    phases::RunPhase,
    progress::{NoteKind, Update},
    recorder::LostParts,
    remote::Checkpoint,
    sampler_task::SampleRound,
    telemetry::TelemetryReconciler,
};

/// Longest wait for the last sample.
const LAST_SAMPLE_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for the results of events that the end of the run has cut off.
const LAST_EVENTS_TIMEOUT: Duration = Duration::from_secs(5);

impl<S: FnMut(Update) + Send> ActiveRun<S> {
    /// Waits until the consumers have handled all accepted telemetry or are idle, then
    /// records the reconciliation.
    pub(super) async fn wait_for_consumers(
        &mut self,
        samples: &mut mpsc::Receiver<SampleRound>,
        interrupt: &CancellationToken,
    ) -> Result<(), RunError> {
        let Some(telemetry) = self.telemetry.take() else {
            return Ok(());
        };
        let telemetry = read_journals(telemetry).await;
        let interrupted = self.ended == RunEnd::Interrupted;
        let policy = WaitPolicy::new(&self.plan, interrupted, Instant::now());
        if telemetry.missing_count() > 0 {
            let text = "waiting for the consumers to handle the accepted telemetry".to_owned();
            self.show_note(NoteKind::Event, text);
        }
        // An interrupted run has used its interrupt, and waits as `policy` says.
        let interrupt_wait = match interrupted {
            true => CancellationToken::new(),
            false => interrupt.clone(),
        };
        let mut drain = pin!(drain_consumers(telemetry, policy, interrupt_wait));
        let (telemetry, outcome) = loop {
            tokio::select! {
                drained = &mut drain => break drained,
                // Goes on meanwhile: the samples of the consumers show how they catch up.
                Some(round) = samples.recv() => self.record_samples(&round)?,
            }
        };
        if let DrainOutcome::Unfinished(reason) = outcome {
            if interrupt.is_cancelled() {
                self.ended = RunEnd::Interrupted;
            }
            self.record_problem(format!(
                "{reason}: {} accepted telemetry records were not handled",
                telemetry.missing_count()
            ))?;
        }
        // What a lost worker's devices had accepted is unknown, and what comes after the wait
        // may still be handled.
        let complete = !self.worker_lost && !matches!(outcome, DrainOutcome::Unfinished(_));
        self.record_telemetry_latency(&telemetry)?;
        let summary = telemetry.summary_event(complete);
        Ok(self.recorder.record_event(summary)?)
    }

    /// Records from when records were due to when consumers had handled them, as one line of
    /// the steady phase: only there records are due.
    fn record_telemetry_latency(
        &mut self,
        telemetry: &TelemetryReconciler,
    ) -> Result<(), RunError> {
        let Some(found) = telemetry.latency() else {
            return Ok(());
        };
        let from = found.first_second();
        let until = match self.phase {
            RunPhase::Drain { from } => from,
            RunPhase::Ramp | RunPhase::Steady { .. } => self.clock.now().as_secs(),
        };
        let steady = from..until.max(from + 1);
        let tag = latency::TELEMETRY_LATENCY;
        Ok(self
            .recorder
            .record_latency(tag, steady, found.histogram())?)
    }

    /// Waits for one more round of samples, begun after all work was over: it has the
    /// system's final counts.
    pub(super) async fn wait_for_last_sample(
        &mut self,
        samples: &mut mpsc::Receiver<SampleRound>,
    ) -> Result<(), RunError> {
        let work_ended = self.clock.now().as_secs_f64();
        let deadline = Instant::now() + LAST_SAMPLE_TIMEOUT;
        while let Ok(Some(round)) = timeout_at(deadline, samples.recv()).await {
            self.record_samples(&round)?;
            let first = round.samples.first();
            if first.is_some_and(|first| first.at >= work_ended) {
                break;
            }
        }
        Ok(())
    }

    /// Stops the system and records the end of the run. Problems found at the system's end
    /// carry the time at which the last worker had finished.
    pub(super) async fn finish(
        mut self,
        samples: &mut mpsc::Receiver<SampleRound>,
    ) -> Result<RunEnd, RunError> {
        self.stop.cancel();
        let at = self.clock.now().as_secs_f64();
        // The sampler's last problems concern the whole run.
        let deadline = Instant::now() + LAST_SAMPLE_TIMEOUT;
        while let Ok(Some(round)) = timeout_at(deadline, samples.recv()).await {
            for text in round.problems {
                self.record_problem(text)?;
            }
        }
        self.record_phase(self.clock.now())?;
        self.record_process_exits()?;
        let lost = self.recorder.finish()?;
        for text in lost_parts_in_words(lost) {
            self.recorder.record_event(RecordEvent::Problem { text })?;
        }
        let problems = self.system.stop().await;
        self.collect_last_events().await?;
        for text in problems {
            self.show_note(NoteKind::Problem, text.clone());
            let problem = RecordEvent::Problem { text };
            self.recorder.record_event_at(at, problem)?;
        }
        let end = RecordEvent::End { ended: self.ended };
        self.recorder.record_event_at(at, end)?;
        self.recorder.finish()?;
        // The record is complete: nothing is left to be resumed.
        self.workers.close().await;
        Checkpoint::remove(&self.out);
        Ok(self.ended)
    }

    /// Records the results of events that the end of the run has cut off.
    async fn collect_last_events(&mut self) -> Result<(), RunError> {
        let (own_sender, mut events) = mem::replace(&mut self.events, mpsc::channel(1));
        // Without it the channel ends with the last event's task.
        drop(own_sender);
        let deadline = Instant::now() + LAST_EVENTS_TIMEOUT;
        while let Ok(Some(result)) = timeout_at(deadline, events.recv()).await {
            self.record_event_result(result).await?;
        }
        Ok(())
    }
}

/// Describes what the record does not have of the workers' intervals.
fn lost_parts_in_words(lost: LostParts) -> Vec<String> {
    let mut texts = Vec::new();
    if lost.undecodable_histograms > 0 {
        let count = lost.undecodable_histograms;
        texts.push(format!(
            "{count} latency histograms of workers could not be decoded"
        ));
    }
    if lost.impossible_times > 0 {
        let count = lost.impossible_times;
        texts.push(format!(
            "{count} intervals of workers were left out: they lie in the future"
        ));
    }
    if !lost.left_out.is_empty() {
        let left_out = lost.left_out;
        texts.push(format!(
            "counts and latencies of workers were left out: {left_out}"
        ));
    }
    texts
}
