//! The end of the stream of a run over the bus, and the times at which it cannot be read.
//!
//! The last messages of a worker may still be in the stream. So no worker is given up before it
//! is read to its end, and the time without a coordinator or without the bus does not count.

use tokio::time::Instant;

use super::ActiveRun;
use crate::{
    bus::BusError,
    coordinator::{error::RunError, progress::Update, remote::BusLink},
};

impl<S: FnMut(Update) + Send> ActiveRun<S> {
    /// Gives up the workers whose time is over, now that all that the stream held at `at` is
    /// recorded.
    pub(super) fn handle_stream_end(&mut self, at: Instant) -> Result<(), RunError> {
        let deadline = self.drain_deadline();
        if deadline.is_some_and(|deadline| at >= deadline) {
            self.mark_stragglers_lost()?;
        }
        self.give_up_if_all_are_silent()
    }

    /// Takes in that the stream cannot be read. Its last answer came at `since`.
    ///
    /// # Errors
    /// The cause, once the workers have ended too: nothing would end the drain.
    pub(super) fn handle_stream_lost(
        &mut self,
        since: Instant,
        error: BusError,
    ) -> Result<(), RunError> {
        self.readable_since = Instant::now();
        let within = self.workers.bus().map(BusLink::resume_within);
        let is_too_long = within.is_some_and(|within| since.elapsed() >= within);
        match is_too_long && self.is_draining() {
            true => Err(error.into()),
            false => Ok(()),
        }
    }
}
