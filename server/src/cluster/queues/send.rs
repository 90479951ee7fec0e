//! Messages on their way to a queue.

use std::sync::Arc;

use futures_util::{FutureExt, future::BoxFuture};
use tokio::time::{Duration, Instant, sleep};

use super::broker::{Queues, SEND_TIMEOUT};
use crate::{
    backplane::{RequestError, SendError},
    cluster::slots::SlotOwner,
    message::{ClusterRequest, ClusterResponse, QueueMessage, QueueSendResult},
};

/// The pause before a message is sent to the next slot owner.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// The reason why a message may not be in its queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QueueSendError {
    /// A bound is reached; the message is not in the queue.
    #[error("the queue is full")]
    Full,
    /// The node that stores the queue cannot be reached; the message is not in the queue.
    #[error("the node that stores the queue cannot be reached")]
    Unreachable,
    /// The node left or did not answer; the message may be in the queue.
    #[error("the node that stores the queue did not answer; the message may be in the queue")]
    Unknown,
}

/// One attempt to send a message.
enum SendAttempt {
    Done(Result<(), QueueSendError>),
    Asked(BoxFuture<'static, Result<ClusterResponse, RequestError>>),
}

impl SendAttempt {
    async fn outcome(self) -> Result<(), QueueSendError> {
        match self {
            Self::Done(outcome) => outcome,
            Self::Asked(request) => match request.await {
                Ok(ClusterResponse::QueueSent(result)) => outcome_of(result),
                Err(RequestError::NotSent(SendError::TooLarge(_))) => Err(QueueSendError::Full),
                Err(RequestError::NotSent(_) | RequestError::Unprocessed(_)) => {
                    Err(QueueSendError::Unreachable)
                }
                _ => Err(QueueSendError::Unknown),
            },
        }
    }
}

impl Queues {
    /// Sends a message to a queue. It keeps the order of the calls for the slot owner, because
    /// it is on its way before the future is polled.
    pub(crate) fn send(
        self: &Arc<Self>,
        queue: &str,
        message: QueueMessage,
    ) -> impl Future<Output = Result<(), QueueSendError>> + Send + use<> {
        let first = self.begin_send(queue, &message);
        let (queues, queue) = (Arc::clone(self), queue.to_owned());
        async move {
            let deadline = Instant::now() + SEND_TIMEOUT;
            let mut attempt = first;
            loop {
                match attempt.outcome().await {
                    // The slot owner leaves. The next view has another one.
                    Err(QueueSendError::Unreachable) if Instant::now() < deadline => {
                        sleep(RETRY_AFTER).await;
                        attempt = queues.begin_send(&queue, &message);
                    }
                    outcome => return outcome,
                }
            }
        }
    }

    fn begin_send(self: &Arc<Self>, queue: &str, message: &QueueMessage) -> SendAttempt {
        match self.owner(queue) {
            SlotOwner::Unknown => SendAttempt::Done(Err(QueueSendError::Unreachable)),
            SlotOwner::Local => SendAttempt::Done(outcome_of(self.store(queue, message.clone()))),
            SlotOwner::Remote(owner) => {
                let request = ClusterRequest::QueueSend(queue.to_owned(), message.clone());
                SendAttempt::Asked(self.request(&owner, &request, SEND_TIMEOUT).boxed())
            }
        }
    }
}

fn outcome_of(result: QueueSendResult) -> Result<(), QueueSendError> {
    match result {
        QueueSendResult::Accepted => Ok(()),
        QueueSendResult::Full => Err(QueueSendError::Full),
    }
}
