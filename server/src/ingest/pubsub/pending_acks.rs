//! Acknowledgements that the service has not confirmed.

use google_cloud_pubsub::{error::AckError, subscriber::handler::ExactlyOnce};
use tokio::task::{JoinError, JoinSet};

use super::super::queue::QueueError;

/// The acknowledgements on their way. The client library sends them every 100 ms.
#[derive(Default)]
pub(super) struct PendingAcks(JoinSet<Result<(), AckError>>);

impl PendingAcks {
    /// Acknowledges a record.
    pub(super) fn send(&mut self, handler: ExactlyOnce) {
        // A task, because nothing is sent until the call is polled.
        self.0.spawn(handler.confirmed_ack());
    }

    /// Returns the number of acknowledgements without a confirmation.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes the confirmations that have arrived.
    pub(super) fn settle(&mut self) -> Result<(), QueueError> {
        while let Some(answer) = self.0.try_join_next() {
            check(answer)?;
        }
        Ok(())
    }

    /// Waits for a confirmation. Returns whether any acknowledgement was without one. Cancel-safe.
    pub(super) async fn settle_next(&mut self) -> Result<bool, QueueError> {
        match self.0.join_next().await {
            Some(answer) => check(answer).map(|()| true),
            None => Ok(false),
        }
    }
}

fn check(answer: Result<Result<(), AckError>, JoinError>) -> Result<(), QueueError> {
    match answer.map_err(QueueError::disconnected)? {
        Ok(()) => Ok(()),
        Err(error @ AckError::LeaseExpired) => {
            tracing::warn!(%error, "a record was acknowledged too late; it is handled again");
            Ok(())
        }
        Err(error) => Err(QueueError::disconnected(error)),
    }
}
