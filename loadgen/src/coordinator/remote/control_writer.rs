//! The writer of the control document.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, watch},
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::bus::{
    Bus, BusError, Control, RunId, RunStore,
    documents::{BEAT_INTERVAL, CONTROL_KEY},
};

/// Longest wait until the bus has a last change.
const LAST_WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// The writer of the control document. A change waits for nothing: a task writes it, again and
/// again while the bus is away.
pub struct ControlWriter {
    state: Arc<WriterState>,
    written: watch::Receiver<u64>,
    _task: AbortOnDropHandle<()>,
}

struct WriterState {
    control: Mutex<Control>,
    changed: Notify,
    /// Cancelled when another coordinator has the run.
    superseded: CancellationToken,
}

impl ControlWriter {
    /// Starts to write `control`, whose last revision on the bus is `revision`.
    pub(super) fn start(
        bus: Bus,
        run: RunId,
        store: RunStore,
        control: Control,
        revision: u64,
    ) -> Self {
        let state = Arc::new(WriterState {
            control: Mutex::new(control),
            changed: Notify::new(),
            superseded: CancellationToken::new(),
        });
        let (sender, written) = watch::channel(0);
        let task = write_forever(state.clone(), bus, run, store, revision, sender);
        Self {
            state,
            written,
            _task: AbortOnDropHandle::new(tokio::spawn(task)),
        }
    }

    /// Changes the document.
    pub fn change(&self, change: impl FnOnce(&mut Control)) {
        change(&mut self.state.control.lock());
        self.state.changed.notify_one();
    }

    /// Returns the document as it is to be.
    pub fn control(&self) -> Control {
        self.state.control.lock().clone()
    }

    /// Returns a token that is cancelled when another coordinator takes the run over.
    pub fn superseded(&self) -> CancellationToken {
        self.state.superseded.clone()
    }

    /// Changes the document for the last time, and waits until the bus has it.
    pub(super) async fn change_at_end(&mut self, change: impl FnOnce(&mut Control)) {
        self.change(change);
        let beat = self.state.control.lock().beat;
        let written = self.written.wait_for(|written| *written > beat);
        // A bus that is away gets no last word; workers end by themselves.
        let _ = timeout(LAST_WRITE_TIMEOUT, written).await;
    }
}

async fn write_forever(
    state: Arc<WriterState>,
    bus: Bus,
    run: RunId,
    store: RunStore,
    mut revision: u64,
    written: watch::Sender<u64>,
) {
    let mut ticks = interval(BEAT_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = state.changed.notified() => {}
        }
        let control = {
            let mut control = state.control.lock();
            control.beat += 1;
            control.clone()
        };
        match write(&store, &control, revision).await {
            Ok(Some(new)) => revision = new,
            Ok(None) => return state.superseded.cancel(),
            // The next beat writes it.
            Err(_) => continue,
        }
        // Without the nudge workers look once a second.
        let _ = bus.client.publish(run.nudge_subject(), Bytes::new()).await;
        written.send_replace(control.beat);
    }
}

/// Writes the document. Returns its revision; `None` if it is another coordinator's by now.
///
/// # Errors
/// If the bus does not answer. A conflict with an own write is one too: a write that was given up
/// may arrive at any time.
async fn write(
    store: &RunStore,
    control: &Control,
    revision: u64,
) -> Result<Option<u64>, BusError> {
    match store.update(CONTROL_KEY, control, revision).await {
        Err(BusError::Conflict { .. }) => {}
        result => return result.map(Some),
    }
    match store.read::<Control>(CONTROL_KEY).await? {
        Some(found) if found.value.coordinator == control.coordinator => {
            let updated = store.update(CONTROL_KEY, control, found.revision).await;
            updated.map(Some)
        }
        _ => Ok(None),
    }
}
