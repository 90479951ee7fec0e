//! The signs of life of a worker.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::{MissedTickBehavior, interval};

use super::claim::Claimed;
use crate::{
    bus::{
        BusError, RunStore, WorkerCapacity, WorkerState, WorkerStatus,
        documents::{BEAT_INTERVAL, worker_key},
    },
    worker::error::WorkerError,
};

/// The status of this worker, which a task renews each second.
#[derive(Clone)]
pub(super) struct StatusWriter {
    store: RunStore,
    claimed: Claimed,
    status: Arc<Mutex<WorkerStatus>>,
}

/// The process that has the share of the run.
enum Share {
    /// This one.
    Own,
    /// A later one.
    Taken,
}

impl StatusWriter {
    pub(super) fn new(store: RunStore, claimed: Claimed, capacity: WorkerCapacity) -> Self {
        Self {
            store,
            claimed,
            status: Arc::new(Mutex::new(WorkerStatus {
                epoch: claimed.epoch,
                beat: 0,
                state: WorkerState::Preparing,
                capacity,
            })),
        }
    }

    /// Sets the state, which the next sign of life carries.
    pub(super) fn set_state(&self, state: WorkerState) {
        self.status.lock().state = state;
    }

    /// Renews the status until another process has the segment.
    pub(super) async fn beat_until_taken(&self) -> WorkerError {
        let mut ticks = interval(BEAT_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            // After an error the next beat tries again: a bus that is away ends no worker.
            if let Ok(Share::Taken) = self.write().await {
                return WorkerError::Taken;
            }
        }
    }

    /// Writes the last status of a process that ends.
    pub(super) async fn write_last(&self, state: WorkerState) {
        self.set_state(state);
        // A conflict is one with an own beat that was given up and arrived late. After another
        // error the silence says the same, later.
        if let Err(BusError::Conflict { .. }) = self.write().await {
            let _ = self.write().await;
        }
    }

    /// Writes the status, unless it is that of a later claim.
    ///
    /// # Errors
    /// If the bus does not answer. A conflict is one too: an own write that was given up may arrive
    /// between the read and the next write.
    async fn write(&self) -> Result<Share, BusError> {
        let status = {
            let mut status = self.status.lock();
            status.beat += 1;
            status.clone()
        };
        let key = worker_key(self.claimed.index);
        // Read each time: the answer to an own write may have been lost.
        let revision = match self.store.read::<WorkerStatus>(&key).await? {
            Some(found) if found.value.epoch > self.claimed.epoch => return Ok(Share::Taken),
            Some(found) => self.store.update(&key, &status, found.revision).await,
            None => self.store.create_value(&key, &status).await,
        };
        revision.map(|_| Share::Own)
    }
}
