//! The coordinator's announcements, as a worker on the bus follows them.

use std::time::Duration;

use async_nats::Subscriber;
use futures_util::StreamExt;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use tokio_util::task::AbortOnDropHandle;

use super::{coordinator_life::CoordinatorLife, status::StatusWriter};
use crate::{
    bus::{
        BusError, Control, RunStore, Stored,
        documents::{BEAT_INTERVAL, CONTROL_KEY},
    },
    clock::RunClock,
    control::{CoordinatorSource, LinkError, ToWorker},
    worker::error::WorkerError,
};

/// Announcements that wait for the worker.
const QUEUE_LEN: usize = 16;

/// The announcements of the coordinator.
pub(super) struct Follower {
    messages: mpsc::Receiver<Result<ToWorker, LinkError>>,
    _task: AbortOnDropHandle<()>,
}

impl CoordinatorSource for Follower {
    async fn receive(&mut self) -> Result<ToWorker, LinkError> {
        let message = self.messages.recv().await;
        message.unwrap_or(Err(LinkError::Closed))
    }
}

/// The knowledge of a follower.
pub(super) struct Following {
    /// The run's bucket.
    pub(super) store: RunStore,
    /// The run's clock.
    pub(super) clock: RunClock,
    /// The signs of life of this worker.
    pub(super) status: StatusWriter,
    /// The signs of life without which the worker ends in order.
    pub(super) life: CoordinatorLife,
    /// The document that the worker has acted on.
    pub(super) known: Control,
}

impl Following {
    /// Starts to follow the control document. `nudges` says that it has changed.
    pub(super) fn start(self, nudges: Subscriber) -> Follower {
        let (sender, messages) = mpsc::channel(QUEUE_LEN);
        Follower {
            messages,
            _task: AbortOnDropHandle::new(tokio::spawn(self.follow(nudges, sender))),
        }
    }

    async fn follow(
        mut self,
        mut nudges: Subscriber,
        messages: mpsc::Sender<Result<ToWorker, LinkError>>,
    ) {
        let status = self.status.clone();
        let mut taken = std::pin::pin!(status.beat_until_taken());
        let mut ticks = interval(BEAT_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut is_orphan = false;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                Some(_) = nudges.next() => {}
                error = &mut taken => {
                    let _ = messages.send(Err(LinkError::Ended(error.to_string()))).await;
                    return;
                }
            }
            let found = match self.store.read::<Control>(CONTROL_KEY).await {
                Ok(Some(found)) => Some(found),
                Err(BusError::NoRun { .. }) => {
                    let over = LinkError::Ended(WorkerError::RunOver.to_string());
                    let _ = messages.send(Err(over)).await;
                    return;
                }
                Ok(None) | Err(_) => None,
            };
            for message in self.compare(found) {
                if messages.send(message).await.is_err() {
                    return;
                }
            }
            if self.life.is_over() && !is_orphan {
                is_orphan = true;
                tracing::warn!(
                    after_s = self.life.resume_within.as_secs(),
                    "no coordinator; ending in order"
                );
                let second = self.clock.now().as_secs() + 1;
                if messages.send(Ok(ToWorker::Drain { second })).await.is_err() {
                    return;
                }
            }
        }
    }

    /// Returns what is new in the document.
    fn compare(&mut self, found: Option<Stored<Control>>) -> Vec<Result<ToWorker, LinkError>> {
        let Some(Stored { value: control, .. }) = found else {
            return Vec::new();
        };
        self.life.see(&control);
        let known = std::mem::replace(&mut self.known, control);
        let control = &self.known;
        let mut messages = Vec::new();
        if let Some(reason) = &control.stop {
            messages.push(Err(LinkError::Ended(reason.clone())));
        }
        if control.endpoints != known.endpoints {
            messages.push(Ok(ToWorker::Endpoints(control.endpoints.clone())));
        }
        if let Some(second) = control.steady.filter(|_| control.steady != known.steady) {
            messages.push(Ok(ToWorker::Steady { second }));
        }
        if let Some(second) = control.drain.filter(|_| control.drain != known.drain) {
            messages.push(Ok(ToWorker::Drain { second }));
        }
        messages
    }
}

/// Waits for the go. Ends with an error if the run ends before, or has no coordinator for
/// `resume_within`.
pub(super) async fn wait_for_go(
    store: &RunStore,
    nudges: &mut Subscriber,
    resume_within: Duration,
) -> Result<Control, WorkerError> {
    let mut life = CoordinatorLife::new(resume_within);
    let mut ticks = interval(BEAT_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        match store.read::<Control>(CONTROL_KEY).await {
            Ok(Some(found)) => {
                let control = found.value;
                life.see(&control);
                if let Some(reason) = control.stop {
                    return Err(WorkerError::Stopped(reason));
                }
                if control.go.is_some() {
                    return Ok(control);
                }
            }
            Ok(None) => {}
            Err(BusError::NoRun { .. }) => return Err(WorkerError::RunOver),
            Err(error @ BusError::Invalid { .. }) => return Err(error.into()),
            Err(_) => {}
        }
        life.check()?;
        tokio::select! {
            _ = ticks.tick() => {}
            Some(_) = nudges.next() => {}
        }
    }
}
