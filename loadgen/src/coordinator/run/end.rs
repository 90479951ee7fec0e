//! What is waited for when the workers are done: the consumers, a last sample, the
//! system's own end.

use std::{mem, pin::pin, time::Duration};

use highwater_reports::record::{Ended, Occurrence};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::Run;
use crate::coordinator::{
    consumer_drain::{self, Patience, Settled},
    error::RunError,
    progress::{NoteKind, Update},
    sampler_task::Round,
};

/// How long the last sample may take to come.
const LAST_SAMPLE: Duration = Duration::from_secs(5);
/// How long events that were under way may take to say that they are given up.
const LAST_EVENTS: Duration = Duration::from_secs(5);

impl<S: FnMut(Update) + Send> Run<S> {
    /// Waits until the consumers have written down all that was accepted, or for long
    /// no more; then the two sides are recorded.
    pub(super) async fn settle_readings(
        &mut self,
        samples: &mut mpsc::Receiver<Round>,
        interrupt: &CancellationToken,
    ) -> Result<(), RunError> {
        let Some(readings) = self.readings.take() else {
            return Ok(());
        };
        let readings = consumer_drain::read(readings).await;
        let interrupted = self.ended == Ended::Interrupted;
        let patience = Patience::new(&self.plan, interrupted, Instant::now());
        if readings.missing() > 0 {
            let text = "waiting for the consumers to handle what was accepted".to_owned();
            self.note(NoteKind::Event, text);
        }
        // One interrupt has been heeded already: then there is nothing more to hear.
        let hurry = match interrupted {
            true => CancellationToken::new(),
            false => interrupt.clone(),
        };
        let mut settling = pin!(consumer_drain::settle(readings, patience, hurry));
        let (readings, settled) = loop {
            tokio::select! {
                settled = &mut settling => break settled,
                Some(round) = samples.recv() => self.sampled(&round)?,
            }
        };
        if let Settled::Unfinished(why) = settled {
            if interrupt.is_cancelled() {
                self.ended = Ended::Interrupted;
            }
            self.problem(format!(
                "{why}, when {} readings that were accepted had not been handled",
                readings.missing()
            ))?;
        }
        let whole = !self.worker_lost && !matches!(settled, Settled::Unfinished(_));
        self.ledger.event(readings.occurrence(whole))?;
        Ok(())
    }

    /// What the system counted in all: one more round, begun after everything was
    /// over.
    pub(super) async fn last_sample(
        &mut self,
        samples: &mut mpsc::Receiver<Round>,
    ) -> Result<(), RunError> {
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

    /// The end of the run is when its last worker had finished; what is found at
    /// the system's own end belongs to it.
    pub(super) async fn finish(&mut self) -> Result<Ended, RunError> {
        self.stop.cancel();
        let at = self.clock.now().as_secs_f64();
        self.record_phase(self.clock.now())?;
        self.ends()?;
        let undecodable = self.ledger.finish()?;
        if undecodable > 0 {
            let text = format!("{undecodable} latency histograms of workers could not be read");
            self.ledger.event(Occurrence::Problem { text })?;
        }
        let found = self.system.stop().await;
        self.last_events().await?;
        for text in found {
            self.note(NoteKind::Problem, text.clone());
            self.ledger.event_at(at, Occurrence::Problem { text })?;
        }
        self.ledger
            .event_at(at, Occurrence::End { ended: self.ended })?;
        self.ledger.finish()?;
        Ok(self.ended)
    }

    /// Events that were still under way: the system's end has given them up.
    async fn last_events(&mut self) -> Result<(), RunError> {
        let (own, mut events) = mem::replace(&mut self.events, mpsc::channel(1));
        drop(own);
        let deadline = Instant::now() + LAST_EVENTS;
        while let Ok(Some(done)) = timeout_at(deadline, events.recv()).await {
            self.event_done(done).await?;
        }
        Ok(())
    }
}
