//! The coordinator's signs of life, as a worker on the bus sees them.

use std::time::Duration;

use tokio::time::Instant;

use crate::{bus::Control, control::LinkError, worker::error::WorkerError};

/// The last sign of life of the coordinator.
pub(super) struct CoordinatorLife {
    /// The coordinator's process and the number of its beat.
    last: Option<(String, u64)>,
    since: Instant,
    /// Time without a sign of life after which workers end.
    pub(super) resume_within: Duration,
}

impl CoordinatorLife {
    /// Creates the life of a coordinator that counts as alive now.
    pub(super) fn new(resume_within: Duration) -> Self {
        Self {
            last: None,
            since: Instant::now(),
            resume_within,
        }
    }

    /// Takes in a control document. One that cannot be read is not a sign of life either.
    pub(super) fn see(&mut self, control: &Control) {
        let beat = (control.coordinator.clone(), control.beat);
        if self.last.as_ref() != Some(&beat) {
            self.last = Some(beat);
            self.since = Instant::now();
        }
    }

    /// Whether the time in which a coordinator may be resumed has passed.
    pub(super) fn is_over(&self) -> bool {
        self.since.elapsed() >= self.resume_within
    }

    /// Fails once the time in which a coordinator may be resumed has passed.
    ///
    /// # Errors
    /// [`LinkError::Ended`], as of a link that ends during the load.
    pub(super) fn check(&self) -> Result<(), WorkerError> {
        if !self.is_over() {
            return Ok(());
        }
        let seconds = self.resume_within.as_secs();
        let text = format!("the coordinator has shown no sign of life for {seconds} s");
        Err(LinkError::Ended(text).into())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn control(coordinator: &str, beat: u64) -> Control {
        Control {
            coordinator: coordinator.to_owned(),
            beat,
            ..Control::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn beat_that_stands_still_ends_a_worker() {
        let mut life = CoordinatorLife::new(Duration::from_secs(10));
        // The last one is that of a coordinator that goes on with the run.
        for (coordinator, beat) in [("a", 1), ("a", 2), ("b", 2)] {
            advance(Duration::from_secs(6)).await;
            life.see(&control(coordinator, beat));
            assert!(life.check().is_ok(), "{coordinator} {beat}");
        }
        advance(Duration::from_secs(6)).await;
        life.see(&control("b", 2));
        assert!(life.check().is_ok());
        advance(Duration::from_secs(4)).await;
        let error = life.check().expect_err("no beat for 10 s").to_string();
        assert_eq!(error, "the coordinator has shown no sign of life for 10 s");
    }
}
