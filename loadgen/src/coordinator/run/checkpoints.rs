//! Checkpoints of a run over the bus.

use super::ActiveRun;
use crate::coordinator::{
    error::RunError,
    progress::Update,
    remote::{BusLink, Checkpoint},
};

impl<S: FnMut(Update) + Send> ActiveRun<S> {
    /// Hands everything to the kernel, writes where the record and the stream are, and lets
    /// the stream drop what the record holds.
    pub(super) fn save_checkpoint(&mut self) -> Result<(), RunError> {
        let Some(place) = self.workers.bus().map(BusLink::place) else {
            return Ok(());
        };
        let sequence = place.sequence;
        let checkpoint = Checkpoint {
            lengths: self.recorder.flush_all()?,
            ended: self.workers.ended_ids(),
            worker_lost: self.worker_lost,
            run_end: Some(self.ended),
            ..place
        };
        checkpoint.write(&self.out)?;
        if let Some(link) = self.workers.bus() {
            link.acknowledge(sequence);
        }
        Ok(())
    }
}
