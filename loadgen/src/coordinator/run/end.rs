//! What is waited for when the workers are done: the consumers, a last sample, the
//! system's own end.

use std::{mem, pin::pin, time::Duration};

use highwater_reports::record::{RecordEvent, RunEnd};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::ActiveRun;
use crate::coordinator::{
    consumer_drain::{self, DrainOutcome, WaitPolicy},
    error::RunError,
    progress::{NoteKind, Update},
    sampler_task::SampleRound,
};

/// How long the last sample may take to come.
const LAST_SAMPLE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long events that were under way may take to say that they are given up.
const LAST_EVENTS_TIMEOUT: Duration = Duration::from_secs(5);

impl<S: FnMut(Update) + Send> ActiveRun<S> {
    /// Waits until the consumers have written down all that was accepted, or for long
    /// no more; then the two sides are recorded.
    pub(super) async fn wait_for_consumers(
        &mut self,
        samples: &mut mpsc::Receiver<SampleRound>,
        interrupt: &CancellationToken,
    ) -> Result<(), RunError> {
        let Some(readings) = self.telemetry.take() else {
            return Ok(());
        };
        let readings = consumer_drain::read_journals(readings).await;
        let interrupted = self.ended == RunEnd::Interrupted;
        let patience = WaitPolicy::new(&self.plan, interrupted, Instant::now());
        if readings.missing_count() > 0 {
            let text = "waiting for the consumers to handle what was accepted".to_owned();
            self.show_note(NoteKind::Event, text);
        }
        // One interrupt has been heeded already: then there is nothing more to hear.
        let hurry = match interrupted {
            true => CancellationToken::new(),
            false => interrupt.clone(),
        };
        let mut settling = pin!(consumer_drain::drain_consumers(readings, patience, hurry));
        let (readings, settled) = loop {
            tokio::select! {
                settled = &mut settling => break settled,
                Some(round) = samples.recv() => self.record_samples(&round)?,
            }
        };
        if let DrainOutcome::Unfinished(why) = settled {
            if interrupt.is_cancelled() {
                self.ended = RunEnd::Interrupted;
            }
            self.record_problem(format!(
                "{why}, when {} telemetry records that were accepted had not been handled",
                readings.missing_count()
            ))?;
        }
        let whole = !self.worker_lost && !matches!(settled, DrainOutcome::Unfinished(_));
        self.recorder.record_event(readings.summary_event(whole))?;
        Ok(())
    }

    /// What the system counted in all: one more round, begun after everything was
    /// over.
    pub(super) async fn wait_for_last_sample(
        &mut self,
        samples: &mut mpsc::Receiver<SampleRound>,
    ) -> Result<(), RunError> {
        let over = self.clock.now().as_secs_f64();
        let deadline = Instant::now() + LAST_SAMPLE_TIMEOUT;
        while let Ok(Some(round)) = timeout_at(deadline, samples.recv()).await {
            self.record_samples(&round)?;
            if round.samples.first().is_some_and(|first| first.at >= over) {
                break;
            }
        }
        Ok(())
    }

    /// The end of the run is when its last worker had finished; what is found at
    /// the system's own end belongs to it.
    pub(super) async fn finish(&mut self) -> Result<RunEnd, RunError> {
        self.stop.cancel();
        let at = self.clock.now().as_secs_f64();
        self.record_phase(self.clock.now())?;
        self.record_process_exits()?;
        let undecodable = self.recorder.finish()?;
        if undecodable > 0 {
            let text = format!("{undecodable} latency histograms of workers could not be read");
            self.recorder.record_event(RecordEvent::Problem { text })?;
        }
        let found = self.system.stop().await;
        self.collect_last_events().await?;
        for text in found {
            self.show_note(NoteKind::Problem, text.clone());
            self.recorder
                .record_event_at(at, RecordEvent::Problem { text })?;
        }
        self.recorder
            .record_event_at(at, RecordEvent::End { ended: self.ended })?;
        self.recorder.finish()?;
        Ok(self.ended)
    }

    /// Events that were still under way: the system's end has given them up.
    async fn collect_last_events(&mut self) -> Result<(), RunError> {
        let (own, mut events) = mem::replace(&mut self.events, mpsc::channel(1));
        drop(own);
        let deadline = Instant::now() + LAST_EVENTS_TIMEOUT;
        while let Ok(Some(done)) = timeout_at(deadline, events.recv()).await {
            self.record_event_result(done).await?;
        }
        Ok(())
    }
}
